"""The destination of a payment: one of the user's own accounts, a stored payee, or an IBAN with a name."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from banking.models import Payee
from banking.notation import iban


@dataclass(frozen=True, slots=True)
class Destination:
    """Either `account_id` is set, or `identifier` and `name`. `identifier` is the IBAN as it was entered."""

    account_id: UUID | None = None
    identifier: str = ""
    name: str = ""

    @property
    def iban(self) -> str:
        """The compact IBAN; empty for the user's own account."""
        return iban.compact(self.identifier)

    def as_creditor(self) -> dict[str, str] | None:
        """The member `creditor` of authorization details (RFC 9396); None for the user's own account."""
        if self.account_id is not None:
            return None
        return {"scheme": "iban", "identifier": self.identifier, "name": self.name}


def resolve(given: Mapping[str, Any], user_id: UUID) -> Destination | None:
    """`given` is `{"account_id"}`, `{"payee_id"}`, or `{"scheme": "iban", "identifier", "name"}`. None if the user has
    stored no such payee."""
    if "account_id" in given:
        return Destination(account_id=UUID(str(given["account_id"])))
    if "payee_id" not in given:
        return Destination(identifier=given["identifier"], name=given["name"])
    payee = Payee.objects.current().filter(user_id=user_id, pk=given["payee_id"]).first()
    return Destination(identifier=payee.iban, name=payee.name) if payee else None
