"""Strict JSON parsing, so that a body has only one meaning (RFC 8259 §4, §6), and fast JSON encoding of ids."""

import json
from typing import Any
from uuid import UUID

from rest_framework.exceptions import ParseError, UnsupportedMediaType
from rest_framework.parsers import BaseParser
from rest_framework.renderers import JSONRenderer
from rest_framework.utils.encoders import JSONEncoder

from banking.api.problems import TooLarge
from banking.api.text import is_visible

MAX_BODY_BYTES = 64 * 1024


class StrictJSONParser(BaseParser):
    """Refuses repeated members, floats, NaN, Infinity, and control characters or lone surrogates in strings."""

    media_type = "application/json"

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> Any:
        coding = parser_context["request"].META.get("HTTP_CONTENT_ENCODING", "")
        if coding.strip().lower() not in ("", "identity"):
            raise UnsupportedMediaType(
                coding, "The body must not be compressed (Content-Encoding)."
            )  # RFC 9110 §15.5.16
        body = stream.read(MAX_BODY_BYTES + 1)
        if len(body) > MAX_BODY_BYTES:
            raise TooLarge
        return loads(body)


class Encoder(JSONEncoder):
    def default(self, obj: Any) -> Any:
        """Checks for UUIDs first, because each row has several. DRF's encoder would check many other types first."""
        return str(obj) if type(obj) is UUID else super().default(obj)


class Renderer(JSONRenderer):
    encoder_class = Encoder


def loads(body: bytes) -> Any:
    """Parses a document. Raises ParseError with the reason."""
    try:
        text = body.decode("utf-8")
        document = json.loads(
            text,
            object_pairs_hook=_object,
            parse_float=_refuse_number,
            parse_constant=_refuse_number,
        )
        # The strings of a printable ASCII text without escapes contain no forbidden characters.
        if "\\" in text or not (text.isascii() and text.isprintable()):
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
        if not is_visible(value):
            raise ParseError(
                "A string contains a control or invisible character, or a joiner or surrogate without its pair."
            )
    elif isinstance(value, dict):
        for name, member in value.items():
            _check_strings(name)
            _check_strings(member)
    elif isinstance(value, list):
        for item in value:
            _check_strings(item)
