"""Whether the authorization behind a token is still live: nobody has ended or changed it since the token was signed.

`authority` is the only place that decides this. Every endpoint, every grant and every payment calls it. No other code
reads the columns behind it (tests/oauth/status/test_liveness.py checks this).
"""

from dataclasses import dataclass
from functools import cache
from typing import Any, Protocol
from uuid import UUID

from django.contrib.auth import get_user_model
from django.db import transaction
from django.utils import timezone

from oauth.fast_path.model_rows import Columns, source
from oauth.infrastructure.rows import rows
from oauth.models import Authorization, Client
from oauth.status import account_state
from oauth.tokens import status_list
from oauth.tokens.claims import AccessTokenClaims


class Names(Protocol):
    """The fields that identify an authorization, or a client that acts for itself: claims of an access token, or a row
    that stores them for a later action.
    """

    @property
    def client_id(self) -> str: ...
    @property
    def authorization_id(self) -> UUID | str | None: ...


@dataclass(frozen=True, slots=True)
class Named:
    """Names for a caller without claims: it has a code, a refresh token or a `grant_id`."""

    client_id: str
    authorization_id: UUID | str | None


@dataclass(frozen=True, slots=True)
class Authority:
    """The state at this moment.

    `client` is the client that holds the token. After token exchange (RFC 8693) this differs from
    `authorization.client`, the client that the user allowed. `authorization` is None for a client acting for itself.
    """

    client: Client
    authorization: Authorization | None

    @property
    def is_of_the_allowed_client(self) -> bool:
        """Whether the user allowed this client itself, so that the token was not exchanged by another client."""
        return self.authorization is not None and self.authorization.client_id == self.client.pk


def authority(names: Names, *, read: Authorization | None = None, until_commit: bool = False) -> Authority | None:
    """The live, current authority behind `names`; None if it has ended or changed.

    This costs one query, and a second one for a token that was exchanged. A caller that has already read the
    authorization, with its user and client, passes it as `read` and saves the first. With `until_commit`, nobody can
    end the authorization until the caller's transaction is over.
    """
    if names.authorization_id is None:
        client = Client.by_client_id(names.client_id)
        if client is None or not client.is_active or not client.is_live or _is_outdated(names, client.status_index):
            return None
        return Authority(client, None)
    authorization = read or _find(names.authorization_id, _tables(), until_commit=until_commit)
    if authorization is None or not _is_live(authorization) or _is_outdated(names, authorization.status_index):
        return None
    holder = authorization.client
    if holder.client_id != names.client_id:
        exchanged_by = Client.by_client_id(names.client_id)
        if exchanged_by is None or not exchanged_by.is_active or not exchanged_by.is_live:
            return None
        holder = exchanged_by
    return Authority(holder, authorization)


def is_active(names: Names) -> bool:
    """OAUTH["REVOCATION_CHECK"], for a resource server of the same site that must see a revocation immediately.

    Inside a transaction, nobody can end the authorization until the caller has committed.
    """
    until_commit = transaction.get_connection().in_atomic_block
    if names.authorization_id is None:
        return authority(names) is not None
    # Each payment runs this query, so it reads only the columns of the three wide rows that the decision needs.
    read = _find(names.authorization_id, _tables_of_the_decision(), until_commit=until_commit)
    return read is not None and authority(names, read=read) is not None


def is_active_query(names: Names) -> tuple[str, list[Any]] | None:
    """`is_active` as a query and its parameters, for a statement that must act only for a live authorization.

    The query finds one row, `is_live`, locked until COMMIT, or no row. If it finds none, the caller must ask
    `is_active`, because the query does not know tokens that were exchanged. Returns None if the query cannot decide:
    the client acts for itself, the token's `status` is not one of this server, or no column says which users are
    active.
    """
    if names.authorization_id is None or not account_state.is_stored():
        return None
    index = None
    if isinstance(names, AccessTokenClaims) and names.status:
        index = status_list.index_of(names.status, issuer=names.issuer)
        if index is None:
            return None
    return _active_row(), [names.authorization_id, timezone.now(), names.client_id, index, index]


