"""Status lists for an API on this site (OAUTH["STATUS_LISTS"]), read with one query.

`published_lists` reads one list at a time, but a site with 150 million authorizations has 2,300 lists, and a busy
process gets tokens of all of them. Here one query reads the bits that were recently set in any list. Older bits are not
needed, because their tokens have expired.
"""

import time
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta

from django.db import connection
from django.utils import timezone

from oauth.infrastructure import outage
from oauth.infrastructure.caches import RefreshedCache
from oauth.models import Authorization, Client, RevokedStatus
from oauth.status import account_state, published_lists
from oauth.tokens import status_list
from oauth.tokens.status_list import STATUS_LIST_SIZE

# The maximum lifetime of access tokens, 15 minutes (oauth.E003), and a tolerance for clock skew.
_TOKENS_LIVE = timedelta(minutes=30)
# The search for disabled users and clients with live authorizations, which normally do not exist, can be slow if many
# users are disabled. So the next search waits this many times as long as the last one took.
_REST = 20
_NOTHING_ENDED = bytes(STATUS_LIST_SIZE // 8)


@dataclass(frozen=True, slots=True)
class Ended:
    """The lists by number. Times are values of time.monotonic()."""

    arrays: Mapping[int, bytes]
    last_number: int
    made_at: float
    disabled: tuple[int, ...]
    disabled_due_at: float


def bits(number: int) -> bytes:
    """The bits of a list. Raises LookupError if no token can refer to this list."""
    known = recent.get(None)
    if not 0 <= number <= known.last_number and not 0 <= number <= published_lists.last_number():
        raise LookupError(number)
    return known.arrays.get(number, _NOTHING_ENDED)


def _load(_: None, known: Ended | None) -> Ended:
    try:
        return _read(known)
    except outage.ERRORS:
        # Fail closed after a while, as for a published list.
        if known is None or _age(known) > published_lists.policy.values.max_age.total_seconds():
            raise
        published_lists.stale_seconds.set(_age(known))
        return known


def _read(known: Ended | None) -> Ended:
    began = time.monotonic()
    last_number = published_lists.last_number()
    with connection.cursor() as cursor:
        # Use the database's clock, like the trigger.
        cursor.execute(
            f"SELECT index FROM {RevokedStatus._meta.db_table} WHERE revoked_at > now() - %s::interval",  # noqa: S608
            [f"{_TOKENS_LIVE.total_seconds()} seconds"],
        )
        ended = [index for (index,) in cursor.fetchall()]
    disabled, due_at = (known.disabled, known.disabled_due_at) if known else ((), 0.0)
    if due_at <= began:
        asked_at = time.monotonic()
        disabled = tuple(_disabled())
        due_at = time.monotonic() + _REST * (time.monotonic() - asked_at)
    published_lists.stale_seconds.set(0)
    return Ended(_arrays([*ended, *disabled]), last_number, began, disabled, due_at)


def _arrays(indexes: Iterable[int]) -> dict[int, bytes]:
    lists = defaultdict(list)
    for index in indexes:
        lists[index // STATUS_LIST_SIZE].append(index)
    return {number: status_list.bits(of_list) for number, of_list in lists.items()}


def _disabled() -> Iterable[int]:
    """The indexes of live authorizations of users and clients that a statement has disabled without revoking them."""
    in_use = Authorization.objects.filter(revoked_at=None, last_used_at__gt=timezone.now() - _TOKENS_LIVE)
    yield from account_state.of_inactive_users(in_use).values_list("status_index", flat=True)
    yield from in_use.filter(client__is_active=False).values_list("status_index", flat=True)
    yield from Client.objects.filter(is_active=False).values_list("status_index", flat=True)


def _age(known: Ended) -> float:
    return time.monotonic() - known.made_at


def _is_fresh(known: Ended) -> bool:
    return _age(known) < published_lists.policy.values.refresh.total_seconds()


def _is_usable(known: Ended) -> bool:
    return _age(known) <= published_lists.policy.values.max_age.total_seconds()


recent: RefreshedCache[None, Ended] = RefreshedCache(_load, is_fresh=_is_fresh, is_usable=_is_usable)
