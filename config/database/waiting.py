"""Waits for the sockets of database connections, with a deadline."""

import select
import time
from collections.abc import Mapping


class Away(Exception):
    """The database does not answer, or accepts no writes. The text names no host and no user, so it is safe to show."""


def until_any(sockets: Mapping[int, int], until: float) -> set[int]:
    """Waits for events of poll(2), given by descriptor. Returns the sockets that have an event. Raises Away at `until`,
    a value of time.monotonic().
    """
    poll = select.poll()
    for socket, events in sockets.items():
        poll.register(socket, events)
    left = until - time.monotonic()
    happened = {socket for socket, _ in poll.poll(left * 1000)} if left > 0 else set()
    if not happened:
        raise Away("no answer")
    return happened
