"""Faults during the simulation: closes database connections, and kills server processes and the worker. One seed
determines all of them.
"""

import os
import random
import subprocess
import sys
import threading
from collections import Counter
from pathlib import Path
from typing import IO

import psutil
import psycopg

from tests.lib.servers import ROOT

#: granian gives up if a process has to be replaced again within 5.5 s, because it considers this a crash loop.
SECONDS_BETWEEN_KILLS = 8.0


class BackgroundWorker:
    """`manage.py worker`, which is started again after it was killed, as by a supervisor."""

    def __init__(self, environment: dict[str, str], log: Path) -> None:
        self.environment = {**os.environ, **environment}
        self.log: IO[bytes] = log.open("wb")
        self.start()

    def start(self) -> None:
        command = [sys.executable, "manage.py", "worker"]
        self.process = subprocess.Popen(command, cwd=ROOT, env=self.environment, stdout=self.log, stderr=self.log)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
        self.start()

    def stop(self) -> None:
        """Kills the process at any time. Repeated calls do no harm."""
        self.process.kill()
        self.process.wait()
        self.log.close()


class Faults:
    def __init__(
        self, *, owner_url: str, role: str, server: psutil.Process, worker: BackgroundWorker, dice: random.Random
    ) -> None:
        self.owner_url, self.role, self.server, self.worker, self.dice = owner_url, role, server, worker, dice
        self.happened: Counter[str] = Counter()

    def happen_until(self, stop: threading.Event) -> None:
        since_kill = 0.0
        with psycopg.connect(self.owner_url, autocommit=True) as connection:
            while not stop.wait(pause := self.dice.uniform(0.05, 0.5)):
                since_kill += pause
                assert self.worker.process.poll() is None, "the background worker ended by itself"
                if since_kill < SECONDS_BETWEEN_KILLS:
                    self.cut_a_connection(connection)
                elif self.dice.random() < 0.5:
                    self.kill_the_worker()
                    since_kill = 0.0
                else:
                    self.kill_a_server_process()
                    since_kill = 0.0

    def cut_a_connection(self, connection: psycopg.Connection) -> None:
        """Closes a connection that is running a statement, if there is one."""
        busy = connection.execute(
            "SELECT pid FROM pg_stat_activity WHERE usename = %s ORDER BY state = 'idle', pid", [self.role]
        ).fetchall()[:3]
        if busy:
            connection.execute("SELECT pg_terminate_backend(%s)", self.dice.choice(busy))
            self.happened["connections cut"] += 1

    def kill_a_server_process(self) -> None:
        processes = [child for child in self.server.children() if "spawn_main" in " ".join(child.cmdline())]
        if len(processes) > 1:
            self.dice.choice(processes).kill()
            self.happened["server processes killed"] += 1

    def kill_the_worker(self) -> None:
        self.worker.kill()
        self.happened["workers killed"] += 1
