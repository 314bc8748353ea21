"""Parses the `authorization_details` parameter (RFC 9396 §2, §5)."""

import json
from collections.abc import Sequence
from typing import Any

from jsonschema import Draft202012Validator

from oauth.authorization_details.registry import types
from oauth.errors import InvalidAuthorizationDetails

MOST = 10
MAX_CHARACTERS = 16 * 1024


def parse(text: str | None, *, allowed_types: Sequence[str], resources: Sequence[str]) -> tuple[dict[str, Any], ...]:
    """The requested details. Raises InvalidAuthorizationDetails for an unknown type, member or value (§5)."""
    if text is None:
        return ()
    known = types()
    details = parse_array(text)
    for number, detail in enumerate(details):
        name = detail.get("type")
        if not isinstance(name, str) or name not in known or name not in allowed_types:
            raise InvalidAuthorizationDetails(f"{number}: type must be one of: {', '.join(allowed_types)}.")
        problem = next(Draft202012Validator(known[name].schema).iter_errors(detail), None)
        if problem is not None:
            where = "/".join(str(part) for part in (number, *problem.absolute_path))
            raise InvalidAuthorizationDetails(f"{where}: {_describe(problem)}")
        if not set(detail.get("locations", resources)) <= set(resources):
            raise InvalidAuthorizationDetails(f"{number}/locations: must be among the resources of this request.")
        try:
            known[name].check(detail)
        except ValueError as error:
            raise InvalidAuthorizationDetails(f"{number}: {error}") from error
    return tuple(details)


def parse_array(text: str) -> list[dict[str, Any]]:
    """Parses an array of objects (§2). Refuses repeated members and floats, which parsers read differently."""
    try:
        if len(text) > MAX_CHARACTERS:
            raise ValueError("too long")
        details = json.loads(text, object_pairs_hook=_object, parse_float=_no_number, parse_constant=_no_number)
    except (ValueError, RecursionError):
        raise InvalidAuthorizationDetails("authorization_details must be a JSON array without floats.") from None
    if not isinstance(details, list) or not 0 < len(details) <= MOST or not all(isinstance(d, dict) for d in details):
        raise InvalidAuthorizationDetails(f"authorization_details must be an array of 1 to {MOST} objects.")
    if not _is_printable(details):
        raise InvalidAuthorizationDetails("authorization_details must not contain a control character.")
    return details


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        raise ValueError("repeated")
    return members


def _no_number(number: str) -> Any:
    raise ValueError(number)


def _is_printable(value: Any) -> bool:
    if isinstance(value, dict):
        return all(_is_printable(item) for pair in value.items() for item in pair)
    if isinstance(value, list):
        return all(_is_printable(item) for item in value)
    return value.isprintable() if isinstance(value, str) else True


def _describe(problem: Any) -> str:
    """Describes the error without the value that the client sent."""
    match problem.validator:
        case "required":
            missing = [name for name in problem.validator_value if name not in problem.instance]
            return f"{', '.join(missing)} is missing."
        case "additionalProperties":
            return "has an unknown member."
        case "enum" | "const":
            allowed = problem.validator_value
            return f"must be one of: {', '.join(map(str, allowed if isinstance(allowed, list) else [allowed]))}."
        case _:
            return f"does not fit the schema ({problem.validator})."
