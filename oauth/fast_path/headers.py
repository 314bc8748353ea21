"""Response headers set without Django's checks of each name and value, for names and values from our own code.

The only module that touches `ResponseHeaders._store`, a dict from the lower-case name to (name, value).
"""

from collections.abc import Mapping
from typing import Any

from django.http import HttpResponseBase
from django.http.response import ResponseHeaders

from oauth.conf import conf

Stored = dict[str, tuple[str, str]]
_NONE: Stored = {}


def stored(headers: Mapping[str, str]) -> Stored:
    """The headers in the form in which Django stores them. Called once, when a module is loaded. Raises
    BadHeaderError.
    """
    return stored_in(ResponseHeaders(headers))


def stored_in(headers: ResponseHeaders) -> Stored:
    found: Any = headers
    return found._store  # type: ignore[no-any-return]  # private to Django


def add(response: HttpResponseBase, *, defaults: Stored = _NONE, fixed: Stored = _NONE) -> None:
    """Adds `defaults` where the response does not have a header of that name, and `fixed` in any case."""
    if conf.FAST_PATH:
        headers: Any = response.headers
        headers._store = {**defaults, **headers._store, **fixed}
        return
    for name, value in defaults.values():
        response.headers.setdefault(name, value)
    for name, value in fixed.values():
        response.headers[name] = value
