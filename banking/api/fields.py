"""Strict fields and serializers of request bodies.

`json_schema` of a field holds what its validation demands in keywords of JSON Schema; the OpenAPI document takes it
from there, and the rest (required, lengths, choices, nested objects) from the serializers themselves.
"""

import re
from typing import Any, ClassVar

from rest_framework import serializers

from banking.api.json import UNSEEN
from banking.models.ledger import MAX_AMOUNT_MINOR
from banking.notation import iban

Keywords = dict[str, Any]


class StrictSerializer(serializers.Serializer[Any]):
    """A closed schema: an unknown member is refused, so that a mistyped name is never silently ignored."""

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, dict):
            unknown = {
                name: serializers.ErrorDetail("This member is unknown.", code="unknown_member")
                for name in data
                if name not in self.fields
            }
            if unknown:
                raise serializers.ValidationError({name: [detail] for name, detail in unknown.items()})
        return super().to_internal_value(data)


class NothingSerializer(StrictSerializer):
    """No body, or an empty object."""


class StrictIntegerField(serializers.Field[int, Any, int, int]):
    """A JSON integer: no boolean, string or exponent."""

    default_error_messages = {"malformed": "Must be an integer."}
    json_schema: ClassVar[Keywords] = {"type": "integer"}

    def to_internal_value(self, data: Any) -> int:
        if type(data) is not int or abs(data) >= 10**30:
            self.fail("malformed")
        return data

    def to_representation(self, value: int) -> int:
        return value


class AmountField(StrictIntegerField):
    """The ledger refuses an amount out of this range (422 amount_out_of_range)."""

    json_schema = {"type": "integer", "minimum": 1, "maximum": MAX_AMOUNT_MINOR}


class StrictCharField(serializers.CharField):
    """A JSON string, never a number or boolean converted to one."""

    # Not blank, and without the characters that `json` refuses in any string.
    json_schema: ClassVar[Keywords] = {"type": "string", "pattern": rf"^[^{UNSEEN}]*[^\s{UNSEEN}][^{UNSEEN}]*$"}

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


class IBANField(StrictCharField):
    """As users write it: small letters and spaces are allowed. This does not check its check digits."""

    json_schema = {
        "type": "string", "format": "iban", "pattern": iban.WRITTEN_PATTERN,
        "examples": ["DE89 3704 0044 0532 0130 00"],
    }  # fmt: skip

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=iban.MAX_WRITTEN_CHARACTERS, **kwargs)


class StrictDateField(serializers.DateField):
    """An RFC 3339 date: `2026-11-24`."""

    _FORM = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"
    json_schema: ClassVar[Keywords] = {"type": "string", "format": "date", "pattern": _FORM}

    def to_internal_value(self, value: Any) -> Any:
        if not isinstance(value, str) or not re.fullmatch(self._FORM, value):
            self.fail("invalid", format="YYYY-MM-DD")
        return super().to_internal_value(value)


class StrictUUIDField(serializers.UUIDField):
    json_schema: ClassVar[Keywords] = {"type": "string", "format": "uuid"}

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, str):
            self.fail("invalid", value=data)
        return super().to_internal_value(data)
