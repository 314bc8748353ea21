"""Reads a code or a refresh token with its authorization and user in one statement, without a lock.

Finds only an unused row of this client, and only if the client is active in the database, because the cached client may
be outdated. Otherwise the request is decided under the lock.
"""

from functools import cached_property
from typing import Any, Generic, TypeVar

from django.contrib.auth import get_user_model

from oauth.fast_path.model_rows import Columns, source
from oauth.infrastructure.rows import rows
from oauth.models import Authorization, AuthorizationCode, Client, RefreshToken

Held = TypeVar("Held", AuthorizationCode, RefreshToken)


class Snapshot(Generic[Held]):
    """`unused` is the SQL condition that the row with the alias `held` is unused."""

    def __init__(self, model: type[Held], digest_column: str, unused: str) -> None:
        self._model: type[Held] = model
        self._digest_column, self._unused = digest_column, unused

    def read_unused(self, digest: bytes, client: Client) -> Held | None:
        tables = self._tables
        found = rows(tables.statement, [digest, client.pk])
        if not found:
            return None
        values, user_from = found[0], tables.held.count + tables.authorization.count
        held = tables.held.instance(values[: tables.held.count])
        authorization = tables.authorization.instance(values[tables.held.count : user_from])
        authorization.user = tables.user.instance(values[user_from:])
        authorization.client = client
        held.authorization = authorization
        return held

    @cached_property
    def _tables(self) -> "_Tables[Held]":
        return _Tables(self._model, self._digest_column, self._unused)


class _Tables(Generic[Held]):
    """The columns and the statement, built at first use, when Django has loaded all models."""

    def __init__(self, model: type[Held], digest_column: str, unused: str) -> None:
        user = get_user_model()
        assert user._meta.pk is not None
        self.held: Columns[Held] = Columns(model, "held")
        self.authorization = Columns(Authorization, "authorization_")
        self.user: Columns[Any] = Columns(user, "user_")
        self.statement = (
            f"SELECT {self.held.sql}, {self.authorization.sql}, {self.user.sql} "  # noqa: S608
            f"FROM {model._meta.db_table} held "
            f"JOIN {Authorization._meta.db_table} authorization_ ON authorization_.id = held.authorization_id "
            f'JOIN {source(user, "user_")} ON user_."{user._meta.pk.column}" = authorization_.user_id '
            f"JOIN {Client._meta.db_table} client ON client.id = authorization_.client_id AND client.is_active "
            # With `=`, PostgreSQL may use the index of the client and read all of its authorizations: if most clients
            # have one, it expects one. For IS NOT DISTINCT FROM, it uses no index.
            f"WHERE held.{digest_column} = %s AND authorization_.client_id IS NOT DISTINCT FROM %s AND {unused}"
        )
