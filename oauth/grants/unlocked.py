"""What a code or a refresh token hangs on, read without a lock, for the usual case: nobody else is about to use it.

One statement. What it says is looked at once more by the statement that consumes it (`recording.consume`).
"""

from functools import cache
from typing import Generic, TypeVar

from django.contrib.auth import get_user_model
from django.db import models

from oauth.models import Authorization, AuthorizationCode, Client, RefreshToken
from oauth.models.statement import Columns, rows

Held = TypeVar("Held", AuthorizationCode, RefreshToken)


class _Reader(Generic[Held]):
    def __init__(self, model: type[Held], digest_column: str) -> None:
        self._held: Columns[Held] = Columns(model, "held")
        self._authorization = Columns(Authorization, "authorization_")
        user = get_user_model()
        # A site's own user model may have no such column: then nobody is ever deactivated.
        has_switch = any(field.name == "is_active" for field in user._meta.concrete_fields)
        self._statement = (
            f"SELECT {self._held.sql}, {self._authorization.sql} FROM {model._meta.db_table} held "  # noqa: S608
            f"JOIN {Authorization._meta.db_table} authorization_ ON authorization_.id = held.authorization_id "
            f"JOIN {user._meta.db_table} person ON person.{_column(user)} = authorization_.user_id "
            f"JOIN {Client._meta.db_table} client ON client.id = authorization_.client_id "
            f"WHERE held.{digest_column} = %s AND client.is_active{' AND person.is_active' if has_switch else ''}"
        )

    def read(self, digest: bytes) -> Held | None:
        found = rows(self._statement, [digest])
        if not found:
            return None
        held = self._held.instance(found[0][: self._held.count])
        held.authorization = self._authorization.instance(found[0][self._held.count :])
        return held


@cache
def _codes() -> _Reader[AuthorizationCode]:
    return _Reader(AuthorizationCode, "code_digest")


@cache
def _refresh_tokens() -> _Reader[RefreshToken]:
    return _Reader(RefreshToken, "token_digest")


def code(digest: bytes) -> AuthorizationCode | None:
    """None for an unknown one, and where the person or the client is deactivated."""
    return _codes().read(digest)


def refresh_token(digest: bytes) -> RefreshToken | None:
    return _refresh_tokens().read(digest)


def _column(model: type[models.Model]) -> str:
    assert model._meta.pk is not None
    return str(model._meta.pk.column)
