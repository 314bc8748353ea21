"""Authorization details in a token request (RFC 9396 §6), which must not exceed the granted ones."""

from collections.abc import Sequence
from typing import Any

from oauth.authorization_details.details_type import Detail
from oauth.authorization_details.request import parse_array
from oauth.errors import InvalidAuthorizationDetails


def narrowed(text: str | None, allowed: Sequence[Detail]) -> list[dict[str, Any]]:
    """The granted details, narrowed to those of the token request; all of them if the request has none.

    A requested list must be a subset of the granted list; any other value must be equal to the granted one. A member
    that the request omits stays as granted. Raises InvalidAuthorizationDetails.
    """
    if text is None:
        return [dict(detail) for detail in allowed]
    asked = parse_array(text)
    found = [next(filter(None, (_within(one, detail) for detail in allowed)), None) for one in asked]
    if not found or None in found:
        raise InvalidAuthorizationDetails("authorization_details must not exceed what the user allowed.")
    return [detail for detail in found if detail is not None]


def _within(asked: Detail, allowed: Detail) -> dict[str, Any] | None:
    for name, value in asked.items():
        have = allowed.get(name)
        if isinstance(value, list) and isinstance(have, list):
            if not value or not all(one in have for one in value):
                return None
        elif name not in allowed or value != have or type(value) is not type(have):
            return None
    return {**allowed, **asked} if asked.get("type") == allowed["type"] else None
