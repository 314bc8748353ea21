"""Undoes an import, so that it can run again, for example with another mapping."""

from collections.abc import Iterator
from typing import Any

from django.apps import apps
from django.db import DEFAULT_DB_ALIAS, connection, transaction
from django.db.models import Model, QuerySet
from django.db.models.deletion import Collector
from psycopg import sql

from oauth.dot_import.errors import ImportRefused
from oauth.dot_import.exclusive import alone
from oauth.dot_import.report import Report
from oauth.dot_import.source import Source, patient
from oauth.models import AuditEvent, Authorization, Client, DotImport, ImportedAccessToken, RefreshToken

BATCH = 1000
OURS = frozenset({"oauth", "oauth2_provider"})


class _OurRows(Collector):
    """Deletes objects with the rows of these apps that depend on them, but no row of another app, whatever the
    `on_delete` of its foreign key. After a rollback, such a foreign key contains a primary key of the old project,
    which can be that of an imported client by chance.
    """

    def related_objects(self, related_model: Any, related_fields: Any, objs: Any) -> QuerySet[Any]:
        found: QuerySet[Any] = super().related_objects(related_model, related_fields, objs)
        return found if related_model._meta.app_label in OURS else found.none()


def _delete(rows: Any) -> None:
    collector = _OurRows(using=DEFAULT_DB_ALIAS)
    collector.collect(rows)
    collector.delete()


def undo(source: Source) -> Report:
    """Deletes the imported clients and all their authorizations, including those since the import.

    Deletes in batches; run it again if it was stopped. Raises ImportRefused if there is nothing to undo, or if a table
    of another app refers to what would be deleted.
    """
    report = Report(source.name, is_dry_run=False)
    with patient(DEFAULT_DB_ALIAS), alone():
        record = DotImport.objects.filter(source=source.name).first()
        if record is None:
            raise ImportRefused("This source was not imported.")
        if referring := list(_referring_columns(list(record.clients.values_list("client_id", flat=True)))):
            raise ImportRefused(
                f"Tables of other apps refer to what the import made: {', '.join(referring)}. "
                "Restore these columns first."
            )
        for imported in record.clients.select_related("client").order_by("pk"):
            client = imported.client
            ImportedAccessToken.objects.filter(client=client)._raw_delete(DEFAULT_DB_ALIAS)
            report.counts["authorizations deleted"] += _delete_authorizations(client.pk)
            with transaction.atomic():
                AuditEvent.record(
                    AuditEvent.Action.CLIENT_DELETED, client=client.client_id, reason="the import was undone"
                )
                _delete([client])
            report.counts["clients deleted"] += 1
        record.delete()
    return report


def _delete_authorizations(client: int) -> int:
    deleted = 0
    while keys := list(Authorization.objects.filter(client=client).values_list("pk", flat=True)[:BATCH]):
        with transaction.atomic():
            # Use one statement; the ORM would first read each row because of `replaces`.
            RefreshToken.objects.filter(authorization__in=keys)._raw_delete(DEFAULT_DB_ALIAS)
            _delete(Authorization.objects.filter(pk__in=keys).only("pk"))
        deleted += len(keys)
    return deleted


def _referring_columns(clients: list[int]) -> Iterator[str]:
    """The columns of other apps with a row that refers to one of the clients or to one of their authorizations."""
    ours = [model._meta.db_table for label in OURS for model in apps.get_app_config(label).get_models(True)]
    keys: list[tuple[type[Model], str]] = [
        (Client, "SELECT unnest(%s::bigint[])"),
        (Authorization, "SELECT id FROM oauth_authorization WHERE client_id = ANY(%s)"),
    ]
    with connection.cursor() as cursor:
        for model, selected in keys:
            cursor.execute(
                "SELECT c.conrelid::regclass::text, a.attname FROM pg_constraint c"
                " JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = ANY(c.conkey)"
                " WHERE c.contype = 'f' AND c.confrelid = %s::regclass AND c.conrelid::regclass::text <> ALL(%s)",
                [model._meta.db_table, ours],
            )
            for table, column in cursor.fetchall():
                cursor.execute(
                    sql.SQL("SELECT EXISTS (SELECT FROM {} WHERE {} IN ({}))").format(
                        sql.SQL(table), sql.Identifier(column), sql.SQL(selected)
                    ),
                    [clients],
                )
                if cursor.fetchone()[0]:
                    yield f"{table}.{column}"
