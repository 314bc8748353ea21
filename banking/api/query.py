"""Parameters of requests. Each describes its values for the OpenAPI document; a parameter of the query string also
parses its value.
"""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.timezone import is_naive, make_aware
from rest_framework.request import Request

from banking.api.problems import BadRequest
from banking.api.text import NON_BLANK_PATTERN, is_visible
from banking.notation import bank_day

# RFC 3339 §5.6, and a time without an offset. Python's own parser also accepts other forms of ISO 8601.
_RFC_3339 = re.compile(r"\d{4}-\d\d-\d\d(?:[Tt ]\d\d:\d\d:\d\d(?:\.\d+)?(?:[Zz]|[+-]\d\d:\d\d)?)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter that a view accepts. Views refuse all others, so that a misspelt filter is never silently ignored."""

    name: str
    description: str

    @property
    def json_schema(self) -> dict[str, Any]:
        raise NotImplementedError

    def text(self, request: Request) -> str | None:
        return request.query_params.get(self.name)

    def refuse(self, what_it_must_be: str) -> BadRequest:
        return BadRequest("malformed_request", f"{self.name} must be {what_it_must_be}.", parameter=self.name)


@dataclass(frozen=True, slots=True)
class HeaderParameter:
    name: str
    description: str
    pattern: str


@dataclass(frozen=True, slots=True)
class Text(Parameter):
    max_length: int

    @property
    def json_schema(self) -> dict[str, Any]:
        return {"type": "string", "maxLength": self.max_length}


@dataclass(frozen=True, slots=True)
class SearchText(Text):
    """A text to search for. Its characters have no special meaning."""

    def value(self, request: Request) -> str | None:
        """Raises BadRequest."""
        given = self.text(request)
        if given is not None and not (given.strip() and len(given) <= self.max_length and is_visible(given)):
            raise self.refuse(f"1 to {self.max_length} visible characters")
        return given

    @property
    def json_schema(self) -> dict[str, Any]:
        return {"type": "string", "minLength": 1, "maxLength": self.max_length, "pattern": NON_BLANK_PATTERN}


@dataclass(frozen=True, slots=True)
class OptionalNumber(Parameter):
    minimum: int
    maximum: int

    @property
    def json_schema(self) -> dict[str, Any]:
        return {"type": "integer", "format": "int64", "minimum": self.minimum, "maximum": self.maximum}

    def value(self, request: Request) -> int | None:
        """Raises BadRequest."""
        given = self.text(request)
        if given is None:
            return None
        is_digits = given.isascii() and given.isdigit() and len(given) <= len(str(self.maximum)) + 1
        if not is_digits or not self.minimum <= int(given) <= self.maximum:
            raise self.refuse(f"a number from {self.minimum} to {self.maximum}")
        return int(given)


@dataclass(frozen=True, slots=True)
class Number(OptionalNumber):
    default: int

    @property
    def json_schema(self) -> dict[str, Any]:
        return {"type": "integer", "minimum": self.minimum, "maximum": self.maximum, "default": self.default}

    def value(self, request: Request) -> int:
        """Raises BadRequest."""
        given = OptionalNumber.value(self, request)
        return self.default if given is None else given


@dataclass(frozen=True, slots=True)
class Choice(Parameter):
    values: tuple[str, ...]

    @property
    def json_schema(self) -> dict[str, Any]:
        return {"type": "string", "enum": list(self.values)}

    def value(self, request: Request) -> str | None:
        """Raises BadRequest."""
        given = self.text(request)
        if given is not None and given not in self.values:
            raise self.refuse(" or ".join(self.values))
        return given


@dataclass(frozen=True, slots=True)
class Choices(Parameter):
    """One value, or several with commas between them."""

    values: tuple[str, ...]

    @property
    def json_schema(self) -> dict[str, Any]:
        if len(self.values) == 2:
            return {"type": "string", "enum": [*self.values, ",".join(self.values)]}
        one = "|".join(self.values)
        return {"type": "string", "pattern": f"^({one})(,({one}))*$"}

    def value(self, request: Request) -> frozenset[str]:
        """Empty if none is given. Raises BadRequest."""
        given = self.text(request)
        chosen = frozenset() if given is None else frozenset(given.split(","))
        if not chosen <= frozenset(self.values):
            raise self.refuse(f"{', '.join(self.values)}, or several of them separated by commas")
        return chosen


@dataclass(frozen=True, slots=True)
class Moment(Parameter):
    """A day or a time of RFC 3339; without an offset, in the bank's time zone."""

    @property
    def json_schema(self) -> dict[str, Any]:
        return {"type": "string", "format": "date"}

    def value(self, request: Request) -> datetime | None:
        """Raises BadRequest."""
        given = self.text(request)
        return None if given is None else self.parse(given)

    def parse(self, text: str) -> datetime:
        """Raises BadRequest."""
        try:
            if _RFC_3339.fullmatch(text):
                at = datetime.fromisoformat(text.upper())
                return make_aware(at, bank_day.time_zone()) if is_naive(at) else at
        except (ValueError, OverflowError):
            pass
        raise self.refuse("a date or time of RFC 3339")
