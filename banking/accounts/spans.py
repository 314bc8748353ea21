"""The entries of one account that were booked in a span of time, found as a range of `account_seq`.

Lists are sorted by `account_seq`. With a condition on `booked_at` alone, the database reads the account from its newest
entry until a page is full; if no entry fits, it reads all of them. Two lookups in the index of times turn the span into
a range of numbers first.
"""

from datetime import datetime, timedelta
from typing import Any

from django.db.models import DateTimeField, ExpressionWrapper, F, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce

from banking.models import LedgerEntry
from banking.models.ledger import MAX_SEQ

#: How far `booked_at` may run against `account_seq`. Older entries have the time of their server from before they
#: waited for the lock of the account.
MOST_OUT_OF_ORDER = timedelta(minutes=10)


def booked_in(
    entries: QuerySet[LedgerEntry], account_id: Any, *, since: datetime | None = None, until: datetime | None = None
) -> QuerySet[LedgerEntry]:
    """Those of `entries` booked from `since`, inclusive, until `until`, exclusive. `entries` are of this account."""
    of_account = LedgerEntry.objects.filter(account_id=account_id)
    # As an expression that no index has: with the index of times, a page of a long span would read and sort all of it,
    # and the planner takes that index if its statistics are missing or old.
    entries = entries.alias(time=ExpressionWrapper(F("booked_at") + timedelta(), output_field=DateTimeField()))
    if since is not None:
        before = of_account.filter(booked_at__lt=_earlier(since)).order_by("-booked_at", "-account_seq")
        entries = entries.filter(time__gte=since, account_seq__gt=_number(before, or_else=0))
    if until is not None:
        after = of_account.filter(booked_at__gte=_later(until)).order_by("booked_at", "account_seq")
        entries = entries.filter(time__lt=until, account_seq__lt=_number(after, or_else=MAX_SEQ))
    return entries


def _number(entries: QuerySet[LedgerEntry], *, or_else: int) -> Coalesce:
    """The number of the first of `entries`."""
    return Coalesce(Subquery(entries.values("account_seq")[:1]), Value(or_else))


def _earlier(at: datetime) -> datetime:
    return at - MOST_OUT_OF_ORDER if at - datetime.min.replace(tzinfo=at.tzinfo) > MOST_OUT_OF_ORDER else at


def _later(at: datetime) -> datetime:
    return at + MOST_OUT_OF_ORDER if datetime.max.replace(tzinfo=at.tzinfo) - at > MOST_OUT_OF_ORDER else at
