"""Hosts whose clocks differ, but that share a database."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from unittest.mock import patch

import time_machine
from django.utils import timezone

from oauth.infrastructure import clock


@contextmanager
def on_host(*, seconds_ahead: float) -> Iterator[None]:
    """What follows happens on a host whose clock is ahead of the database's; behind it, if negative."""
    with (
        patch.object(clock, "_seconds_ahead", lambda: seconds_ahead),
        time_machine.travel(timezone.now() + timedelta(seconds=seconds_ahead)),
    ):
        yield
