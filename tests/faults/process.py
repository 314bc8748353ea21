"""A program that can be stopped, paused, killed and restarted, together with its child processes."""

import subprocess
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil

from tests.faults import reaper
from tests.lib.servers import ROOT


class Process:
    """`options` are those of subprocess.Popen."""

    def __init__(self, command: Sequence[object], environment: dict[str, str], log: Path, **options: Any) -> None:
        self.command = [str(part) for part in command]
        self.environment, self.log, self.options = environment, log, options
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command, env=self.environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                **{"cwd": ROOT, **self.options},
            )  # fmt: skip
        with suppress(psutil.NoSuchProcess):  # the program has ended at once
            reaper.will_end(psutil.Process(self.process.pid))

    def tree(self) -> list[psutil.Process]:
        assert self.process is not None
        try:
            top = psutil.Process(self.process.pid)
            return [top, *top.children(recursive=True)]
        except psutil.NoSuchProcess:
            return []

    def kill(self) -> None:
        tree = self.tree()
        for one in tree:
            with suppress(psutil.NoSuchProcess):  # the child has ended with its parent
                one.kill()
        assert self.process is not None
        self.process.wait(60)
        psutil.wait_procs(tree, timeout=60)

    def pause(self) -> None:
        for one in self.tree():
            with suppress(psutil.NoSuchProcess):
                one.suspend()

    def resume(self) -> None:
        for one in reversed(self.tree()):
            with suppress(psutil.NoSuchProcess):
                one.resume()

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.resume()
            self.process.terminate()
            try:
                self.process.wait(60)
            except subprocess.TimeoutExpired:
                self.kill()
