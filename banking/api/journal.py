"""Counts the successful requests of apps for the access journal."""

import time
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response

from banking import journal
from banking.models.account_queryset import user_id_of
from oauth.infrastructure import rate_limits
from oauth.tokens.access_token import AccessToken

#: The members of a response, or of its rows, that identify accounts.
_NAMES = ("account_id", "source_account_id")


def note(request: Request, response: Any, scopes: list[str], kwargs: Mapping[str, Any]) -> None:
    """Does not count requests of a client that acts for itself, refused requests, or operations that need no scope."""
    if not scopes or not 200 <= response.status_code < 300 or not isinstance(request.auth, AccessToken):
        return
    user_id = user_id_of(request.auth)
    if user_id is None:
        return
    journal.count(
        user_id,
        request.auth.claims.client_id,
        _accounts(response, scopes[0], kwargs) or (None,),
        scopes[0],
        at=time.time(),
        address=rate_limits.address_of(request._request),
    )


def _accounts(response: Response, kind: str, kwargs: Mapping[str, Any]) -> set[UUID | None]:
    """The accounts in the path or in the response. Each is counted once, however many of its rows the list has."""
    if "account_id" in kwargs:
        return {UUID(kwargs["account_id"])}
    data = getattr(response, "data", None)
    if not isinstance(data, Mapping):
        return set()
    rows = data.get("data", [data])
    names = ("id",) if kind == "accounts:read" else _NAMES
    return {
        value if isinstance(value, UUID) else UUID(value)
        for row in rows
        if isinstance(row, Mapping)
        for name in names
        if (value := row.get(name))
    }
