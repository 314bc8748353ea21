"""Clients are cached in memory for a few seconds: which changes this may delay, and which never."""

from datetime import timedelta

import pytest
from django.db import connection

from oauth.clients import cache
from oauth.conf import conf
from oauth.infrastructure import caches
from oauth.models.secret import digest, new_secret


class Clock:
    """Replaces time.monotonic(), so that the test can move it."""

    def __init__(self):
        self.now = 1000.0

    def monotonic(self):
        return self.now

    def shift(self, period):
        self.now += period.total_seconds()


def elsewhere(client, **values):
    """Changes the row as another process does, without a signal to this process."""
    columns = ", ".join(f"{name} = %s" for name in values)
    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE oauth_client SET {columns} WHERE id = %s", [*values.values(), client.pk])


@pytest.fixture
def known(service, token_endpoint, monkeypatch):
    """A service that has already made a request, so it is in the cache."""
    clock = Clock()
    monkeypatch.setattr(cache.clients, "_clock", clock.monotonic)
    assert token_endpoint.post(service, grant_type="client_credentials").status_code == 200
    return clock


def test_a_token_for_a_known_service_takes_no_statement(service, token_endpoint, known, django_assert_num_queries):
    with django_assert_num_queries(0):
        assert token_endpoint.post(service, grant_type="client_credentials").status_code == 200


def test_a_client_that_is_disabled_here_is_refused_at_once(service, token_endpoint, known):
    service.is_active = False
    service.save()
    assert token_endpoint.post(service, grant_type="client_credentials").status_code == 401


def test_a_client_that_is_disabled_by_a_bulk_update_is_refused_at_once(service, token_endpoint, known):
    type(service).objects.filter(pk=service.pk).update(is_active=False)
    assert token_endpoint.post(service, grant_type="client_credentials").status_code == 401


def test_a_client_that_is_deleted_here_is_refused_at_once(service, token_endpoint, known):
    service.delete()
    assert token_endpoint.post(service, grant_type="client_credentials").status_code == 401


@pytest.mark.parametrize(
    "change",
    [
        {"is_active": False},
        {"secret_digest": digest("another")},
        {"token_endpoint_auth_method": "private_key_jwt"},
        {"grant_types": []},
        {"allowed_scopes": []},
        {"allowed_resources": ["https://other.example"], "allowed_scopes": []},
        {"security_profile": "fapi2"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_what_another_process_takes_away_is_gone_within_seconds(service, token_endpoint, known, change):
    elsewhere(service, **change)
    known.shift(conf.CLIENT_CACHE_LIFETIME + timedelta(milliseconds=1))
    assert token_endpoint.post(service, grant_type="client_credentials").status_code in (400, 401)


def test_a_busy_client_is_read_again_within_seconds_too(service, token_endpoint, known):
    """Using a cached client does not extend its lifetime."""
    elsewhere(service, is_active=False)
    answers = []
    for _ in range(10):
        known.shift(timedelta(seconds=1))
        answers.append(token_endpoint.post(service, grant_type="client_credentials").status_code)
    assert answers[-7:] == [401] * 7
    assert timedelta(seconds=5) >= conf.CLIENT_CACHE_LIFETIME


def test_a_secret_that_another_process_has_just_made_works_at_once(service, token_endpoint, known):
    """A cached client alone is never a reason to refuse."""
    new = new_secret()
    elsewhere(service, secret_digest=digest(new))
    service.secret = new
    assert token_endpoint.post(service, grant_type="client_credentials").status_code == 200


def test_a_wrong_secret_is_wrong_both_times(service, token_endpoint, known):
    service.secret = new_secret()
    assert token_endpoint.post(service, grant_type="client_credentials").status_code == 401


def test_a_client_that_is_enabled_again_is_served_at_once(service, token_endpoint, known):
    elsewhere(service, is_active=False)
    known.shift(timedelta(minutes=1))
    assert token_endpoint.post(service, grant_type="client_credentials").status_code == 401
    elsewhere(service, is_active=True)
    assert token_endpoint.post(service, grant_type="client_credentials").status_code == 200


def test_so_many_clients_are_kept_and_no_more(service, token_endpoint, known, monkeypatch):
    monkeypatch.setattr(cache.clients, "_max_entries", lambda: 1)
    caches.clear()
    for _ in range(3):
        cache.load(service.client_id)
        cache.load("nobody")
    assert len(cache.clients) == 1


def test_nothing_is_kept_where_the_site_says_so(service, token_endpoint, settings, django_assert_num_queries):
    settings.OAUTH = {**settings.OAUTH, "CLIENT_CACHE_LIFETIME": timedelta()}
    assert token_endpoint.post(service, grant_type="client_credentials").status_code == 200
    with django_assert_num_queries(1):
        assert token_endpoint.post(service, grant_type="client_credentials").status_code == 200
