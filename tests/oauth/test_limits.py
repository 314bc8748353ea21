"""Rate limits: 429 with Retry-After, shared by all workers, and nothing a stranger can lock others out with."""

from datetime import timedelta

import pytest
import time_machine
from django.core.cache import cache
from django.test import RequestFactory
from django.utils import timezone

from oauth import limits
from oauth.endpoints.token import TokenEndpoint
from oauth.errors import TooManyRequests
from oauth.limits import Limit

pytestmark = pytest.mark.django_db

FEW = Limit("few", 3)


@pytest.fixture(autouse=True)
def _the_middle_of_a_minute():
    with time_machine.travel(timezone.now().replace(second=20, microsecond=0), tick=False):
        yield


def spend(times, limit=FEW, key="somebody"):
    for _ in range(times):
        limits.spend(limit, key)


def test_one_too_many_is_told_when_to_come_again():
    spend(3)
    with pytest.raises(TooManyRequests) as refused:
        spend(1)
    assert refused.value.retry_after_seconds == 40
    spend(3, key="somebody else")


def test_the_next_window_begins_anew():
    spend(3)
    with time_machine.travel(timezone.now() + timedelta(seconds=41), tick=False):
        spend(3)


def test_the_scale_multiplies(settings):
    settings.OAUTH = {**settings.OAUTH, "THROTTLE_SCALE": 10.0}
    spend(30)
    with pytest.raises(TooManyRequests):
        spend(1)


def test_workers_count_together():
    """Each process counts in memory and shares what it counted: the second one here knows of the first."""
    spend(2)
    limits.forget()  # another process
    spend(1)
    with pytest.raises(TooManyRequests):
        spend(1)


def test_a_wide_limit_is_shared_in_steps_without_a_statement_for_most(django_assert_num_queries):
    wide = Limit("wide", 2000)
    with django_assert_num_queries(0):
        spend(99, wide)
    spend(1, wide)
    limits.forget()
    spend(1900, wide)
    with pytest.raises(TooManyRequests):
        spend(100, wide)


def test_a_cache_that_is_away_leaves_each_process_its_own_limit(monkeypatch):
    def away(*_):
        raise ConnectionError

    monkeypatch.setattr(cache, "add", away)
    spend(3)
    with pytest.raises(TooManyRequests):
        spend(1)


def test_memory_is_bounded(monkeypatch):
    monkeypatch.setattr(limits, "_MOST_COUNTED", 100)
    for number in range(1000):
        spend(1, key=str(number))
    assert len(limits._counts) <= 100


def test_an_ipv6_subscriber_is_one_address():
    factory = RequestFactory()
    addresses = {limits.address_of(factory.get("/", REMOTE_ADDR=f"2001:db8:1:2::{n}")) for n in range(5)}
    assert addresses == {"2001:db8:1:2::"}


def test_guessing_a_secret_is_slowed_where_it_comes_from_and_nowhere_else(
    web_app, service, token_endpoint, monkeypatch
):
    """A stranger cannot lock a client out."""
    real, web_app.secret = web_app.secret, "wrong"
    statuses = [token_endpoint.post(web_app, grant_type="refresh_token").status_code for _ in range(31)]
    assert statuses == [401] * 30 + [429]
    web_app.secret = real
    assert token_endpoint.post(service, grant_type="client_credentials").status_code == 200
    form = {"grant_type": "refresh_token", "refresh_token": "x"}
    assert token_endpoint.post(web_app, **form).status_code == 429
    monkeypatch.setattr(limits, "address_of", lambda request: "192.0.2.1")
    assert token_endpoint.post(web_app, **form).json()["error"] == "invalid_grant"  # asked, from elsewhere


def test_a_limit_is_answered_429_with_retry_after(service, token_endpoint, monkeypatch):
    monkeypatch.setattr(TokenEndpoint, "limit", Limit("requests", 2))
    answers = [token_endpoint.post(service, grant_type="client_credentials") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert answers[2]["Retry-After"] == "40"
    assert answers[2].json()["error"] == "slow_down"
