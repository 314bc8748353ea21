"""Answers that are sent in parts. A client that reads slowly holds a permit, but neither a slot nor a database
connection.
"""

import threading

import pytest
from django.db import OperationalError

from config.server import streams
from config.server.admission import Slots
from config.server.streams import MADE_WHOLE_BYTES, SENT_WHOLE_BYTES, Permits, Sender


class Body:
    def __init__(self, *parts, error=None):
        self.parts, self.error, self.closed = iter(parts), error, 0

    def __next__(self):
        try:
            return next(self.parts)
        except StopIteration:
            if self.error:
                raise self.error from None
            raise

    def close(self):
        self.closed += 1


class Client:
    """granian's protocol object. `reads` is called before each part."""

    def __init__(self, reads=lambda: None):
        self.reads, self.got, self.headers, self.is_whole = reads, [], [], False

    def response_bytes(self, status, headers, body):
        self.headers, self.got, self.is_whole = headers, [body], True

    def response_iter(self, status, headers, body):
        self.headers = headers
        while True:
            self.reads()
            try:
                self.got.append(body.__next__())
            except StopIteration:
                return


@pytest.fixture
def site():
    """One slot, one permit of each kind."""

    class Site:
        slots, permits, refusals = Slots(1, most=0, seconds=0), Permits(1, 1), []

        def send(self, client, body, headers=()):
            with self.slots.take() as slot:
                sender = Sender(client, slot, self.permits, lambda: self.refusals.append(1))
                sender.response_iter(200, list(headers), body)

    return Site()


PART = b"x" * (SENT_WHOLE_BYTES // 2)
LARGE = [PART] * 8
HUGE = [PART] * (MADE_WHOLE_BYTES // len(PART) + 3)


def test_a_small_answer_is_sent_in_one_piece_with_its_length(site):
    client, body = Client(), Body(b"one", b"two")
    site.send(client, body, [("Content-Type", "text/csv")])
    assert client.is_whole
    assert client.got == [b"onetwo"]
    assert dict(client.headers) == {"Content-Type": "text/csv", "Content-Length": "6"}
    assert body.closed == 1


@pytest.mark.parametrize(("parts", "is_made_whole"), [(LARGE, True), (HUGE, False)])
def test_a_client_that_reads_slowly_holds_no_slot(site, parts, is_made_whole):
    """And no database connection, if memory allows: the body is closed before it is sent."""
    body, seen = Body(*parts), []

    def look():
        seen.append((site.slots.free, body.closed))

    client = Client(look)
    site.send(client, body)
    assert set(seen) == {(1, 1 if is_made_whole else 0)}
    assert b"".join(client.got) == b"".join(parts)
    assert ("Content-Length" in dict(client.headers)) == is_made_whole
    assert body.closed == 1


def test_one_stream_too_many_is_refused_and_its_slot_is_free(site):
    reading, go_on = threading.Event(), threading.Event()

    def wait():
        reading.set()
        go_on.wait()

    first = threading.Thread(target=site.send, args=[Client(wait), Body(*LARGE)])
    first.start()
    reading.wait()
    body = Body(*LARGE)
    site.send(Client(), body)
    assert (site.refusals, body.closed, site.slots.free) == ([1], 1, 1)
    whole = Client()
    site.send(whole, Body(b"small"))  # a small answer needs no permit
    # files have permits of their own
    site.send(file := Client(), Body(*LARGE), [("Content-Length", str(len(PART) * 8))])
    assert whole.got == [b"small"]
    assert len(b"".join(file.got)) == len(PART) * 8
    go_on.set()
    first.join()
    site.send(again := Client(), Body(*LARGE))
    assert again.got


def test_an_error_while_it_is_made_is_an_error_and_no_short_answer(site):
    """A statement that ends early looks as if it were complete."""
    client, body = Client(), Body(*LARGE, error=OSError("the database is away"))
    with pytest.raises(OSError, match="away"):
        site.send(client, body)
    assert client.got == []
    assert body.closed == 1
    site.send(Client(), Body(*LARGE))  # the permit is free again


@pytest.mark.parametrize("parts", [[b"head"], LARGE], ids=["small", "large"])
def test_where_the_database_is_lost_while_it_is_made_the_answer_is_503(site, parts):
    client, body = Client(), Body(*parts, error=OperationalError("terminating connection"))
    site.send(client, body)
    assert (client.got, site.refusals, body.closed, site.slots.free) == ([], [1], 1, 1)
    site.send(again := Client(), Body(*LARGE))  # the permit is free
    assert again.got


def test_a_client_that_reads_too_slowly_gets_an_incomplete_answer(site, monkeypatch):
    """granian then closes the connection, so the client notices the missing bytes."""
    now = [1000.0]
    monkeypatch.setattr(streams.time, "monotonic", lambda: now[0])

    def read():
        now[0] += streams.GRACE_SECONDS / 2

    client = Client(read)
    site.send(client, Body(*LARGE))
    assert len(b"".join(client.got)) < int(dict(client.headers)["Content-Length"])


def test_an_answer_to_head_says_nothing_of_a_length(site):
    client = Client()
    site.send(client, Body())
    assert client.headers == []
