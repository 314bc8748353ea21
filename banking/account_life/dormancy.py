"""Dormant accounts: nothing can be paid from an account that nobody has used for a long time, until a holder uses it
again.

An attacker with a stolen login would prefer an account that nobody uses. A dormant account still receives money, and
the bank still posts its own entries.
"""

from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, Subquery
from django.utils import timezone

from banking.account_life.functions import call, last_act
from banking.account_life.refusals import NotDormant
from banking.account_life.telling import tell_holders
from banking.models import Account, Exchange, Mandate, Transfer
from banking.notices import Kind
from banking.payments.refusals import StrongProofNeeded

#: The database function accepts no shorter time from the site's role (migration 0063).
LEAST_DORMANT_DAYS = 30
#: The maximum number of accounts that one run marks; the next run continues.
MOST_AT_ONCE = 1000


def mark_unused(*, most: int = MOST_AT_ONCE) -> int:
    """Marks the accounts from which nothing was paid, exchanged or collected for BANK_DORMANT_DAYS, and notifies their
    holders. Returns the number of marked accounts; 0 if the setting is 0.
    """
    if not settings.BANK_DORMANT_DAYS:
        return 0
    since = timezone.now() - timedelta(days=settings.BANK_DORMANT_DAYS)
    exchanges = Exchange.objects.filter(quote__source=OuterRef("pk"), created_at__gte=since)
    mandates = Mandate.objects.filter(account=OuterRef("pk"), last_at__gte=since)
    newest = Transfer.objects.filter(source=OuterRef("pk")).order_by("-id").values("created_at")[:1]
    unused = Account.objects.filter(
        kind=Account.Kind.CUSTOMER, status=Account.Status.OPEN, dormant_since=None, opened_at__lt=since
    ).alias(paid_at=Subquery(newest))
    unused = unused.filter(~Exists(mandates), ~Exists(exchanges), Q(paid_at=None) | Q(paid_at__lt=since)).order_by("pk")
    return sum(_mark(pk, since) for pk in list(unused.values_list("pk", flat=True)[:most]))


@transaction.atomic
def reactivate(account_id: UUID, *, by: UUID, is_proven: bool) -> None:
    """Ends the dormancy, for a holder who has just logged in. Raises StrongProofNeeded or, also for a user who does not
    hold it, NotDormant.
    """
    if not is_proven:
        raise StrongProofNeeded
    if not call("reactivate_account", account_id, by):
        raise NotDormant
    tell_holders(Kind.ACCOUNT_USED_AGAIN, last_act(account_id))


@transaction.atomic
def _mark(account_id: UUID, since: datetime) -> bool:
    """Marks one account. The database checks again that it is unused."""
    if not call("mark_dormant", account_id, since):
        return False
    tell_holders(Kind.ACCOUNT_DORMANT, last_act(account_id))
    return True
