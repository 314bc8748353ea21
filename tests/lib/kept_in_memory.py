"""Makes the caches of a test process keep their entries. On a busy machine a test can take longer than the lifetime of
cached clients, keys and status lists; reading them again would add a statement, and tests count statements.
"""

from oauth.clients import cache
from oauth.infrastructure import outbound
from oauth.keys import ring
from oauth.status import ended_recently, published_lists
from oauth.status.ended_recently import Ended

#: In tests, a status list is read again after five minutes instead of five seconds.
_TIMES_AS_LONG = 60


def keep_longer() -> None:
    cache.clients._clock = lambda: 0.0
    ring._rings._is_fresh = lambda _: True  # until a test clears the cache, or sets `ring._is_fresh` again
    ended_recently.recent._is_fresh = _is_fresh
    outbound.DEADLINE_SECONDS = 60.0  # the servers of other parties run as threads of the same process


def _is_fresh(known: Ended) -> bool:
    return ended_recently._age(known) < _TIMES_AS_LONG * published_lists.policy.values.refresh.total_seconds()
