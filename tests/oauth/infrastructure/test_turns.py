"""A receiver that does not answer delays no other."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace

import pytest
import time_machine
from django.utils import timezone

from oauth import tasks
from oauth.infrastructure import turns
from oauth.infrastructure.turns import Postponed, turn
from oauth.sessions.backchannel_logout import NotDelivered
from tests.lib.servers import PATIENCE_SECONDS


@pytest.fixture
def clock(monkeypatch):
    """The time passes only when a test says so."""
    clock = SimpleNamespace(now=1000.0)
    monkeypatch.setattr(turns, "PATIENCE_SECONDS", 1)
    monkeypatch.setattr(turns, "time", SimpleNamespace(monotonic=lambda: clock.now))
    return clock


@contextmanager
def on_its_way(receiver: str) -> Iterator[None]:
    """A message that has no answer yet."""
    begun, ends = threading.Event(), threading.Event()

    def send():
        with turn(receiver):
            begun.set()
            ends.wait(PATIENCE_SECONDS)

    sending = threading.Thread(target=send)
    sending.start()
    assert begun.wait(PATIENCE_SECONDS)
    try:
        yield
    finally:
        ends.set()
        sending.join()


def test_one_message_at_a_time_is_sent_to_a_receiver(monkeypatch):
    monkeypatch.setattr(turns, "PATIENCE_SECONDS", 0)
    with on_its_way("slow"):
        with pytest.raises(Postponed), turn("slow"):
            pass
        with turn("quick"):  # at once
            pass


def test_the_next_message_waits_shortly_for_a_quick_receiver():
    reached = []

    def send():
        with turn("quick"):
            reached.append(time.monotonic())

    with on_its_way("quick"):
        waiting = threading.Thread(target=send)
        waiting.start()
    waiting.join()
    assert reached


def test_only_the_first_one_waits_for_a_slow_receiver(monkeypatch):
    monkeypatch.setattr(turns, "PATIENCE_SECONDS", 0)
    with on_its_way("slow"):
        with pytest.raises(Postponed), turn("slow"):
            pass
        monkeypatch.setattr(turns, "PATIENCE_SECONDS", 10 * PATIENCE_SECONDS)
        with pytest.raises(Postponed), turn("slow"):
            pass


def test_a_slow_receiver_has_a_pause(clock):
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


def test_a_receiver_that_fails_slowly_is_slow(clock):
    def fail():
        clock.now += 5
        raise ValueError("no answer")

    with pytest.raises(ValueError, match="no answer"), turn("slow"):
        fail()
    with pytest.raises(Postponed), turn("slow"):
        pass


@pytest.mark.parametrize(("attempts", "seconds"), [(0, 5), (2, 125), (100, 3125)])
def test_a_notification_that_is_only_postponed_is_not_given_up(attempts, seconds):
    with time_machine.travel(timezone.now(), tick=False):
        decision = tasks._PATIENT.get_retry_decision(exception=Postponed(1), job=SimpleNamespace(attempts=attempts))
        assert (decision.retry_at - timezone.now()).total_seconds() == seconds
    assert tasks._PATIENT.get_retry_decision(exception=NotDelivered(), job=SimpleNamespace(attempts=6)) is None
