"""One budget for every answer that tells of somebody else's account here: that it exists, its currency, its name
(OWASP API4, API6). Transfers, rehearsals, orders, payee checks and the web bank share it: one for each user, whatever
app asks."""

from uuid import UUID

from banking.models import Transfer
from oauth.errors import TooManyRequests
from oauth.infrastructure import rate_limits
from oauth.infrastructure.rate_limits import Limit

LIMIT = Limit("payee-lookups", 30)


def spend(user_id: UUID, *, paid_iban: str = "") -> None:
    """Counts one question. Raises TooManyRequests, except about an IBAN that the user has paid before: that answer
    tells nothing new."""
    try:
        rate_limits.spend(LIMIT, str(user_id))
    except TooManyRequests:
        if not paid_iban or not _has_paid(user_id, paid_iban):
            raise


def _has_paid(user_id: UUID, paid_iban: str) -> bool:
    paid = Transfer.objects.filter(user_id=user_id, payee_iban=paid_iban, status=Transfer.Status.POSTED)
    return paid.exists()