# `oauth.resource_server` may not import this package: it finds the query through the setting REVOCATION_CHECK.
is_active.as_query = is_active_query  # type: ignore[attr-defined]  # of a function


@cache
def _active_row() -> str:
    """The conditions of `_is_live` and `_is_outdated`, and that the client holds the token. PostgreSQL reads a row
    again that it had to wait for, so a payment stops when the authorization ends (ASVS 5.0 10.4.9)."""
    user = get_user_model()
    assert user._meta.pk is not None
    return (
        f"SELECT client.is_active AS is_live FROM {Authorization._meta.db_table} authorization_ "  # noqa: S608
        f'JOIN {source(user, "user_")} ON user_."{user._meta.pk.column}" = authorization_.user_id '
        f"JOIN {Client._meta.db_table} client ON client.id = authorization_.client_id "
        "WHERE authorization_.id = %s::uuid AND authorization_.revoked_at IS NULL "
        "AND authorization_.expires_at > %s::timestamptz AND client.is_active AND client.client_id = %s::text "
        "AND (%s::bigint IS NULL OR authorization_.status_index = %s::bigint) "
        f"AND {Columns(user, 'user_', only=account_state.COLUMN).sql} FOR SHARE OF authorization_"
    )


def _is_live(authorization: Authorization) -> bool:
    """Neither the user, the client, an admin nor the end of the session has ended it.

    A logout revokes the authorizations that depend on the session, so the session itself is not checked.
    """
    return (
        authorization.revoked_at is None
        and authorization.expires_at > timezone.now()
        and authorization.user.is_active
        and authorization.client.is_active
    )


def _is_outdated(names: object, status_index: int) -> bool:
    """Whether an access token was signed before its authorization or client changed: then its index in the status list
    is no longer theirs."""
    if not isinstance(names, AccessTokenClaims) or not names.status:
        return False
    # Verified claims: their issuer is this server.
    return names.status != status_list.reference(status_index, issuer=names.issuer)


def _find(authorization_id: UUID | str, tables: "_Tables", *, until_commit: bool) -> Authorization | None:
    """Reads the authorization with its user and its client."""
    lock = " FOR SHARE OF authorization_" if until_commit else ""
    found = rows(tables.statement + lock, [authorization_id])
    if not found:
        return None
    values = found[0]
    first, second = tables.authorization.count, tables.authorization.count + tables.user.count
    authorization = tables.authorization.instance(values[:first])
    authorization.user = tables.user.instance(values[first:second])
    authorization.client = tables.client.instance(values[second:])
    return authorization


class _Tables:
    """All columns of each table, or only the named ones."""

    def __init__(
        self, authorization: tuple[str, ...] = (), user_: tuple[str, ...] = (), client: tuple[str, ...] = ()
    ) -> None:
        user = get_user_model()
        assert user._meta.pk is not None
        self.authorization = Columns(Authorization, "authorization_", only=authorization)
        self.user: Columns[Any] = Columns(user, "user_", only=(user._meta.pk.attname, *user_) if user_ else ())
        self.client = Columns(Client, "client", only=client)
        self.statement = (
            f"SELECT {self.authorization.sql}, {self.user.sql}, {self.client.sql} "  # noqa: S608
            f"FROM {Authorization._meta.db_table} authorization_ "
            f'JOIN {source(user, "user_")} ON user_."{user._meta.pk.column}" = authorization_.user_id '
            f"JOIN {Client._meta.db_table} client ON client.id = authorization_.client_id WHERE authorization_.id = %s"
        )


_tables = cache(_Tables)


@cache
def _tables_of_the_decision() -> _Tables:
    """The columns that `_is_live`, `_is_outdated` and `authority` use."""
    return _Tables(
        ("id", "user_id", "client_id", "revoked_at", "expires_at", "status_index"),
        # Without this column, a property of the user may read any other.
        account_state.COLUMN if account_state.is_stored() else (),
        ("id", "client_id", "is_active"),
    )
