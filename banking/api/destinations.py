"""The member `destination` of a transfer."""

from typing import Any

from rest_framework import serializers

from banking.api.fields import IBANField, StrictCharField, StrictSerializer, StrictUUIDField
from banking.api.representations import TransferDestination
from banking.notation import iban

#: The members of each form beside `scheme`, by its value.
FORMS = {"account": {"account_id"}, "payee": {"payee_id"}, "iban": {"identifier", "name"}}


class DestinationSerializer(StrictSerializer):
    """One of the user's own accounts, a stored payee, or an IBAN with a name. `scheme` says which. The older forms
    `{"account_id"}` and `{"payee_id"}`, without `scheme`, are deprecated but still accepted.
    """

    scheme = serializers.ChoiceField(list(FORMS), required=False)
    account_id = StrictUUIDField(required=False)
    payee_id = StrictUUIDField(required=False)
    identifier = IBANField(required=False)
    name = StrictCharField(max_length=140, required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Removes `scheme` if another member implies it, so that a retry in the older form counts as the same
        request.
        """
        scheme = attrs.pop("scheme", None)
        form = next((name for name, members in FORMS.items() if set(attrs) == members), None)
        if form is None or (scheme or form) != form or (form == "iban" and scheme is None):
            raise serializers.ValidationError(
                "Send scheme “account” with account_id, “payee” with payee_id, or “iban” with identifier and name."
            )
        return {"scheme": form, **attrs} if form == "iban" else attrs


def represent(row: dict[str, Any]) -> TransferDestination:
    """The destination from a transfer's row: an own account by its id, any other with its IBAN partly hidden."""
    if row["is_own"]:
        return {"scheme": "account", "account_id": row["destination_id"]}
    identifier = row["destination__iban"] or row["payee_iban"]
    return {"scheme": "iban", "identifier_masked": iban.masked(identifier), "name": row["payee_name"] or None}
