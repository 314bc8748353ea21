"""Finding the consent to exactly one transfer (RFC 9396; dynamic linking, SCA-RTS art. 5)."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from banking.consents.transfer import TRANSFER

Details = Sequence[Mapping[str, Any]]


def transfer_details(details: Details) -> list[Mapping[str, Any]]:
    """The details that each allow one transfer."""
    return [detail for detail in details if detail["type"] == TRANSFER]


def fitting_consents(
    details: Details,
    *,
    debtor_account: UUID,
    creditor: Mapping[str, str] | None,
    amount: Mapping[str, Any],
    reference: str,
) -> list[UUID] | None:
    """The consents to exactly this transfer, as the user saw it; None if the client is not limited to single transfers.

    Whether one of them is unused is decided by the database, which locks them (`prepare_payment`).
    """
    limits = transfer_details(details)
    if not limits:
        return None
    asked = (str(debtor_account), creditor, amount, reference)
    return [
        UUID(one["identifier"])
        for one in limits
        if asked == (one["debtor_account"], one["creditor"], one["instructed_amount"], one["reference"])
    ]
