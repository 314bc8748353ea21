"""Sets response headers from our own code without Django's validation of each name and value.

Only this module uses `ResponseHeaders._store`, a dict from the lower-case name to (name, value).
"""

from collections.abc import Mapping
from typing import Any

from django.http import HttpResponseBase
from django.http.response import ResponseHeaders

from oauth.conf import conf

Stored = dict[str, tuple[str, str]]
_NONE: Stored = {}


def stored(headers: Mapping[str, str]) -> Stored:
    """The headers as Django stores them. Call this when a module is loaded. Raises BadHeaderError."""
    return stored_in(ResponseHeaders(headers))


def stored_in(headers: ResponseHeaders) -> Stored:
    found: Any = headers
    return found._store  # type: ignore[no-any-return]  # private to Django


def add(response: HttpResponseBase, *, defaults: Stored = _NONE, fixed: Stored = _NONE) -> None:
    """Sets `fixed`, and those of `defaults` that the response does not have."""
    if conf.FAST_PATH:
        headers: Any = response.headers
        headers._store = {**defaults, **headers._store, **fixed}
        return
    for name, value in defaults.values():
        response.headers.setdefault(name, value)
    for name, value in fixed.values():
        response.headers[name] = value
