"""Actors. Each runs in its own thread until the simulation ends."""

import threading
import time
import traceback
from collections.abc import Callable

import requests
from django.db import InterfaceError, OperationalError, connection

from tests.simulation.desk import Desk


class Actor(threading.Thread):
    """Repeats `act`. If a connection was closed or a process killed, the result of a request is unknown."""

    def __init__(self, act: Callable[[], None], desk: Desk, stop: threading.Event, *, pause_seconds: float = 0) -> None:
        super().__init__()
        self.act, self.desk, self.stopped, self.pause_seconds = act, desk, stop, pause_seconds

    def run(self) -> None:
        try:
            while not self.stopped.wait(self.pause_seconds):
                try:
                    self.act()
                except (requests.RequestException, OperationalError, InterfaceError):
                    self.desk.told["lost"] += 1
                    connection.close()
                    time.sleep(0.05)  # an app would also wait before it retries
        except Exception:  # noqa: BLE001 (the test reports any exception)
            self.desk.violations.append(f"{self.act.__qualname__} ended:\n{traceback.format_exc()}")
        finally:
            connection.close()
