"""Strict fields and serializers of request bodies.

The `json_schema` of a field describes its validation in keywords of JSON Schema. The OpenAPI document copies it, and
derives the rest (required, lengths, choices, nested objects) from the serializers.
"""

import re
from functools import cached_property
from typing import Any, ClassVar

from django.core.exceptions import ValidationError as DjangoValidationError
from django.core.validators import MaxLengthValidator, ProhibitNullCharactersValidator
from rest_framework import serializers
from rest_framework.fields import empty
from rest_framework.settings import api_settings
from rest_framework.validators import ProhibitSurrogateCharactersValidator

from banking.api.representations import CURRENCY_PATTERN, DAY_PATTERN
from banking.api.text import NON_BLANK_PATTERN
from banking.models.ledger import MAX_AMOUNT_MINOR
from banking.models.schedule import MAX_INTERVAL
from banking.notation import iban

Keywords = dict[str, Any]


class StrictSerializer(serializers.Serializer[Any]):
    """A closed schema: refuses an unknown member, so that a mistyped name is never silently ignored."""

    #: Whether null means that an optional member is absent, because many generated clients send null for it. In a
    #: PATCH, null has its own meaning (RFC 7396).
    null_is_absent: ClassVar[bool] = False
    #: The minimum number of members of a body, if all are optional.
    fewest_members: ClassVar[int] = 0

    def run_validation(self, data: Any = empty) -> Any:
        """Like DRF's method, but faster for a valid body: it skips DRF's work for forms and for collecting errors,
        which takes longer than checking the members. DRF validates an invalid body again, to produce the error
        messages.
        """
        if type(data) is dict and self._members is not None:
            try:
                return self._accepted(data, self._members)
            except (serializers.ValidationError, DjangoValidationError):
                pass
        return super().run_validation(data)

    @cached_property
    def _members(self) -> dict[str, "serializers.Field[Any, Any, Any, Any]"] | None:
        """The fields by name; None for a serializer that uses features of DRF beyond required members and
        `validate`.
        """
        is_plain = (
            not self.validators
            and not getattr(self.root, "partial", False)
            and all(
                field.source == name
                and not field.read_only
                and field.default is empty
                and not hasattr(self, f"validate_{name}")
                for name, field in self.fields.items()
            )
        )
        return dict(self.fields.items()) if is_plain else None

    def _accepted(self, data: dict[str, Any], members: "dict[str, serializers.Field[Any, Any, Any, Any]]") -> Any:
        """The validated values. Raises ValidationError, which need not have all errors."""
        if len(data) < self.fewest_members or not data.keys() <= members.keys():
            raise serializers.ValidationError
        accepted = {}
        for name, field in members.items():
            value = data.get(name, empty)
            if not field.required and (value is empty or (value is None and self.null_is_absent)):
                continue
            accepted[name] = field.run_validation(value)
        return self.validate(accepted)

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, dict):
            unknown = {
                name: serializers.ErrorDetail("This member is unknown.", code="unknown_member")
                for name in data
                if name not in self.fields
            }
            if unknown:
                raise serializers.ValidationError({name: [detail] for name, detail in unknown.items()})
            if len(data) < self.fewest_members:
                too_few = f"Send at least {self.fewest_members} member."
                raise serializers.ValidationError({api_settings.NON_FIELD_ERRORS_KEY: [too_few]})
            if self.null_is_absent:
                data = {name: value for name, value in data.items() if value is not None or self.fields[name].required}
        return super().to_internal_value(data)


class NothingSerializer(StrictSerializer):
    """Accepts no body, or an empty object."""


class _OneCheck:
    """A field whose only check of a value is its `to_internal_value`."""

    validators: list[Any]

    def run_validation(self, data: Any = empty) -> Any:
        if data is empty or data is None or self.validators:
            return super().run_validation(data)  # type: ignore[misc]  # of the field
        return self.to_internal_value(data)  # type: ignore[attr-defined]  # of the field


class StrictIntegerField(_OneCheck, serializers.Field[int, Any, int, int]):
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

    json_schema = {"type": "integer", "format": "int64", "minimum": 1, "maximum": MAX_AMOUNT_MINOR}


class IntervalField(StrictIntegerField):
    default_error_messages = {"out_of_range": f"Must be from 1 to {MAX_INTERVAL}."}
    json_schema = {"type": "integer", "format": "int32", "minimum": 1, "maximum": MAX_INTERVAL}

    def to_internal_value(self, data: Any) -> int:
        number = super().to_internal_value(data)
        if not 1 <= number <= MAX_INTERVAL:
            self.fail("out_of_range")
        return number


class StrictCharField(serializers.CharField):
    """A JSON string; a number or boolean is not converted. It must match `pattern`, which the OpenAPI document
    contains.
    """

    #: A regular expression of ECMA 262 and of Python, for the whole text.
    pattern: ClassVar[str] = NON_BLANK_PATTERN
    keywords: ClassVar[Keywords] = {}
    default_error_messages = {"form": "This does not match the API's schema."}

    @property
    def json_schema(self) -> Keywords:
        return {"type": "string", "pattern": self.pattern, **self.keywords}

    def run_validation(self, data: Any = empty) -> Any:
        """Skips DRF's validators for printable ASCII that matches, because it contains none of the characters that they
        check for.
        """
        is_plain = type(data) is str and data.isascii() and data.isprintable() and not data.isspace()
        if is_plain and data and self._has_own_validators_only:
            return self.to_internal_value(data)
        return super().run_validation(data)

    @cached_property
    def _has_own_validators_only(self) -> bool:
        """`to_internal_value` checks the length."""
        return self.min_length is None and {type(one) for one in self.validators} <= {
            MaxLengthValidator, ProhibitNullCharactersValidator, ProhibitSurrogateCharactersValidator,
        }  # fmt: skip

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        if not re.fullmatch(self.pattern, data):
            self.fail("form")
        # Checked before the text is trimmed, because the lengths of the schema include spaces.
        if self.max_length is not None and len(data) > self.max_length:
            self.fail("max_length", max_length=self.max_length)
        return super().to_internal_value(data)


class CurrencyField(StrictCharField):
    pattern = CURRENCY_PATTERN
    default_error_messages = {"form": "Must be a code of ISO 4217: three capital letters."}


class IBANField(StrictCharField):
    """An IBAN as users write it, possibly with lower-case letters and separators. Its structure and check digits are
    not checked here.
    """

    pattern = iban.WRITTEN_PATTERN
    keywords = {"format": "iban", "examples": ["DE89 3704 0044 0532 0130 00"]}
    default_error_messages = {"form": "Must be an IBAN: a country, two check digits and the account number."}

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=iban.MAX_WRITTEN_CHARACTERS, **kwargs)


class StrictDateField(serializers.DateField):
    """An RFC 3339 date: `2026-11-24`."""

    pattern: ClassVar[str] = DAY_PATTERN
    json_schema: ClassVar[Keywords] = {"type": "string", "format": "date", "pattern": DAY_PATTERN}

    def to_internal_value(self, value: Any) -> Any:
        if not isinstance(value, str) or not re.fullmatch(self.pattern, value):
            self.fail("invalid", format="YYYY-MM-DD")
        return super().to_internal_value(value)


class StrictUUIDField(_OneCheck, serializers.UUIDField):
    json_schema: ClassVar[Keywords] = {"type": "string", "format": "uuid"}

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, str):
            self.fail("invalid", value=data)
        return super().to_internal_value(data)
