"""What a process of the tests keeps in memory, and for how long: a test takes longer on a busy machine than the site keeps
clients and keys, and what is read once more is one statement more."""

from oauth.clients import cache
from oauth.infrastructure import outbound
from oauth.keys import ring


def keep_longer() -> None:
    cache.clients._clock = lambda: 0.0
    ring._rings._is_fresh = lambda _: True  # until a test clears it, or sets `ring._is_fresh` again
    outbound.DEADLINE_SECONDS = 60.0  # somebody else's server is a thread of the same process
