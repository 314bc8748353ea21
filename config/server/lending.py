"""Lends the slots of requests that wait for the database to other requests.

While the database hangs, or a COMMIT waits for a missing standby, a few requests would keep all slots of a process for
seconds, and requests that need no database would be refused. So while a request waits for a slot, a thread looks
regularly for requests that have waited for the database since its last look, and passes their slots on. When such a
request has its answer from the database, it waits for a slot again before it continues (config/database/in_use.py).

The number of threads that wait for the database is limited by the connections of the pool and the threads that may
wait for one (DB_POOL_MAX, DB_POOL_MAX_WAITING). Beyond these limits, a request that needs the database is refused.
"""

import threading
import time
from collections.abc import Hashable

from config.database import in_use
from config.server.admission import Slots

#: 10 ms: longer than a statement that does not wait (less than 1 ms), and short enough that a request that needs no
#: database is answered within 50 ms.
INTERVAL_SECONDS = 0.01


class Lender:
    def __init__(self, slots: Slots) -> None:
        self.slots = slots
        self._seen: dict[int, Hashable] = {}

    def start(self) -> None:
        threading.Thread(target=self._run, name="slot-lender", daemon=True).start()

    def look(self) -> None:
        seen = in_use.waiting_threads()
        for thread, what in seen.items():
            if self._seen.get(thread) == what and (slot := self.slots.lend(thread)):
                in_use.lent[thread] = slot.take_back
        self._seen = seen

    def _run(self) -> None:
        while True:
            self.slots.queued.wait()
            if not self.slots.is_queue_empty():
                self.look()
            time.sleep(INTERVAL_SECONDS)
