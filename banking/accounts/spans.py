"""The entries of one account that were booked in a span of time, found as a range of `account_seq`.

Lists are sorted by `account_seq`. With a condition on `booked_at` alone, the database would read the account from its
newest entry until a page is full, and all entries if none matches. So two lookups in the index of times first turn the
span into a range of numbers.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import DateTimeField, ExpressionWrapper, F, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce

from banking.models import Account, LedgerEntry
from banking.models.ledger import MAX_SEQ

#: The time by which `booked_at` may decrease while `account_seq` increases. The time of old entries was taken from
#: their server's clock before they waited for the lock of the account.
MOST_OUT_OF_ORDER = timedelta(minutes=10)


def booked_in(
    entries: QuerySet[LedgerEntry], account_id: Any, *, since: datetime | None = None, until: datetime | None = None
) -> QuerySet[LedgerEntry]:
    """Those of `entries`, which must be of this account, that were booked from `since` (inclusive) until `until`
    (exclusive).
    """
    entries = with_times(entries, since=since, until=until)
    if since is not None:
        entries = entries.filter(account_seq__gt=_number_before(account_id, _earlier(since)))
    if until is not None:
        entries = entries.filter(account_seq__lt=_number_from(account_id, _later(until)))
    return entries


def with_times(
    entries: QuerySet[LedgerEntry], *, since: datetime | None = None, until: datetime | None = None
) -> QuerySet[LedgerEntry]:
    """Filters `entries` by the span without using an index."""
    # Uses an expression that no index contains. With the plain column, and missing or old statistics, the planner might
    # use the index of times, and would then read and sort the whole span for one page.
    entries = entries.alias(time=ExpressionWrapper(F("booked_at") + timedelta(), output_field=DateTimeField()))
    if since is not None:
        entries = entries.filter(time__gte=since)
    return entries if until is None else entries.filter(time__lt=until)


@dataclass(frozen=True, slots=True)
class Numbers:
    """The numbers of the entries in a span of time: between `after` and `before`, both exclusive. `old` is the number
    of the newest entry before another time; 0 if there is none.
    """

    after: int
    before: int
    old: int


def numbers_in(
    account_id: Any, *, since: datetime | None = None, until: datetime | None = None, old_before: datetime | None = None
) -> Numbers:
    """One query."""
    after = Value(0) if since is None else _number_before(account_id, _earlier(since))
    before = Value(MAX_SEQ) if until is None else _number_from(account_id, _later(until))
    old = Value(0) if old_before is None else _number_before(account_id, old_before)
    found = Account.objects.filter(pk=account_id).values_list(after, before, old, "last_seq")
    first, beyond, newest_old, last = found[0]
    return Numbers(first, min(beyond, last + 1), newest_old)


def _number_before(account_id: Any, at: datetime) -> Coalesce:
    before = LedgerEntry.objects.filter(account_id=account_id, booked_at__lt=at)
    return _number(before.order_by("-booked_at", "-account_seq"), or_else=0)


def _number_from(account_id: Any, at: datetime) -> Coalesce:
    after = LedgerEntry.objects.filter(account_id=account_id, booked_at__gte=at)
    return _number(after.order_by("booked_at", "account_seq"), or_else=MAX_SEQ)


def _number(entries: QuerySet[LedgerEntry], *, or_else: int) -> Coalesce:
    """A subquery with the number of the first of `entries`."""
    return Coalesce(Subquery(entries.values("account_seq")[:1]), Value(or_else))


def _earlier(at: datetime) -> datetime:
    return at - MOST_OUT_OF_ORDER if at - datetime.min.replace(tzinfo=at.tzinfo) > MOST_OUT_OF_ORDER else at


def _later(at: datetime) -> datetime:
    return at + MOST_OUT_OF_ORDER if datetime.max.replace(tzinfo=at.tzinfo) - at > MOST_OUT_OF_ORDER else at
