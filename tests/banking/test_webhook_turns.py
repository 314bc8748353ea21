"""An app that does not answer its webhook delays no other app."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace

import pytest
import time_machine
from django.db import OperationalError
from django.utils import timezone

from banking.webhooks import NotDelivered, UntilDelivered, turns
from banking.webhooks.turns import Postponed, turn
from tests.lib.servers import PATIENCE_SECONDS


@pytest.fixture(autouse=True)
def known_apps(monkeypatch):
    monkeypatch.setattr(turns, "_apps", {})


@pytest.fixture
def clock(monkeypatch):
    """The time passes only when a test says so."""
    clock = SimpleNamespace(now=1000.0)
    monkeypatch.setattr(turns, "time", SimpleNamespace(monotonic=lambda: clock.now))
    return clock


@contextmanager
def on_its_way(client: str) -> Iterator[None]:
    """A message that has no answer yet."""
    begun, ends = threading.Event(), threading.Event()

    def send():
        with turn(client):
            begun.set()
            ends.wait(PATIENCE_SECONDS)

    sending = threading.Thread(target=send)
    sending.start()
    assert begun.wait(PATIENCE_SECONDS)
    yield
    ends.set()
    sending.join()


def test_one_message_at_a_time_is_sent_to_an_app(monkeypatch):
    monkeypatch.setattr(turns, "PATIENCE_SECONDS", 0)
    with on_its_way("slow"):
        with pytest.raises(Postponed), turn("slow"):
            pass
        with turn("quick"):  # at once
            pass


def test_the_next_message_waits_shortly_for_a_quick_app():
    reached = []

    def send():
        with turn("quick"):
            reached.append(time.monotonic())

    with on_its_way("quick"):
        waiting = threading.Thread(target=send)
        waiting.start()
    waiting.join()
    assert reached


def test_only_the_first_one_waits_for_a_slow_app(monkeypatch):
    monkeypatch.setattr(turns, "PATIENCE_SECONDS", 0)
    with on_its_way("slow"):
        with pytest.raises(Postponed), turn("slow"):
            pass
        monkeypatch.setattr(turns, "PATIENCE_SECONDS", 10 * PATIENCE_SECONDS)
        with pytest.raises(Postponed), turn("slow"):
            pass


def test_a_slow_app_has_a_pause(clock):
    with turn("slow"):
        clock.now += 5
    clock.now += 5 * turns.PAUSE - 1
    with pytest.raises(Postponed) as postponed, turn("slow"):
        pass
    assert 1 <= postponed.value.seconds <= 2
    clock.now += 1
    with turn("slow"):
        clock.now += 0.1
    with turn("slow"):  # it has become quick
        pass


def test_one_that_fails_slowly_is_slow(clock):
    def fail():
        clock.now += 5
        raise ValueError("no answer")

    with pytest.raises(ValueError, match="no answer"), turn("slow"):
        fail()
    with pytest.raises(Postponed), turn("slow"):
        pass


@pytest.mark.parametrize(
    ("error", "seconds"),
    [
        (NotDelivered("500", attempts=1), 3),
        (NotDelivered("500", attempts=11), 177_147),
        (Postponed(20), 20),
        (OperationalError(), 30),
        (ValueError(), None),
    ],
)
def test_postponing_is_no_attempt(error, seconds):
    """The job has run a hundred times, nearly always in vain."""
    with time_machine.travel(timezone.now(), tick=False):
        decision = UntilDelivered().get_retry_decision(exception=error, job=SimpleNamespace(attempts=100))
        wait = decision and (decision.retry_at - timezone.now()).total_seconds()
    assert wait == seconds
