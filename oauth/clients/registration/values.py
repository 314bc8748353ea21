"""Reads values of client metadata (RFC 7591 §2). Each function raises InvalidClientMetadata, whose description names
the member.
"""

import re
from collections.abc import Mapping
from typing import Any

from oauth.errors import InvalidClientMetadata
from oauth.models.client.keys import has_odd_values

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_MOST_VALUES = 50
ASK_AN_ADMIN = "Ask an admin of this server."


def text(metadata: Mapping[str, Any], name: str) -> str:
    value = metadata.get(name, "")
    if not isinstance(value, str) or _CONTROL.search(value) or any("\ud800" <= c <= "\udfff" for c in value):
        raise InvalidClientMetadata(f"{name} must be a string without control characters.")
    return value


def strings(metadata: Mapping[str, Any], name: str, default: list[str]) -> list[str]:
    values = metadata.get(name, default)
    if not isinstance(values, list) or len(values) > _MOST_VALUES:
        raise InvalidClientMetadata(f"{name} must be a list of at most {_MOST_VALUES} strings.")
    return [text({name: value}, name) for value in values]


def one_of(metadata: Mapping[str, Any], name: str, allowed: list[str], default: str) -> str:
    value = metadata.get(name)
    if value is None:
        return default
    if value not in allowed:
        raise InvalidClientMetadata(f"{name} must be one of {', '.join(allowed)}.")
    return str(value)


def json_object(metadata: Mapping[str, Any], name: str) -> dict[str, Any] | None:
    value = metadata.get(name)
    if value is not None and (not isinstance(value, dict) or has_odd_values(value)):
        raise InvalidClientMetadata(f"{name} must be a JSON object without control characters.")
    return value


def switch(metadata: Mapping[str, Any], name: str, *, is_on: bool) -> bool:
    """Reads a boolean. If `is_on`, the client must not turn it off."""
    value = metadata.get(name, is_on)
    if not isinstance(value, bool):
        raise InvalidClientMetadata(f"{name} must be true or false.")
    if is_on and not value:
        raise InvalidClientMetadata(f"{name}: this client cannot turn it off. {ASK_AN_ADMIN}")
    return value


def seconds(metadata: Mapping[str, Any], name: str) -> int | None:
    value = metadata.get(name)
    if value is not None and (isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 2**31):
        raise InvalidClientMetadata(f"{name} must be a number of seconds.")
    return value
