"""The cooling-off of new payees: who took over a session today cannot empty the account by it."""

from uuid import UUID

from django.conf import settings
from django.db.models import Sum
from django.utils import timezone

from banking import amounts
from banking.ledger.refusals import LimitExceeded
from banking.models import Payee, Transfer


def check(user_id: UUID, payee_iban: str, amount_minor: int, currency: str) -> None:
    """Raises LimitExceeded where this is more than somebody may get who was not stored as a payee long enough.

    The caller holds the lock of the source account, so that two at once are counted both.
    """
    since = timezone.now() - settings.NEW_PAYEE_PERIOD
    sent = Transfer.objects.filter(user_id=user_id, payee_iban=payee_iban, created_at__gt=since).exclude(
        status__in=Transfer.ENDED
    )
    total = amount_minor + (sent.aggregate(total=Sum("amount_minor"))["total"] or 0)
    if total <= settings.NEW_PAYEE_LIMIT_MINOR:
        return
    if Payee.objects.established().filter(user_id=user_id, iban=payee_iban).exists():
        return
    hours = int(settings.NEW_PAYEE_PERIOD.total_seconds() // 3600)
    most = amounts.shown(currency, settings.NEW_PAYEE_LIMIT_MINOR)
    raise LimitExceeded(f"A new payee gets at most {most} in {hours} hours. Store the payee and wait so long for more.")
