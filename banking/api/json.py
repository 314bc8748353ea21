"""Strict JSON: a body has one meaning (RFC 8259 §4, §6)."""

import json
import re
from typing import Any

from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser

from banking.api.problems import TooLarge

# Control characters, and invisible ones that change the text around them: direction, joining, tags (Unicode TR36 §3.3).
UNSEEN = r"\x00-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
_UNSEEN = re.compile(rf"[{UNSEEN}\ud800-\udfff\U000e0000-\U000e007f]")
MAX_BODY_BYTES = 64 * 1024


class StrictJSONParser(BaseParser):
    """Refuses repeated members, floats, NaN, Infinity, and control characters or lone surrogates in strings."""

    media_type = "application/json"

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> Any:
        body = stream.read(MAX_BODY_BYTES + 1)
        if len(body) > MAX_BODY_BYTES:
            raise TooLarge
        return loads(body)


def loads(body: bytes) -> Any:
    """Parses a document. Raises ParseError, which says what is wrong with it."""
    try:
        document = json.loads(
            body.decode("utf-8"),
            object_pairs_hook=_object,
            parse_float=_refuse_number,
            parse_constant=_refuse_number,
        )
        _check_strings(document)
    except ParseError:
        raise
    except RecursionError:
        raise ParseError("The JSON is nested too deeply.") from None
    except ValueError:
        raise ParseError("The body must be JSON in UTF-8.") from None
    return document


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        raise ParseError("A member of a JSON object is repeated.")
    return members


def _refuse_number(number: str) -> Any:
    raise ParseError("Numbers must be integers; money is in minor units.")


def _check_strings(value: Any) -> None:
    if isinstance(value, str):
        if _UNSEEN.search(value):
            raise ParseError("A string contains a control or invisible character, or half of a surrogate pair.")
    elif isinstance(value, dict):
        for name, member in value.items():
            _check_strings(name)
            _check_strings(member)
    elif isinstance(value, list):
        for item in value:
            _check_strings(item)
