"""Puts the clock of a Python process ahead by CLOCK_AHEAD_SECONDS, as on a host whose clock is wrong.

libfaketime would not do: with its 0.9.10, `time.sleep` fails and `Event.wait` waits for as long as the clock is ahead.
"""

import os
from datetime import UTC, datetime, timedelta

import time_machine

if seconds := float(os.environ.get("CLOCK_AHEAD_SECONDS") or 0):
    time_machine.travel(datetime.now(UTC) + timedelta(seconds=seconds), tick=True).start()
