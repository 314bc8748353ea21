"""Whether what a token stands for still holds: nobody has ended it since it was signed. One query."""

from functools import cache
from typing import Any, Protocol
from uuid import UUID

from django.contrib.auth import get_user_model
from django.db import transaction
from django.utils import timezone

from oauth.models import Authorization, Client
from oauth.models.statement import Columns, rows
from oauth.tokens import status_list
from oauth.tokens.claims import AccessTokenClaims


def counts(authorization: Authorization) -> bool:
    """Neither the person, the client, an admin nor the log-in it depends on has ended it.

    `authorization` comes with its user and client; a log-out has revoked what depended on the log-in.
    """
    return (
        authorization.revoked_at is None
        and authorization.expires_at > timezone.now()
        and authorization.user.is_active
        and authorization.client.is_active
    )


def is_outdated(claims: object, authorization: Authorization) -> bool:
    """Of an access token: signed before the person or the client changed what it may do."""
    status = claims.status if isinstance(claims, AccessTokenClaims) else None
    return bool(status) and status != status_list.reference(authorization.status_index)


def find(authorization_id: UUID | str, *, until_commit: bool = False) -> Authorization | None:
    """With its user and its client; locked against being ended `until_commit` of the caller's transaction."""
    tables = _tables()
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
    def __init__(self) -> None:
        user = get_user_model()
        assert user._meta.pk is not None
        self.authorization = Columns(Authorization, "authorization_")
        self.user: Columns[Any] = Columns(user, "person")
        self.client = Columns(Client, "client")
        self.statement = (
            f"SELECT {self.authorization.sql}, {self.user.sql}, {self.client.sql} "  # noqa: S608
            f"FROM {Authorization._meta.db_table} authorization_ "
            f'JOIN {user._meta.db_table} person ON person."{user._meta.pk.column}" = authorization_.user_id '
            f"JOIN {Client._meta.db_table} client ON client.id = authorization_.client_id WHERE authorization_.id = %s"
        )


_tables = cache(_Tables)


class Names(Protocol):
    """An authorization, or without one a client that acts for itself: a token's claims, or who acts on them later."""

    @property
    def client_id(self) -> str: ...
    @property
    def authorization_id(self) -> UUID | str | None: ...


def still_counts(claims: Names) -> bool:
    """For a verified access token. A resource server in the same site asks this where a JWT is not enough.

    Asked inside a transaction, what it does is done by then or not at all: whoever ends the authorization waits for it,
    or was first.
    """
    if claims.authorization_id is None:
        return Client.objects.filter(client_id=claims.client_id, is_active=True).exists()
    authorization = find(claims.authorization_id, until_commit=transaction.get_connection().in_atomic_block)
    return authorization is not None and counts(authorization) and not is_outdated(claims, authorization)
