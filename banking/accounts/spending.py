"""The income and spending of an account in a month, by the categories of merchants."""

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet

from banking.accounts.merchants import with_merchant
from banking.accounts.months import Month
from banking.accounts.spans import numbers_in, with_times
from banking.models import Category, LedgerEntry

#: A month with more transactions is not summed up, because the merchant of each has to be looked up.
MOST_SUMMED = 5_000


@dataclass(frozen=True, slots=True)
class Spending:
    """Amounts in minor units, without a sign. `category` is None for transactions without a merchant."""

    category: Category | None
    out_minor: int
    in_minor: int


def by_category(account_id: Any, month: Month) -> list[Spending] | None:
    """The sums of each category, the largest expense first, without reversed transactions and their reversals. None if
    the month has too many transactions. Two queries.
    """
    since, until = month.begins_at, month.ends_at
    numbers = numbers_in(account_id, since=since, until=until)
    if numbers.before - 1 - numbers.after > MOST_SUMMED:
        return None
    between = {"account_seq__gt": numbers.after, "account_seq__lt": numbers.before}
    entries = LedgerEntry.objects.filter(
        account_id=account_id, transaction__reverses=None, transaction__reversed_by=None, **between
    )
    keyed: QuerySet[Any] = with_merchant(with_times(entries, since=since, until=until))
    rows = keyed.values_list("amount_minor", "merchant")
    out: dict[Category | None, int] = defaultdict(int)
    into: dict[Category | None, int] = defaultdict(int)
    for amount_minor, merchant in rows:
        category = Category(merchant["category"]) if merchant else None
        out[category] += max(-amount_minor, 0)
        into[category] += max(amount_minor, 0)
    sums = [Spending(category, out[category], into[category]) for category in out]
    return sorted(sums, key=lambda one: (-one.out_minor, -one.in_minor))
