"""The WSGI handler as config.wsgi makes it."""

import os
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from django.core.signals import request_finished, request_started
from django.db import close_old_connections, connection

from config import wsgi


@pytest.fixture
def handler(monkeypatch: pytest.MonkeyPatch) -> Iterator[wsgi.Handler]:
    """Like Django's test client, it leaves the test's connection open. `handler.given_back` counts how often it would
    have been given back."""
    made = wsgi.Handler()
    made.given_back = 0

    def give_back(**_: object) -> None:
        made.given_back += 1

    monkeypatch.setattr(wsgi, "close_old_connections", give_back)
    request_started.disconnect(close_old_connections)
    request_finished.disconnect(close_old_connections)
    request_finished.connect(give_back)
    yield made
    request_finished.disconnect(give_back)
    request_started.connect(close_old_connections)
    request_finished.connect(close_old_connections)


@pytest.fixture
def database_url(db: None) -> str:
    """The tests' own database, as another process reaches it."""
    return urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{connection.settings_dict['NAME']}").geturl()
