"""Where money may go: an own account, a stored payee, or an IBAN with a name."""

from typing import Any
from uuid import UUID

from rest_framework import serializers

from banking.api.money import StrictCharField, StrictSerializer, StrictUUIDField
from banking.ledger.refusals import PayeeUnreachable
from banking.models import Payee
from banking.notation import iban

_FORMS = ({"account_id"}, {"payee_id"}, {"scheme", "identifier", "name"})


class DestinationSerializer(StrictSerializer):
    """`{"account_id"}`, one of the person's own accounts, `{"payee_id"}`, or `{"scheme": "iban", "identifier",
    "name"}`."""

    account_id = StrictUUIDField(required=False)
    payee_id = StrictUUIDField(required=False)
    scheme = serializers.ChoiceField(["iban"], required=False)
    identifier = StrictCharField(max_length=42, required=False)
    name = StrictCharField(max_length=140, required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if set(attrs) not in _FORMS:
            raise serializers.ValidationError("Either account_id, or payee_id, or scheme, identifier and name.")
        return attrs


def resolved(destination: dict[str, Any], user_id: str | UUID) -> dict[str, Any]:
    """A stored payee as the IBAN and name that it stands for. Raises PayeeUnreachable for one that is not there."""
    if "payee_id" not in destination:
        return destination
    payee = Payee.objects.current().filter(user_id=user_id, pk=destination["payee_id"]).first()
    if payee is None:
        raise PayeeUnreachable(pointer="/destination/payee_id")
    return {"scheme": "iban", "identifier": payee.iban, "name": payee.name}


def iban_of(destination: dict[str, Any]) -> str:
    """Empty for an own account."""
    return iban.compact(destination.get("identifier", ""))


def shown(row: dict[str, Any]) -> dict[str, Any]:
    """Of a transfer's values: an own account by its id, anybody else's partly hidden."""
    if row["is_own"]:
        return {"account_id": row["destination_id"]}
    identifier = row["destination__iban"] or row["payee_iban"]
    return {"scheme": "iban", "identifier_masked": iban.masked(identifier), "name": row["payee_name"] or None}
