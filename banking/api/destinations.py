"""The member `destination` of a transfer."""

from typing import Any

from rest_framework import serializers

from banking.api.fields import IBANField, StrictCharField, StrictSerializer, StrictUUIDField
from banking.api.representations import MaskedAccount, OwnAccount
from banking.notation import iban

#: Each form by its members.
FORMS = ({"account_id"}, {"payee_id"}, {"scheme", "identifier", "name"})


class DestinationSerializer(StrictSerializer):
    """`{"account_id"}` for one of the user's own accounts, `{"payee_id"}`, or `{"scheme": "iban", "identifier",
    "name"}`."""

    account_id = StrictUUIDField(required=False)
    payee_id = StrictUUIDField(required=False)
    scheme = serializers.ChoiceField(["iban"], required=False)
    identifier = IBANField(required=False)
    name = StrictCharField(max_length=140, required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if set(attrs) not in FORMS:
            raise serializers.ValidationError(
                "Send account_id alone, or payee_id alone, or scheme, identifier and name."
            )
        return attrs


def represent(row: dict[str, Any]) -> OwnAccount | MaskedAccount:
    """Of a transfer's row: an own account by its id, any other with its IBAN partly hidden."""
    if row["is_own"]:
        return {"account_id": row["destination_id"]}
    identifier = row["destination__iban"] or row["payee_iban"]
    return {"scheme": "iban", "identifier_masked": iban.masked(identifier), "name": row["payee_name"] or None}
