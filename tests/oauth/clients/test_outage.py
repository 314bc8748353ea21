"""client_credentials while the database is unreachable: which cached clients a worker process may use, and which
not.
"""

import time
from datetime import timedelta

import pytest
from django.db import InterfaceError, OperationalError, connection
from psycopg_pool import PoolTimeout

from oauth.clients import cache
from oauth.conf import conf
from oauth.infrastructure import caches, outage
from oauth.models import Client
from oauth.models.secret import digest, new_secret


@pytest.fixture
def known(service, token_endpoint, settings, monkeypatch):
    """A service that has just made a request and counts as fresh, even on a slow machine."""
    settings.OAUTH = {**settings.OAUTH, "CLIENT_CACHE_LIFETIME": timedelta(hours=1)}
    monkeypatch.setattr(cache.clients, "_clock", time.monotonic)  # other tests stop this clock
    assert token_endpoint.post(service, grant_type="client_credentials").status_code == 200
    return service


@pytest.fixture
def away(monkeypatch):
    """Returns a function that makes the database unreachable, since now or for `seconds`. After that, no cached client
    is fresh.
    """

    def go(seconds=0.0):
        def refuse(*_):
            raise OperationalError("away")

        at = time.monotonic() - seconds
        monkeypatch.setattr(Client, "by_client_id", refuse)
        monkeypatch.setattr(outage, "_source", lambda: at)
        later = time.monotonic() + conf.CLIENT_CACHE_LIFETIME.total_seconds()
        monkeypatch.setattr(cache.clients, "_clock", lambda: later)

    return go


def status_of(token_endpoint, client, **form):
    return token_endpoint.post(client, **{"grant_type": "client_credentials", **form}).status_code


def test_a_known_client_gets_its_token(known, token_endpoint, away, django_assert_num_queries):
    away()
    with django_assert_num_queries(0):
        assert status_of(token_endpoint, known) == 200


def test_a_client_that_was_not_here_is_told_to_come_again(service, token_endpoint, away):
    caches.clear()
    away()
    assert status_of(token_endpoint, service) == 503


@pytest.mark.parametrize("error", [OperationalError("away"), InterfaceError("closed"), PoolTimeout("none is free")])
def test_each_error_of_an_outage_counts(known, token_endpoint, away, monkeypatch, error):
    away()

    def refuse(*_):
        raise error

    monkeypatch.setattr(Client, "by_client_id", refuse)
    assert status_of(token_endpoint, known) == 200


def test_a_wrong_secret_is_not_refused_but_told_to_come_again(known, token_endpoint, away):
    """The secret may be a new one: a cached client never causes a refusal."""
    away()
    known.secret = new_secret()
    assert status_of(token_endpoint, known) == 503


def test_it_ends_after_the_tolerated_time(known, token_endpoint, away):
    away(conf.OUTAGE_TOLERANCE.total_seconds() + 1)
    assert status_of(token_endpoint, known) == 503


def test_a_tolerance_of_zero_turns_it_off(known, token_endpoint, away, settings):
    settings.OAUTH = {**settings.OAUTH, "OUTAGE_TOLERANCE": timedelta()}
    assert status_of(token_endpoint, known) == 200
    away()
    assert status_of(token_endpoint, known) == 503


def test_a_client_that_was_no_longer_fresh_when_the_database_last_answered_is_not_believed(
    known, token_endpoint, away, monkeypatch
):
    """It may have been disabled in between, without notice to this process."""
    away()
    at = time.monotonic() + conf.CLIENT_CACHE_LIFETIME.total_seconds() + 1
    monkeypatch.setattr(outage, "tolerated_since", lambda *_: at)
    assert status_of(token_endpoint, known) == 503


@pytest.mark.parametrize("change", [{"is_active": False}, {"secret_digest": digest(new_secret())}])
def test_what_another_process_changed_before_the_outage_counts(known, token_endpoint, away, change):
    """`reload` has read the client again meanwhile."""
    [(column, value)] = change.items()
    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE oauth_client SET {column} = %s WHERE id = %s", [value, known.pk])
    cache.reload()
    away()
    assert status_of(token_endpoint, known) == 503


def test_a_client_in_use_stays_known(known, token_endpoint, away, monkeypatch, django_assert_num_queries):
    """The client stays known for some minutes after its last request."""
    later = time.monotonic() + 2 * conf.CLIENT_CACHE_LIFETIME.total_seconds()
    monkeypatch.setattr(cache.clients, "_clock", lambda: later)
    with django_assert_num_queries(1):
        cache.reload()
    away()
    monkeypatch.setattr(outage, "tolerated_since", lambda *_: later)
    monkeypatch.setattr(cache.clients, "_clock", lambda: 2 * later)
    assert status_of(token_endpoint, known) == 200


@pytest.mark.parametrize(("hours", "status"), [(0, 200), (24, 503)])
def test_a_client_is_known_while_others_have_all_connections(known, token_endpoint, away, monkeypatch, hours, status):
    """The database answers its watch, but no client can be read again. The age of the last successful read counts."""
    cache.reload()
    cache._reloaded.append(time.monotonic() - hours * 3600)
    away(seconds=-2 * 3600)
    assert status_of(token_endpoint, known) == status


def test_a_client_that_has_not_come_for_long_is_not_read_again(known, monkeypatch, django_assert_num_queries):
    monkeypatch.setitem(cache._used, known.client_id, time.monotonic() - cache.USED_SECONDS - 1)
    with django_assert_num_queries(0):
        cache.reload()
    assert known.client_id not in cache._used


def test_a_row_that_was_read_before_a_change_here_is_not_kept(known, monkeypatch):
    """The change is committed between the read and the moment at which the client is cached."""
    read = Client.by_client_ids

    def read_and_then_change(client_ids):
        found = read(client_ids)
        Client.objects.filter(pk=known.pk).update(is_active=False)
        return found

    monkeypatch.setattr(Client, "by_client_ids", read_and_then_change)
    cache.reload()
    assert cache.clients.kept(known.client_id, at=0.0) is None


def test_a_client_of_another_process_becomes_known_here(known, token_endpoint, away, django_assert_num_queries):
    elsewhere = cache.used()
    caches.clear()
    cache.also_used(elsewhere)
    with django_assert_num_queries(1):
        cache.reload()
    away()
    assert status_of(token_endpoint, known) == 200


def test_what_another_process_knows_is_not_newer_than_it_was(known):
    at = cache.used()[known.client_id]
    cache.also_used({known.client_id: at - 1})
    assert cache.used() == {known.client_id: at}
    cache.also_used({known.client_id: at + 1, "another": at - cache.USED_SECONDS})
    assert cache.used() == {known.client_id: at + 1}
