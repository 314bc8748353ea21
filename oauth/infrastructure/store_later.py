"""Periodically stores data that a process collects in memory, also when the process stops.

A thread runs only while there is data to store, so an idle process uses neither a thread nor a connection. A killed
process loses the data collected since the last store. A forked child starts without data, because its parent stores
them.
"""

import atexit
import logging
import os
import threading
from collections.abc import Callable

from django.db import DatabaseError, connection

from oauth.infrastructure import outage

logger = logging.getLogger(__name__)

#: If `store` raises one of these, it must keep the data.
UNAVAILABLE = (DatabaseError, *outage.ERRORS)


class StoreLater:
    """Calls `store` after `plan` and `seconds`, and again until `is_pending` is false. If `seconds` is zero, calls
    `store` only at exit. `subject` describes the data in the log.

    `forget` drops the data. `lock` guards them. Callers must hold it for `plan` but not for `store`.
    """

    def __init__(
        self,
        subject: str,
        *,
        store: Callable[[], object],
        forget: Callable[[], object],
        is_pending: Callable[[], bool],
        seconds: Callable[[], float],
    ):
        self.lock = threading.Lock()
        self._subject, self._store, self._is_pending, self._seconds = subject, store, is_pending, seconds
        self._timer: threading.Timer | None = None
        self._forget = forget
        atexit.register(self._store_at_exit)
        if hasattr(os, "register_at_fork"):  # not on Windows
            os.register_at_fork(after_in_child=self._start_anew)

    def plan(self) -> None:
        if self._timer is None and (seconds := self._seconds()):
            self._timer = threading.Timer(seconds, self._store_in_background)
            self._timer.daemon = True
            self._timer.start()

    def _start_anew(self) -> None:
        """A forked child has neither the timer's thread nor a thread that could release the lock."""
        self.lock, self._timer = threading.Lock(), None
        self._forget()

    def _store_in_background(self) -> None:
        try:
            self._store()
        except UNAVAILABLE:
            logger.warning("%s could not be stored. Trying again.", self._subject, exc_info=True)
        finally:
            connection.close()
            with self.lock:
                self._timer = None
                if self._is_pending():
                    self.plan()

    def _store_at_exit(self) -> None:
        if not self._is_pending():
            return
        try:
            self._store()
        except UNAVAILABLE:
            logger.warning("%s of the last seconds is lost.", self._subject, exc_info=True)
