"""What a code or a refresh token hangs on, read without a lock, for the usual case: no other request uses it now.

One statement. The statement that consumes it looks at the authorization once more (`recording.consume`).
"""

from functools import cache
from typing import Any, Generic, TypeVar

from django.contrib.auth import get_user_model
from django.db import models

from oauth.fast_path.model_rows import Columns
from oauth.infrastructure.rows import rows
from oauth.models import Authorization, AuthorizationCode, Client, RefreshToken

Held = TypeVar("Held", AuthorizationCode, RefreshToken)


class _Reader(Generic[Held]):
    def __init__(self, model: type[Held], digest_column: str) -> None:
        user = get_user_model()
        self._held: Columns[Held] = Columns(model, "held")
        self._authorization = Columns(Authorization, "authorization_")
        self._user: Columns[Any] = Columns(user, "person")
        self._statement = (
            f"SELECT {self._held.sql}, {self._authorization.sql}, {self._user.sql}, client.is_active "  # noqa: S608
            f"FROM {model._meta.db_table} held "
            f"JOIN {Authorization._meta.db_table} authorization_ ON authorization_.id = held.authorization_id "
            f"JOIN {user._meta.db_table} person ON person.{_column(user)} = authorization_.user_id "
            f"JOIN {Client._meta.db_table} client ON client.id = authorization_.client_id "
            f"WHERE held.{digest_column} = %s"
        )

    def read(self, digest: bytes, client: Client) -> Held | None:
        found = rows(self._statement, [digest])
        if not found:
            return None
        *values, is_client_active = found[0]
        held = self._held.instance(values[: self._held.count])
        user_from = self._held.count + self._authorization.count
        authorization = self._authorization.instance(values[self._held.count : user_from])
        if authorization.client_id != client.pk or not is_client_active:
            return None
        authorization.user = self._user.instance(values[user_from:])
        authorization.client = client
        held.authorization = authorization
        return held


@cache
def _codes() -> _Reader[AuthorizationCode]:
    return _Reader(AuthorizationCode, "code_digest")


@cache
def _refresh_tokens() -> _Reader[RefreshToken]:
    return _Reader(RefreshToken, "token_digest")


def code(digest: bytes, client: Client) -> AuthorizationCode | None:
    """The code with its authorization, user and client. None where it is unknown or of another client, and where the
    client, as it is now in the database, is disabled."""
    return _codes().read(digest, client)


def refresh_token(digest: bytes, client: Client) -> RefreshToken | None:
    """As `code`."""
    return _refresh_tokens().read(digest, client)


def _column(model: type[models.Model]) -> str:
    assert model._meta.pk is not None
    return str(model._meta.pk.column)
