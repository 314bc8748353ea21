"""Reads DOT's rows by primary key, one batch at a time."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import astuple
from functools import cached_property
from typing import Any

from django.db import DEFAULT_DB_ALIAS, DatabaseError, connections, models, transaction

from oauth.dot_import.errors import ImportRefused
from oauth.dot_import.tables import Names, Tables


class Source:
    """`database` is an alias in DATABASES. `schema` is a PostgreSQL schema; empty means the default one."""

    def __init__(
        self,
        database: str = DEFAULT_DB_ALIAS,
        schema: str = "",
        *,
        user_table: str = "auth_user",
        user_key: str = "id",
        user_field: str = "email",
        names: Names | None = None,
    ) -> None:
        if database not in connections.settings:
            raise ImportRefused(f"--database must be an alias of DATABASES: {', '.join(connections.settings)}.")
        if schema and not schema.isidentifier():
            raise ImportRefused(f"--schema must be a plain name; it was {schema!r}.")
        names = names or Names()
        for table in (user_table, *astuple(names)):
            if not all(part.isidentifier() for part in table.split(".", 1)):
                raise ImportRefused(f"A table must be a plain name, or schema.name; it was {table!r}.")
        self.database, self.schema = database, schema
        self.tables = Tables(names, schema=schema, user_table=user_table, user_key=user_key, user_field=user_field)

    @property
    def name(self) -> str:
        """The name of the source in the record of the import."""
        return f"{self.database} {self.schema}".strip()

    @property
    def is_this_database(self) -> bool:
        return self.database == DEFAULT_DB_ALIAS

    @cached_property
    def applications(self) -> models.QuerySet[Any]:
        return self._rows(self.tables.applications)

    @cached_property
    def refresh_tokens(self) -> models.QuerySet[Any]:
        return self._rows(self.tables.refresh_tokens)

    @cached_property
    def access_tokens(self) -> models.QuerySet[Any]:
        return self._rows(self.tables.access_tokens)

    @cached_property
    def users(self) -> models.QuerySet[Any]:
        return self._rows(self.tables.users)

    def require_readable(self, *, with_users: bool) -> None:
        """Raises ImportRefused unless the tables have the columns of DOT 3.4."""
        for rows in (self.applications, self.refresh_tokens, self.access_tokens):
            self._require(
                rows,
                "Run `manage.py migrate` with django-oauth-toolkit 3.4 there first. If the old project had models of "
                "its own, name their tables: --application-table, --access-token-table, --refresh-token-table.",
            )
        if with_users:
            self._require(self.users, "Name the table and its columns: --user-table, --user-key, --match-users.")

    def _rows(self, model: Any) -> models.QuerySet[Any]:
        rows: models.QuerySet[Any] = model._base_manager.using(self.database)
        return rows

    def _require(self, rows: models.QuerySet[Any], hint: str) -> None:
        try:
            with transaction.atomic(using=self.database):
                list(rows.values_list()[:1])
        except DatabaseError as error:
            reason = str(error).strip().splitlines()[0]
            raise ImportRefused(f"{rows.model._meta.db_table} cannot be read: {reason}. {hint}") from error


def batches(rows: models.QuerySet[Any], *, after: int, size: int) -> Iterator[list[Any]]:
    """The rows with a primary key above `after`, sorted by it. Uses no OFFSET, so all batches cost the same."""
    while batch := list(rows.filter(pk__gt=after).order_by("pk")[:size]):
        yield batch
        after = batch[-1].pk


@contextmanager
def patient(*databases: str) -> Iterator[None]:
    """Lifts the statement timeout, because a batch may take longer than a request may."""
    with ExitStack() as stack:
        for name in dict.fromkeys(databases):
            if connections[name].vendor == "postgresql":
                _set(name, "SET {} = 0")
                stack.callback(_set, name, "RESET {}")
        yield


def _set(database: str, statement: str) -> None:
    with connections[database].cursor() as cursor:
        for name in ("statement_timeout", "idle_in_transaction_session_timeout"):
            cursor.execute(statement.format(name))
