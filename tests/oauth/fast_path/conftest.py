"""Fixtures for tests of the fast path."""

from collections.abc import Iterator

import pytest
from django.core.signals import request_finished, request_started
from django.db import close_old_connections

from oauth.fast_path import wsgi_handler
from oauth.fast_path.wsgi_handler import FastWSGIHandler


@pytest.fixture
def handler(monkeypatch: pytest.MonkeyPatch) -> Iterator[FastWSGIHandler]:
    """The fast handler. Like Django's test client, it leaves the test's connection open. `handler.given_back` counts
    how often it would have returned the connection to the pool.
    """
    made = FastWSGIHandler()
    made.given_back = 0

    def give_back(**_: object) -> None:
        made.given_back += 1

    monkeypatch.setattr(wsgi_handler, "close_old_connections", give_back)
    request_started.disconnect(close_old_connections)
    request_finished.disconnect(close_old_connections)
    request_finished.connect(give_back)
    yield made
    request_finished.disconnect(give_back)
    request_started.connect(close_old_connections)
    request_finished.connect(close_old_connections)
