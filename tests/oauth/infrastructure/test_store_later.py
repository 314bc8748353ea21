"""Values are collected in memory and stored a moment later, by a thread that then ends."""

import logging
import subprocess
import sys

import psycopg
from django.db import OperationalError

from oauth.infrastructure.store_later import StoreLater
from tests.lib.servers import wait_until


def test_what_could_not_be_stored_is_tried_again(caplog):
    pending, stored = ["one"], []
    answers = [OperationalError("away"), psycopg.OperationalError("no connection of the pool"), None]

    def store():
        if (error := answers.pop(0)) is not None:
            raise error
        stored.extend(pending)
        pending.clear()

    later = StoreLater(
        "The list", store=store, forget=pending.clear, is_pending=lambda: bool(pending), seconds=lambda: 0.01
    )
    with caplog.at_level(logging.WARNING), later.lock:
        later.plan()
    wait_until(lambda: stored == ["one"] and later._timer is None)
    assert [record.getMessage() for record in caplog.records] == ["The list could not be stored. Trying again."] * 2


def test_with_zero_seconds_it_is_stored_at_the_exit():
    program = """
from oauth.infrastructure.store_later import StoreLater
pending = ["one"]
later = StoreLater(
    "The list",
    store=lambda: print(*pending),
    forget=pending.clear,
    is_pending=lambda: bool(pending),
    seconds=lambda: 0.0,
)
with later.lock:
    later.plan()
print("stops")
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["stops", "one"]


def test_a_forked_child_stores_its_own_data_and_only_these():
    """A server that loads the project and answers a first request before it forks, such as gunicorn with --preload."""
    program = """
import os, sys
from oauth.infrastructure.store_later import StoreLater
pending = ["of the parent"]
later = StoreLater(
    "The list",
    store=lambda: print(pending.pop()),
    forget=pending.clear,
    is_pending=lambda: bool(pending),
    seconds=lambda: 600.0,
)
with later.lock:
    later.plan()
    child = os.fork()  # while another thread of the parent may hold the lock
    if child == 0:
        assert later.lock.acquire(blocking=False)
        assert not pending
        pending.append("of the child")
        later.plan()
        assert later._timer.is_alive()
        later.lock.release()
        later._store_in_background()
        sys.stdout.flush()
        os._exit(0)
assert os.waitpid(child, 0)[1] == 0
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (done.returncode, done.stdout.splitlines()) == (0, ["of the child", "of the parent"]), done.stderr
