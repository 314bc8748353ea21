"""The cooling-off of new payees: who took over a session today cannot empty the account by it."""

from uuid import UUID

from django.conf import settings
from django.db.models import Sum
from django.utils import timezone
from django.utils.translation import gettext as _

from banking.ledger.refusals import LimitExceeded
from banking.models import Payee, Transfer
from banking.notation import amounts


def check(user_id: UUID, payee_iban: str, amount_minor: int, currency: str) -> None:
    """Raises LimitExceeded where all who were not stored as a payee long enough would together get more than
    NEW_PAYEE_LIMIT_MINOR of this currency within NEW_PAYEE_PERIOD. The caller has entered the queue."""
    since = timezone.now() - settings.NEW_PAYEE_PERIOD
    known = Payee.objects.established().filter(user_id=user_id)
    sent = (
        Transfer.objects.filter(user_id=user_id, currency=currency, created_at__gt=since)
        .exclude(payee_iban="")
        .exclude(payee_iban__in=known.values("iban"))
        .exclude(status__in=Transfer.ENDED)
    )
    total = amount_minor + (sent.aggregate(total=Sum("amount_minor"))["total"] or 0)
    if total <= settings.NEW_PAYEE_LIMIT_MINOR or known.filter(iban=payee_iban).exists():
        return
    hours = int(settings.NEW_PAYEE_PERIOD.total_seconds() // 3600)
    most = amounts.shown(currency, settings.NEW_PAYEE_LIMIT_MINOR)
    # In the person's language at the web bank, in English to programs, which no middleware gives another.
    told = _("New payees together get at most %(most)s in %(hours)s hours. Store the payee and wait so long for more.")
    raise LimitExceeded(told % {"most": most, "hours": hours})
