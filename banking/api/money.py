"""Money in JSON: integer minor units and an ISO 4217 code. And the strict fields of the API."""

from typing import Any

from rest_framework import serializers


def money(currency: str, minor_units: int) -> dict[str, Any]:
    return {"currency": currency, "minor_units": minor_units}


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


class StrictIntegerField(serializers.Field[int, Any, int, int]):
    """A JSON integer: no boolean, string or exponent. The ledger checks the range."""

    default_error_messages = {"malformed": "Must be an integer."}

    def to_internal_value(self, data: Any) -> int:
        if type(data) is not int or abs(data) >= 10**30:
            self.fail("malformed")
        return data

    def to_representation(self, value: int) -> int:
        return value


class StrictCharField(serializers.CharField):
    """A JSON string, never a number or boolean converted to one."""

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


class StrictDateField(serializers.DateField):
    """An RFC 3339 date: `2026-11-24`."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(input_formats=["%Y-%m-%d"], **kwargs)


class StrictUUIDField(serializers.UUIDField):
    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, str):
            self.fail("invalid", value=data)
        return super().to_internal_value(data)


class MoneySerializer(StrictSerializer):
    currency = serializers.RegexField(r"^[A-Z]{3}$")
    minor_units = StrictIntegerField()
