"""The maximum age of the data that a replica shows, measured with the clock of this process alone.

A position is a place in PostgreSQL's write-ahead log, in bytes. A look asks the primary for its position and then the
replica for its own. Once the replica has replayed what the primary had written at a moment, it shows all that had been
committed by then. `pg_last_xact_replay_timestamp()` is not suitable: it is as old as the last write, and it is a time
of another host's clock.
"""

from collections import deque
from dataclasses import dataclass

#: A record never ends within the header of a WAL page, so a position there means the end of the previous page.
_PAGE_BYTES, _HEADER_BYTES = 8192, 40


@dataclass(frozen=True, slots=True)
class Shown:
    """A replica shows everything that was written up to `position` and committed by `at`, a time of
    time.monotonic().
    """

    position: int
    at: float


class Age:
    def __init__(self) -> None:
        self.shown = Shown(0, float("-inf"))
        #: (at, position) pairs of the primary that the replica has not reached yet.
        self._ahead: deque[tuple[float, int]] = deque()
        self._timeline = ""
        self._must_pass = -1

    def look(self, *, at: float, timeline: str, written: int, replayed: int) -> None:
        """Records a look: `written` is the primary's position at the time `at`, and `replayed` is the replica's
        position shortly after.
        """
        if timeline != self._timeline:
            self._begin(timeline, replayed)
        self._ahead.append((at, _end_of_record(written)))
        # A diverged replica replays nothing more, and its position may be beyond the start of the new timeline.
        if replayed <= self._must_pass:
            return
        reached = self.shown.at
        while self._ahead and self._ahead[0][1] <= replayed:
            reached, _ = self._ahead.popleft()
        self.shown = Shown(replayed, reached)

    def forget(self) -> None:
        """Discards everything recorded about the replica, except which primary it follows."""
        self._ahead.clear()
        self.shown = Shown(0, float("-inf"))

    def _begin(self, timeline: str, replayed: int) -> None:
        """After a change of the primary, the replica is used again once it has replayed WAL of the new primary."""
        self._must_pass = replayed if self._timeline else -1
        self.forget()
        self._timeline = timeline


def _end_of_record(position: int) -> int:
    within = position % _PAGE_BYTES
    return position - within if within <= _HEADER_BYTES else position
