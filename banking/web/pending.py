"""Transfers that are filled in but not confirmed. They are stored in the session on the server, so that nobody can
change a transfer between the two pages. The key is its idempotency key."""

import secrets
import time
from typing import Any

from django.http import HttpRequest

_KEY = "bank.pending"
_MOST = 5
_SECONDS = 1800


def store(request: HttpRequest, order: dict[str, Any]) -> str:
    key = secrets.token_urlsafe(24)
    stored = {**_all(request), key: {**order, "at": time.time()}}
    request.session[_KEY] = dict(list(stored.items())[-_MOST:])
    return key


def load(request: HttpRequest, key: str) -> dict[str, Any] | None:
    """Finds a transfer also after it was made, so that a second press shows the same one."""
    return _all(request).get(key)


def _all(request: HttpRequest) -> dict[str, Any]:
    oldest = time.time() - _SECONDS
    return {key: order for key, order in request.session.get(_KEY, {}).items() if order["at"] > oldest}
