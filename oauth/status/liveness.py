"""Whether the authorization behind a token is live: it was neither ended nor changed since the token was signed.

Only `authority` decides this, for every endpoint, grant and payment. No other code may read the columns that it uses
(tests/oauth/status/test_liveness.py checks this).
"""

from collections.abc import Iterable
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
from oauth.models.client import GrantType
from oauth.status import account_state
from oauth.tokens import status_list
from oauth.tokens.claims import AccessTokenClaims


class Names(Protocol):
    """The attributes that identify an authorization, or a client that acts on its own behalf. Claims of access tokens
    have them, and so do rows that store them for later.
    """

    @property
    def client_id(self) -> str: ...
    @property
    def authorization_id(self) -> UUID | str | None: ...


@dataclass(frozen=True, slots=True)
class Named:
    """`Names` for a caller that has a code, a refresh token or a `grant_id` instead of claims."""

    client_id: str
    authorization_id: UUID | str | None


@dataclass(frozen=True, slots=True)
class Authority:
    """The current authority behind a token.

    `client` is the client that has the token. After token exchange (RFC 8693), it differs from `authorization.client`,
    which the user allowed. `authorization` is None if the client acts on its own behalf.
    """

    client: Client
    authorization: Authorization | None

    @property
    def is_of_the_allowed_client(self) -> bool:
        """Whether the user allowed this client; False if another client got the token by token exchange."""
        return self.authorization is not None and self.authorization.client_id == self.client.pk

    def still_allowed(self, scopes: Iterable[str]) -> frozenset[str]:
        """ASVS 5.0 10.4.11: those of a token's scopes that the client may still have. After token exchange, the client
        that the user allowed must still have them, too.
        """
        left = frozenset(scopes).intersection(self.client.allowed_scopes)
        return left.intersection(self.authorization.client.allowed_scopes) if self.authorization else left


