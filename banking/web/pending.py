"""Transfers that are filled in and not confirmed: kept in the browser's session on the server, so that between the
two pages nobody can change what was shown. The key is what makes each of them happen once."""

import secrets
import time
from typing import Any

from django.http import HttpRequest

_KEY = "bank.pending"
_MOST = 5
_SECONDS = 1800


def keep(request: HttpRequest, order: dict[str, Any]) -> str:
    key = secrets.token_urlsafe(24)
    stored = {**_all(request), key: {**order, "at": time.time()}}
    request.session[_KEY] = dict(list(stored.items())[-_MOST:])
    return key


def find(request: HttpRequest, key: str) -> dict[str, Any] | None:
    """Also after it was made: who presses twice is shown the one transfer."""
    return _all(request).get(key)


def _all(request: HttpRequest) -> dict[str, Any]:
    oldest = time.time() - _SECONDS
    return {key: order for key, order in request.session.get(_KEY, {}).items() if order["at"] > oldest}
