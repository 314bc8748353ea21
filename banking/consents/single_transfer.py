"""Finding the consent to one very transfer (RFC 9396; dynamic linking, SCA-RTS art. 5)."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from banking.consents.refusals import ConsentDiffers, ConsentUsed
from banking.consents.transfer import TRANSFER
from banking.models import Consent, Transfer

Details = Sequence[Mapping[str, Any]]


def transfer_details(details: Details) -> list[Mapping[str, Any]]:
    """The details that each allow one transfer."""
    return [detail for detail in details if detail["type"] == TRANSFER]


def consent_to(
    details: Details,
    *,
    debtor_account: UUID,
    creditor: Mapping[str, str] | None,
    amount: Mapping[str, Any],
    reference: str,
) -> Consent | None:
    """The consent to this transfer; None if the client is not limited to single transfers.

    The transfer must be exactly what the user saw. A consent is used once: a second request waits at the consent's row
    until the first one ends. Raises ConsentDiffers or ConsentUsed.
    """
    limits = transfer_details(details)
    if not limits:
        return None
    asked = (str(debtor_account), creditor, amount, reference)
    fitting = [
        one
        for one in limits
        if asked == (one["debtor_account"], one["creditor"], one["instructed_amount"], one["reference"])
    ]
    if not fitting:
        raise ConsentDiffers
    consents = Consent.objects.select_for_update(of=("self",)).filter(pk__in=[one["identifier"] for one in fitting])
    unused = [consent for consent in consents.order_by("pk") if not Transfer.objects.filter(consent=consent).exists()]
    if not unused:
        raise ConsentUsed
    return unused[0]
