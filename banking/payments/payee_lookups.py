"""The budget for answers that reveal something about another user's account at this bank: that it exists, its currency
or its name (OWASP API4, API6). Each user has one budget, which all of their apps, the web bank, transfers, dry runs,
orders and payee checks share.
"""

from uuid import UUID

from banking.models import Transfer
from oauth.infrastructure import rate_limits
from oauth.infrastructure.rate_limits import Limit, LimitReached

LIMIT = Limit("payee-lookups", 30)


def spend(user_id: UUID, *, paid_iban: str = "", besides: UUID | None = None) -> None:
    """Charges one answer. Raises LimitReached if the budget is exhausted. An answer about an IBAN that the user has
    paid before is free, because it reveals nothing new; the transfer `besides` does not count.
    """
    try:
        rate_limits.spend(LIMIT, str(user_id))
    except LimitReached:
        if not paid_iban or not _has_paid(user_id, paid_iban, besides):
            raise


def take_back(user_id: UUID) -> None:
    """Returns the charge for an answer that turned out to reveal nothing."""
    rate_limits.take_back(LIMIT, str(user_id))


def _has_paid(user_id: UUID, paid_iban: str, besides: UUID | None) -> bool:
    paid = Transfer.objects.filter(user_id=user_id, payee_iban=paid_iban, status=Transfer.Status.POSTED)
    return (paid.exclude(pk=besides) if besides else paid).exists()
