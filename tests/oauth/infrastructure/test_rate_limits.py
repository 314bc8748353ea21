"""Rate limits: 429 with Retry-After, counted over all worker processes; and a stranger cannot use them to lock others
out.
"""

import sys
from datetime import timedelta
from urllib.parse import urlencode, urlsplit

import pytest
import time_machine
from django.core.cache import cache
from django.core.management import call_command
from django.db import DatabaseError
from django.test import Client as Browser
from django.test import RequestFactory
from django.utils import timezone
from redis.exceptions import RedisError

from oauth.endpoints.token import TokenEndpoint
from oauth.infrastructure import caches, rate_limits
from oauth.infrastructure.rate_limits import Limit, LimitReached

pytestmark = pytest.mark.django_db

FEW = Limit("few", 3)


@pytest.fixture(autouse=True)
def _the_middle_of_a_minute():
    with time_machine.travel(timezone.now().replace(second=20, microsecond=0), tick=False):
        yield


def spend(times, limit=FEW, key="somebody"):
    for _ in range(times):
        rate_limits.spend(limit, key)


def test_a_refusal_says_after_how_many_seconds_to_retry():
    spend(3)
    with pytest.raises(LimitReached) as refused:
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
    with pytest.raises(LimitReached):
        spend(1)


def test_workers_count_together():
    """Each process counts in memory and shares its counts, so the second process here knows those of the first."""
    spend(2)
    caches.clear()  # another process
    spend(1)
    with pytest.raises(LimitReached):
        spend(1)


def test_a_wide_limit_is_shared_in_steps_without_a_statement_for_most(django_assert_num_queries):
    wide = Limit("wide", 2000)
    with django_assert_num_queries(0):
        spend(99, wide)
    spend(1, wide)
    caches.clear()
    spend(1900, wide)
    with pytest.raises(LimitReached):
        spend(100, wide)


@pytest.mark.parametrize(("error", "uses_redis"), [(RedisError, True), (ConnectionError, True), (DatabaseError, False)])
def test_a_cache_that_is_away_leaves_each_process_its_own_limit(monkeypatch, error, uses_redis):
    if not uses_redis:
        monkeypatch.delitem(sys.modules, "redis.exceptions")

    def away(*_):
        raise error

    monkeypatch.setattr(cache, "add", away)
    spend(3)
    with pytest.raises(LimitReached):
        spend(1)


def test_memory_is_bounded(monkeypatch):
    monkeypatch.setattr(rate_limits.counts, "_max_entries", lambda: 100)
    for number in range(1000):
        spend(1, key=str(number))
    assert len(rate_limits.counts) == 100


def test_an_ipv6_subscriber_is_one_address():
    factory = RequestFactory()
    addresses = {rate_limits.address_of(factory.get("/", REMOTE_ADDR=f"2001:db8:1:2::{n}")) for n in range(5)}
    assert addresses == {"2001:db8:1:2::"}


def test_clients_of_a_dual_stack_socket_do_not_share_a_limit():
    """Such a socket reports IPv4 addresses in the IPv6 form. The servers of sites that only use `oauth` pass it on."""
    factory = RequestFactory()
    one, another = (factory.get("/", REMOTE_ADDR=f"::ffff:198.51.{number}.7") for number in (100, 101))
    assert [rate_limits.address_of(each) for each in (one, another)] == ["198.51.100.7", "198.51.101.7"]
    assert [rate_limits.network_of(each) for each in (one, another)] == ["198.51.100.0/24", "198.51.101.0/24"]


@pytest.mark.usefixtures("clock_stands")
def test_guessing_a_secret_is_slowed_and_the_right_one_always_accepted(web_app, service, token_endpoint):
    """Neither a stranger with the same address nor one who knows the client_id can lock a client out."""
    real, web_app.secret = web_app.secret, "wrong"
    statuses = [token_endpoint.post(web_app, grant_type="refresh_token").status_code for _ in range(31)]
    assert statuses == [401] * 30 + [429]
    form = {"grant_type": "refresh_token", "refresh_token": "x"}
    web_app.secret = real
    assert token_endpoint.post(web_app, **form).json()["error"] == "invalid_grant"  # after authentication
    assert token_endpoint.post(service, grant_type="client_credentials").status_code == 200


@pytest.mark.usefixtures("clock_stands")
@pytest.mark.parametrize("path", ["token", "par", "introspect", "revoke", "device_authorization"])
def test_failures_of_an_address_are_no_obstacle_to_right_credentials(service, signing_keys, path):
    """At every endpoint with client authentication, this test sends bad requests in the name of 200 clients, and then a
    good one.
    """

    def send(client_id, secret):
        form = {"client_id": client_id, "client_secret": secret, "token": "x", "grant_type": "client_credentials"}
        return (
            Browser()
            .post(f"/oauth/{path}", urlencode(form), content_type="application/x-www-form-urlencoded")
            .status_code
        )

    service.token_endpoint_auth_method = "client_secret_post"
    service.save()
    assert [send(f"nobody-{number}", "x") for number in range(130)][-1] == 429
    assert send(service.client_id, service.secret) not in (401, 429)


@pytest.mark.usefixtures("clock_stands")
def test_failures_of_an_address_are_no_obstacle_to_registrations(capsys):
    """RFC 7591, RFC 7592: this covers a valid initial access token and a valid registration access token."""
    call_command("registration_token")
    token = capsys.readouterr().out.splitlines()[-1]
    browser = Browser()

    def send(method, path, token, document=None):
        headers = {"Authorization": f"Bearer {token}"}
        return getattr(browser, method)(path, document, content_type="application/json", headers=headers)

    assert [send("post", "/oauth/register", "wrong").status_code for _ in range(130)][-1] == 429
    document = {"redirect_uris": ["https://app.example/callback"], "client_name": "App", "scope": "openid"}
    registered = send("post", "/oauth/register", token, document)
    assert registered.status_code == 201, registered.content
    path = urlsplit(registered.json()["registration_client_uri"]).path
    assert [send("get", path, "wrong").status_code for _ in range(31)][-1] == 429
    assert send("get", path, registered.json()["registration_access_token"]).status_code == 200


@pytest.mark.usefixtures("clock_stands")
def test_a_limit_is_answered_429_with_retry_after(service, token_endpoint, monkeypatch):
    monkeypatch.setattr(TokenEndpoint, "limit", Limit("requests", 2))
    answers = [token_endpoint.post(service, grant_type="client_credentials") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert answers[2]["Retry-After"] == "40"
    assert answers[2].json()["error"] == "slow_down"
