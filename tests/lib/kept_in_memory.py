"""Makes the caches of a test process keep their entries. On a busy machine a test can take longer than the lifetime of
cached clients and keys; reading them again would add a statement to those that tests count.
"""

from oauth.clients import cache
from oauth.infrastructure import outbound
from oauth.keys import ring


def keep_longer() -> None:
    cache.clients._clock = lambda: 0.0
    ring._rings._is_fresh = lambda _: True  # until a test clears the cache, or sets `ring._is_fresh` again
    outbound.DEADLINE_SECONDS = 60.0  # the servers of other parties run as threads of the same process
