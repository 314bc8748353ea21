"""Checks whether the database answers and accepts writes."""

import time
from dataclasses import dataclass

from config.database import hosts
from config.database.asking import Asking
from config.database.waiting import Away

_ASK = b"SELECT extract(epoch FROM clock_timestamp())::text, pg_is_in_recovery()::text"


@dataclass(frozen=True, slots=True)
class Answer:
    #: How much the clock of this host is ahead of the database's, in seconds; negative if it is behind.
    clock_skew_seconds: float
    #: The uncertainty of the skew: half of the round-trip time.
    uncertainty_seconds: float


class Probe(Asking):
    def ask(self) -> Answer | None:
        """None if the database answers but has no connection left for the probe. Raises Away within `seconds`."""
        if not self.connect():
            return None
        began, began_at = time.monotonic(), time.time()
        at, is_standby = self.row(_ASK)
        took = time.monotonic() - began
        if is_standby == b"true":
            self.close()
            raise Away("read-only: a standby")
        hosts.found(*self.place)
        return Answer(began_at + took / 2 - float(at), took / 2)