def authority(names: Names, *, read: Authorization | None = None, until_commit: bool = False) -> Authority | None:
    """The live authority behind `names`; None if it has ended or changed.

    Runs one query, and two more for a token from token exchange. `read` saves the first query if the caller has
    already read the authorization with its user and client. With `until_commit`, the authorization is locked, so that
    it cannot end before the caller's transaction.
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
        if exchanged_by is None or not exchanged_by.is_live or not _is_exchange_trusted(exchanged_by, holder):
            return None
        holder = exchanged_by
    return Authority(holder, authorization)


def is_active(names: Names) -> bool:
    """A function for OAUTH["REVOCATION_CHECK"] of a resource server of the same site.

    False also for a token with a scope that the client may no longer have (ASVS 5.0 10.4.11). The client must get a new
    token, without this scope.

    Inside a transaction, locks the authorization, so that it cannot end before the transaction.
    """
    until_commit = transaction.get_connection().in_atomic_block
    if names.authorization_id is None:
        found = authority(names)
    else:
        # Read only the columns that the decision needs, because each payment runs this query on three wide rows.
        read = _find(names.authorization_id, _tables_of_the_decision(), until_commit=until_commit)
        found = authority(names, read=read) if read is not None else None
    return found is not None and _scopes_of(names) <= found.still_allowed(_scopes_of(names))


def is_active_query(names: Names) -> tuple[str, list[Any]] | None:
    """`is_active` as SQL and its parameters, for a statement that must take effect only if the authorization is live.

    The query returns one row, `is_live`, and locks the authorization until COMMIT, or returns none. Then the caller
    must call `is_active`, because the query does not support tokens from token exchange. Returns None if the query
    cannot decide, because the client acts on its own behalf, the token's `status` is not from this server, or no
    column of the user model says who is active.
    """
    if names.authorization_id is None or not account_state.is_stored():
        return None
    index = None
    if isinstance(names, AccessTokenClaims) and names.status:
        index = status_list.index_of(names.status, issuer=names.issuer)
        if index is None:
            return None
    scopes = sorted(_scopes_of(names))
    return _active_row(), [names.authorization_id, timezone.now(), names.client_id, index, index, scopes]


# `oauth.resource_server` must not import this package, so it gets the query through the setting REVOCATION_CHECK.
is_active.as_query = is_active_query  # type: ignore[attr-defined]  # attribute of a function


@cache
def _active_row() -> str:
    """SQL for the conditions of `_is_live` and `_is_outdated`, that the token is the client's, and that the client may
    still have its scopes. PostgreSQL re-reads a row whose lock it had to wait for, so a payment fails if the
    authorization ends first (ASVS 5.0 10.4.9).
    """
    user = get_user_model()
    assert user._meta.pk is not None
    return (
        f"SELECT client.is_active AS is_live FROM {Authorization._meta.db_table} authorization_ "  # noqa: S608
        f'JOIN {source(user, "user_")} ON user_."{user._meta.pk.column}" = authorization_.user_id '
        f"JOIN {Client._meta.db_table} client ON client.id = authorization_.client_id "
        "WHERE authorization_.id = %s::uuid AND authorization_.revoked_at IS NULL "
        "AND authorization_.expires_at > %s::timestamptz AND client.is_active AND client.client_id = %s::text "
        "AND (%s::bigint IS NULL OR authorization_.status_index = %s::bigint) "
        "AND client.allowed_scopes @> %s::varchar[] "
        f"AND {Columns(user, 'user_', only=account_state.COLUMN).sql} FOR SHARE OF authorization_"
    )


def is_client_disabled(names: Names) -> bool:
    """Whether the client that has the token is disabled, or the one that the user allowed, or, after several token
    exchanges, a service between them. Then nothing is live, but the authorization has not ended: it is live again once
    staff enable the client.
    """
    client = Client.by_client_id(names.client_id)
    if client is not None and not client.is_active:
        return True
    read = _find(names.authorization_id, _tables(), until_commit=False) if names.authorization_id else None
    if read is None or not read.client.is_active:
        return read is not None
    return client is not None and client != read.client and _is_exchange_trusted(client, read.client) is False


def _is_live(authorization: Authorization) -> bool:
    """Whether the authorization is unrevoked and unexpired, and its user and client are active.

    The session is not checked, because a logout revokes the authorizations that depend on it.
    """
    return (
        authorization.revoked_at is None
        and authorization.expires_at > timezone.now()
        and authorization.user.is_active
        and authorization.client.is_active
    )


def _is_exchange_trusted(client: Client, allowed: Client) -> bool | None:
    """Whether an admin still lets the client exchange tokens of the allowed client, directly or through other services
    (RFC 8693 §4.1); None if not, False if the client or one of these services is disabled. This is checked again,
    because a webhook of a service lives longer than any token.
    """
    [(is_trusted,)] = rows(_trust(), [client.pk, [GrantType.TOKEN_EXCHANGE.value], allowed.pk])
    return is_trusted  # type: ignore[no-any-return]


@cache
def _trust() -> str:
    through, clients = Client.exchange_from.through._meta.db_table, Client._meta.db_table
    return f"""
WITH RECURSIVE trusted (id, is_active) AS (
  SELECT %s::bigint, TRUE
  UNION
  SELECT one.to_client_id, trusted.is_active AND service.is_active
    FROM trusted JOIN {clients} service ON service.id = trusted.id
    JOIN {through} one ON one.from_client_id = service.id
   WHERE service.grant_types::text[] @> %s::text[])
SELECT bool_or(is_active) FROM trusted WHERE id = %s"""  # noqa: S608 (names of tables)


def _scopes_of(names: object) -> frozenset[str]:
    """The scopes of a token; none for a row that stores its names for later, whose owner checks its scope."""
    return names.scopes if isinstance(names, AccessTokenClaims) else frozenset()


def _is_outdated(names: object, status_index: int) -> bool:
    """Whether an access token was signed before its authorization or client changed. Each change assigns a new index in
    the status list.
    """
    if not isinstance(names, AccessTokenClaims) or not names.status:
        return False
    # the claims are verified, so their issuer is this server
    return names.status != status_list.reference(status_index, issuer=names.issuer)


def _find(authorization_id: UUID | str, tables: "_Tables", *, until_commit: bool) -> Authorization | None:
    """Reads the authorization with its user and client."""
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
    """The columns to read of each table: all, or only the named ones."""

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
    """Only the columns that `is_active`, `_is_live`, `_is_outdated` and `authority` use."""
    return _Tables(
        ("id", "user_id", "client_id", "revoked_at", "expires_at", "status_index"),
        # Without this column, a property decides, which may read any other column.
        account_state.COLUMN if account_state.is_stored() else (),
        ("id", "client_id", "is_active", "allowed_scopes"),
    )
