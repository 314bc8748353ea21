"""Finds the transactions for one part of an account's list, and limits how many are examined. No index supports a
search for text, amounts or categories. As in the API, a part with such a search examines at most MOST_EXAMINED entries,
and the user can continue. Entries older than 90 days are examined only after a fresh login: otherwise a search would
reveal whether an old entry matches it.
"""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from banking.accounts.history import FIELDS, recent_since
from banking.accounts.merchants import with_merchant
from banking.accounts.spans import numbers_in
from banking.models import Account, LedgerEntry
from banking.web.history import Search
from oauth.infrastructure import replica

PART = 30
MOST_EXAMINED = 2_000


@dataclass(frozen=True, slots=True)
class Part:
    """`older_before` is the position of the next part; None at the end. `is_cut` says that older transactions need a
    fresh login.
    """

    rows: list[dict[str, Any]]
    older_before: int | None
    is_cut: bool

    @property
    def is_unfinished(self) -> bool:
        """Whether the search stopped at its limit before it found a full part."""
        return self.older_before is not None and len(self.rows) < PART


def find(account: Account, search: Search, user_id: UUID, *, before: str, is_fresh: bool) -> Part:
    """The next part, newest first. Parts are bounded by account_seq, so no entry is shown twice. Two queries."""
    if not search.is_valid():
        return Part([], None, is_cut=False)
    since, until = search.span
    numbers = numbers_in(account.pk, since=since, until=until, old_before=None if is_fresh else recent_since())
    beyond = numbers.before
    if before.isascii() and before.isdigit() and len(before) < 19:
        beyond = min(beyond, int(before))
    after = max(numbers.after, min(numbers.old, beyond - 1))
    is_cut = numbers.old > numbers.after
    goes_on_at = None
    if search.is_by_content and beyond - 1 - after > MOST_EXAMINED:
        after = beyond - 1 - MOST_EXAMINED
        goes_on_at = after + 1
    entries = LedgerEntry.objects.filter(account_id=account.pk, account_seq__gt=after, account_seq__lt=beyond)
    found = with_merchant(search.found(entries, account, user_id)).order_by("-account_seq")
    newest = found.values(*FIELDS, "merchant")[: PART + 1]
    rows = replica.read(user_id, lambda alias: list(newest.using(alias)))
    if len(rows) > PART:
        return Part(rows[:PART], rows[PART - 1]["account_seq"], is_cut=False)
    return Part(rows, goes_on_at, is_cut=is_cut and goes_on_at is None)
