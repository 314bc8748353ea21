"""Transfers and payment orders that are not confirmed yet. They are stored in the session on the server, so that nobody
can change one between the form and the confirmation. Its key in the session is also its idempotency key. A form for an
order is never treated as a transfer, because a transfer pays today.
"""

import secrets
import time
from typing import Any, Literal

from django.http import HttpRequest

Kind = Literal["transfer", "order"]
_MOST = 5
_SECONDS = 1800


def store(request: HttpRequest, kind: Kind, body: dict[str, Any]) -> str:
    key = secrets.token_urlsafe(24)
    stored = {**_all(request, kind), key: {**body, "at": time.time()}}
    request.session[_session_key(kind)] = dict(list(stored.items())[-_MOST:])
    return key


def load(request: HttpRequest, kind: Kind, key: str) -> dict[str, Any] | None:
    """The stored payment, even after it was made, so that a second press of the button shows the same payment."""
    return _all(request, kind).get(key)


def _all(request: HttpRequest, kind: Kind) -> dict[str, Any]:
    oldest = time.time() - _SECONDS
    return {key: body for key, body in request.session.get(_session_key(kind), {}).items() if body["at"] > oldest}


def _session_key(kind: Kind) -> str:
    return "bank.pending" if kind == "transfer" else f"bank.pending.{kind}"
