"""Work on a second database connection, parallel to a transaction of the test."""

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from django.db import connection

from tests.lib.database import backends_waiting
from tests.lib.servers import wait_until

Result = TypeVar("Result")


class Beside(threading.Thread, Generic[Result]):
    """Runs `work` once. `results` contains its return value; empty until it has ended."""

    def __init__(self, work: Callable[[], Result]) -> None:
        super().__init__()
        self._work = work
        self.results: list[Result] = []

    def run(self) -> None:
        try:
            self.results.append(self._work())
        finally:
            connection.close()

    def start_and_wait(self) -> None:
        """Returns when the work has ended, or when it waits for a lock that the test holds."""
        self.start_and_wait_for(1)

    def start_and_wait_for(self, number: int) -> None:
        """Returns when the work has ended, or when `number` connections wait for a lock: this one and those that were
        started before.
        """
        self.start()
        wait_until(lambda: not self.is_alive() or backends_waiting() == number)
