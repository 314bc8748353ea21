"""Undoes an import, so that it can run again, for example with another mapping."""

from django.db import DEFAULT_DB_ALIAS, transaction

from oauth.dot_import.errors import ImportRefused
from oauth.dot_import.exclusive import alone
from oauth.dot_import.report import Report
from oauth.dot_import.source import Source, patient
from oauth.models import AuditEvent, Authorization, DotImport, ImportedAccessToken, RefreshToken

BATCH = 1000


def undo(source: Source) -> Report:
    """Deletes the imported clients and all their authorizations, including those since the import.

    Deletes in batches; run it again if it was stopped. Raises ImportRefused if there is nothing to undo.
    """
    report = Report(source.name, is_dry_run=False)
    with patient(DEFAULT_DB_ALIAS), alone():
        record = DotImport.objects.filter(source=source.name).first()
        if record is None:
            raise ImportRefused("This source was not imported.")
        for imported in record.clients.select_related("client").order_by("pk"):
            client = imported.client
            ImportedAccessToken.objects.filter(client=client)._raw_delete(DEFAULT_DB_ALIAS)
            report.counts["authorizations deleted"] += _delete_authorizations(client.pk)
            with transaction.atomic():
                AuditEvent.record(
                    AuditEvent.Action.CLIENT_DELETED, client=client.client_id, reason="the import was undone"
                )
                client.delete()
            report.counts["clients deleted"] += 1
        record.delete()
    return report


def _delete_authorizations(client: int) -> int:
    deleted = 0
    while keys := list(Authorization.objects.filter(client=client).values_list("pk", flat=True)[:BATCH]):
        with transaction.atomic():
            # Use one statement; the ORM would first read each row because of `replaces`.
            RefreshToken.objects.filter(authorization__in=keys)._raw_delete(DEFAULT_DB_ALIAS)
            Authorization.objects.filter(pk__in=keys).only("pk").delete()
        deleted += len(keys)
    return deleted
