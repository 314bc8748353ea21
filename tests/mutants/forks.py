"""Controls `fork_server.py`: runs pytest in a directory, each run in its own process."""

import json
import os
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path


@dataclass
class Forks:
    directory: Path
    environment: dict[str, str]
    keep_open: tuple[int, ...] = ()  # file descriptors that the processes hold
    _is_stopped: bool = False
    _server: subprocess.Popen[str] | None = None
    _run: int | None = None  # the process id of pytest, and its process group

    def run(self, arguments: list[str], printed: Path, *, environment: dict[str, str], timeout_seconds: float) -> int:
        """Runs pytest and returns its exit code. The file `printed` gets its output. Raises TimeoutError."""
        if self._is_stopped:
            raise TimeoutError
        if self._server is None:
            self._server = self._start()
        asked, answers = self._server.stdin, self._server.stdout
        assert asked
        assert answers
        request = {"arguments": arguments, "environment": environment, "output": str(printed)}
        asked.write(json.dumps(request) + "\n")
        asked.flush()
        pid = answers.readline()
        if not pid:
            self._end_server()
            raise RuntimeError("the fork server has ended")
        self._run = int(pid)
        timer = threading.Timer(timeout_seconds, self._kill)
        timer.start()
        code = answers.readline()
        timer.cancel()
        if not code:  # killed
            self._end_server()
            raise TimeoutError
        self._end_run()
        return int(code)

    def stop(self) -> None:
        """Ends all runs and starts no more."""
        self._is_stopped = True
        self._end_server()

    def _end_server(self) -> None:
        """Two threads may do so at once: the one that runs a test, and the one that ends the whole run."""
        self._kill()
        server, self._server = self._server, None
        if server is not None:
            server.wait()
            for pipe in filter(None, (server.stdin, server.stdout)):
                with suppress(OSError):  # the server has ended and cannot read the remaining input
                    pipe.close()

    def _kill(self) -> None:
        self._end_run()
        if self._server is not None:
            self._server.kill()

    def _end_run(self) -> None:
        """Ends the run and all processes that it has started."""
        run, self._run = self._run, None
        if run is not None:
            with suppress(ProcessLookupError):
                os.killpg(run, signal.SIGKILL)

    def _start(self) -> subprocess.Popen[str]:
        command = [sys.executable, str(Path(__file__).with_name("fork_server.py"))]
        environment = {**os.environ, **self.environment}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)  # otherwise, each run would compile thousands of files
        return subprocess.Popen(
            command, cwd=self.directory, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            pass_fds=self.keep_open,
        )  # fmt: skip
