"""Signal handlers can stop a process whatever it is doing."""

import signal
import subprocess
import sys

from oauth.infrastructure.stop_flag import StopFlag
from tests.lib.servers import PATIENCE_SECONDS, ROOT

WAITING = """
import signal
from oauth.infrastructure.stop_flag import StopFlag

flag = StopFlag()
for number in (signal.SIGINT, signal.SIGTERM):
    signal.signal(number, lambda *_: flag.set())
print("ready", flush=True)
flag.wait()
"""


def test_two_signals_at_once_end_a_wait() -> None:
    """threading.Event fails more than half of the time."""
    for _ in range(12):
        command = [sys.executable, "-c", WAITING]
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, start_new_session=True) as process:
            try:
                assert process.stdout is not None
                assert process.stdout.readline() == b"ready\n"
                process.send_signal(signal.SIGINT)
                process.send_signal(signal.SIGTERM)
                assert process.wait(PATIENCE_SECONDS) == 0
            finally:
                process.kill()


def test_it_waits_like_an_event() -> None:
    flag = StopFlag()
    assert not flag.wait(0)
    assert not flag.wait(0.001)
    flag.set()
    assert flag.wait()
    assert flag.is_set()
    flag.clear()
    assert not flag.wait(0)
