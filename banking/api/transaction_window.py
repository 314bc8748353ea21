"""The entries of an account that a page of its transactions examines, by number.

No index finds text, amounts or categories, so a page with such a filter examines at most MOST_EXAMINED entries. It may
then have fewer rows than requested, or none, and still have a cursor. Entries older than 90 days are examined only
after a fresh login (RFC 9470): otherwise a filter would reveal whether an old entry matches it.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings

from banking.accounts.history import recent_since
from banking.accounts.spans import numbers_in
from banking.api.transaction_filters import Filters
from oauth.resource_server import TokenRequest, is_authenticated_since, require_authentication

MOST_EXAMINED = 2_000


@dataclass(frozen=True, slots=True)
class Window:
    """The numbers between `after` and `before`, both exclusive. `goes_on_at` is the position of the next page if this
    one is not full; None at the end of the list.
    """

    after: int
    before: int
    goes_on_at: str | None


def newest_first(
    request: TokenRequest,
    account_id: Any,
    filters: Filters,
    *,
    allowed_since: datetime | None,
    position: int | None,
    is_first: bool,
) -> Window:
    """`position` is the last number of the previous page; `is_first` says that the page has no other rows. Raises
    InsufficientUserAuthentication if the page would begin with entries that are too old.
    """
    after, before, old = _numbers(request, account_id, filters, allowed_since)
    before = before if position is None else min(before, position)
    goes_on_at = None
    if old > after and before > after + 1:
        if before <= old + 1:
            if is_first:
                require_authentication(request.token, max_age=settings.STEP_UP_MAX_AGE)
            return Window(before, before, str(before))
        after, goes_on_at = old, str(old + 1)
    if filters.is_searched and before - 1 - after > MOST_EXAMINED:
        after = before - 1 - MOST_EXAMINED
        goes_on_at = str(after + 1)
    return Window(after, before, goes_on_at)


def oldest_first(
    request: TokenRequest, account_id: Any, filters: Filters, *, allowed_since: datetime | None, position: int
) -> Window:
    """Entries with higher numbers than `position`. Raises InsufficientUserAuthentication if some are too old."""
    after, before, old = _numbers(request, account_id, filters, allowed_since)
    after = max(after, position)
    if after < min(old, before - 1):
        require_authentication(request.token, max_age=settings.STEP_UP_MAX_AGE)
    goes_on_at = None
    if filters.is_searched and before - 1 - after > MOST_EXAMINED:
        before = after + MOST_EXAMINED + 1
        goes_on_at = str(before - 1)
    return Window(after, before, goes_on_at)


def _numbers(
    request: TokenRequest, account_id: Any, filters: Filters, allowed_since: datetime | None
) -> tuple[int, int, int]:
    """The span of time as two exclusive numbers, and the highest number that is too old; 0 if there is none."""
    is_fresh = is_authenticated_since(request.token, max_age=settings.STEP_UP_MAX_AGE)
    since = max(filter(None, (filters.since, allowed_since)), default=None)
    numbers = numbers_in(account_id, since=since, until=filters.until, old_before=None if is_fresh else recent_since())
    return numbers.after, numbers.before, numbers.old
