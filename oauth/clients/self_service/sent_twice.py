"""Recognizes a form of the portal that was sent before, as by a double click, so that it makes one app or sandbox user.

A form has a random value; what it made is kept in the cache, by this value and all fields. A developer who goes back
and edits the form makes another one. If the cache fails, a double click makes two, which the developer can close.
"""

import hashlib
import json
import secrets
from typing import Any

from django.core.cache import cache
from django.http import QueryDict

FIELD = "form"
_KEPT_SECONDS = 3600


def new_value() -> str:
    return secrets.token_urlsafe(16)


def key_of(owner: Any, form: QueryDict) -> str:
    """Empty if the form has no value."""
    if not form.get(FIELD):
        return ""
    fields = sorted((name, values) for name, values in form.lists() if name != "csrfmiddlewaretoken")
    return f"oauth.developers.form.{hashlib.sha256(json.dumps([str(owner.pk), fields]).encode()).hexdigest()}"


def made_before(key: str) -> Any:
    """The primary key of what this form has made, or None. The caller must have locked the owner."""
    return cache.get(key) if key else None


def remember(key: str, pk: Any) -> None:
    if key:
        cache.set(key, str(pk), _KEPT_SECONDS)
