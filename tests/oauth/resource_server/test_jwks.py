"""Fetching the issuer's keys: the size and time are limited, old keys are kept if a fetch fails, and there is at most
one fetch a minute.
"""

import http.server
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from io import StringIO

import pytest
import time_machine
from django.core.management import call_command
from django.utils import timezone

from oauth import keys
from oauth.conf import conf
from oauth.keys import rotation
from oauth.keys.ring import READ_EVERY_SECONDS
from oauth.models import SigningKey
from oauth.models.signing_key import EMERGENCY_GRACE
from oauth.resource_server import http as resource_http
from oauth.resource_server.http import MAX_BYTES, get_json
from oauth.resource_server.jwks import SEARCH_AFTER_SECONDS, fetched_from
from oauth.tokens import jwks
from oauth.tokens.jwks import MAX_AGE_SECONDS, REFRESH_AFTER_SECONDS, FetchedKeys, KeysUnavailable, parse
from tests.lib.servers import PATIENCE_SECONDS
from tests.lib.signing_keys import after_an_emergency

pytestmark = pytest.mark.django_db


class Clock:
    now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def issuer():
    """A server whose answer a test can set, and which counts its requests."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.server.requests += 1
            self.send_response(self.server.status)
            if self.server.status == 302:
                self.send_header("Location", "/elsewhere")
            self.end_headers()
            self.wfile.write(self.server.body)

        def log_message(self, *args):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.requests, server.status, server.body = 0, 200, b"{}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def published(issuer, signing_keys):
    issuer.body = json.dumps(keys.published_jwks()).encode()
    return keys.signing_key("ES256").kid


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def fetched(issuer, clock):
    return FetchedKeys(lambda: parse(get_json(_uri(issuer))), clock=clock)


def _uri(issuer):
    return f"http://127.0.0.1:{issuer.server_port}/jwks"


def test_a_published_key_is_found_with_one_fetch(fetched, published, issuer):
    assert fetched.find(published).algorithm_name == "ES256"
    assert fetched.find(published)
    assert issuer.requests == 1


def test_a_storm_of_unknown_keys_is_one_fetch_a_minute(fetched, published, issuer, clock):
    """PyJWT CVE-2026-48524."""
    for number in range(1000):
        assert fetched.find(f"unknown-{number}") is None
    assert issuer.requests == 1
    clock.now += 61
    assert fetched.find("unknown") is None
    assert issuer.requests == 2


def test_a_key_that_was_just_added_is_found_within_the_minute_of_the_last_fetch(fetched, published, issuer):
    assert fetched.find(published)
    added = keys.generation.generate("ES256")
    issuer.body = json.dumps({"keys": [added.public_jwk]}).encode()
    assert fetched.find(added.kid)
    assert issuer.requests == 2


class _LockThatTells:
    """A lock that sets an event when a thread has to wait for it."""

    def __init__(self, event):
        self.lock, self.event = threading.Lock(), event

    def acquire(self, timeout):
        return self.lock.acquire(blocking=False) or self.event.set() or self.lock.acquire(timeout=timeout)

    def release(self):
        self.lock.release()


def test_requests_that_arrive_during_the_first_fetch_wait_for_its_keys(clock, monkeypatch):
    """They are valid, so they must not be refused because another thread is still fetching the set."""
    monkeypatch.setattr(jwks, "WAIT_SECONDS", PATIENCE_SECONDS)
    has_begun, someone_waits = threading.Event(), threading.Event()

    def fetch():
        has_begun.set()
        assert someone_waits.wait(PATIENCE_SECONDS)
        return {"known": "the key"}

    fetched = FetchedKeys(fetch, clock=clock)
    monkeypatch.setattr(fetched, "_lock", _LockThatTells(someone_waits))
    with ThreadPoolExecutor(1) as threads:
        first = threads.submit(fetched.find, "known")
        try:
            assert has_begun.wait(PATIENCE_SECONDS)
            assert fetched.find("known") == "the key"
        finally:
            someone_waits.set()
        assert first.result() == "the key"


def test_a_set_that_is_not_answered_keeps_other_threads_waiting_only_briefly(clock, monkeypatch):
    monkeypatch.setattr(jwks, "WAIT_SECONDS", 0)
    has_begun, may_answer = threading.Event(), threading.Event()

    def fetch():
        has_begun.set()
        assert may_answer.wait(PATIENCE_SECONDS)
        return {"known": "the key"}

    fetched = FetchedKeys(fetch, clock=clock)
    with ThreadPoolExecutor(1) as threads:
        first = threads.submit(fetched.current, "known")
        assert has_begun.wait(PATIENCE_SECONDS)
        assert fetched.current("known") == {}
        may_answer.set()
        assert first.result() == {"known": "the key"}


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (500, b""),
        (302, b""),
        (200, b"not json"),
        (200, b"[]"),
        (200, b'{"keys": 1}'),
        (200, b'{"keys": [1]}'),
        (200, b" " * (MAX_BYTES + 1)),
    ],
)
def test_a_failed_fetch_leaves_the_keys_that_we_have(fetched, published, issuer, clock, status, body):
    assert fetched.find(published)
    issuer.status, issuer.body = status, body
    clock.now += MAX_AGE_SECONDS - 1
    assert fetched.find(published)
    assert issuer.requests == 2


def test_keys_that_could_not_be_confirmed_for_a_quarter_of_an_hour_are_not_trusted(fetched, published, issuer, clock):
    assert fetched.find(published)
    issuer.status = 500
    clock.now += MAX_AGE_SECONDS + 1
    with pytest.raises(KeysUnavailable):
        fetched.find(published)


def test_an_issuer_that_was_away_is_asked_again_as_soon_as_retry_after_says(issuer, published, clock):
    """Otherwise, an API whose issuer starts a second later would answer 503 for a minute."""
    fetched = FetchedKeys(lambda: parse(get_json(_uri(issuer))), retry_after_seconds=5, clock=clock)
    issuer.status = 503
    for _ in range(3):
        with pytest.raises(KeysUnavailable):
            fetched.find(published)
    assert issuer.requests == 1
    issuer.status = 200
    clock.now += 5
    assert fetched.find(published)


def test_an_api_whose_issuer_cannot_be_reached_answers_503_and_says_so(api, alice, access_token, settings, caplog):
    """The token may be valid: with 401, the client would discard it (RFC 6750 §3.1)."""
    settings.OAUTH = {**settings.OAUTH, "VERIFICATION_KEYS": "", "JWKS_URI": "http://127.0.0.1:9/jwks"}
    answer = api(access_token(alice)).get("/api/v1/accounts")
    assert (answer.status_code, answer["Retry-After"]) == (503, "5")
    assert answer.json()["code"] == "temporarily_unavailable"
    assert f"cannot fetch the keys of its authorization server, {conf.ISSUER}" in answer.json()["detail"]
    assert "127.0.0.1:9" not in answer.json()["detail"]
    assert "127.0.0.1" in caplog.text
    assert "WWW-Authenticate" not in answer


def test_userinfo_answers_503_too(client, alice, access_token, settings):
    settings.OAUTH = {**settings.OAUTH, "VERIFICATION_KEYS": "", "JWKS_URI": "http://127.0.0.1:9/jwks"}
    answer = client.get("/oauth/userinfo", headers={"Authorization": f"Bearer {access_token(alice)}"})
    assert answer.status_code == 503
    assert answer["Retry-After"]


def test_a_withdrawn_key_stops_at_the_next_refresh(fetched, published, issuer, clock):
    assert fetched.find(published)
    issuer.body = b'{"keys": []}'
    clock.now += REFRESH_AFTER_SECONDS + 1
    assert fetched.find(published) is None


def test_an_emergency_reaches_a_jwks_client_elsewhere_within_a_minute(signing_keys, live_server, clock):
    """`rotate_keys --emergency`, measured with a separate JWKS client over HTTP, which reads no status list."""
    fetched = FetchedKeys(lambda: parse(get_json(f"{live_server.url}/oauth/jwks")), clock=clock)
    old = keys.signing_key("ES256").kid
    assert fetched.find(old)
    said = StringIO()
    call_command("rotate_keys", "--emergency", stdout=said)
    for words in ("within 15 seconds", "within 25 seconds", "within 75 seconds", "within 15 minutes"):
        assert words in said.getvalue()
    assert fetched.find(old)  # this client has not fetched the new keys yet
    clock.now += 61
    with after_an_emergency():
        assert fetched.find(old) is None
        assert fetched.find(keys.signing_key("ES256").kid)


def test_a_resource_server_accepts_new_tokens_at_every_moment_of_an_emergency(signing_keys, live_server, clock):
    """The resource server already has the next key, so it fetches nothing. Another process of the site signs with the
    old key until it reads the keys again.
    """
    rotation.rotate_where_due()
    SigningKey.objects.filter(active_at__gt=timezone.now()).update(published_at=timezone.now() - timedelta(hours=1))
    keys.ring.forget()
    fetched = FetchedKeys(lambda: parse(get_json(f"{live_server.url}/oauth/jwks")), clock=clock)
    old = keys.signing_key("ES256").kid
    assert fetched.find(old)
    began = timezone.now()
    with watched() as sent:
        new = rotation.replace_now("ES256").kid
        assert keys.signing_key("ES256").kid == new != old
        assert fetched.find(new)
    assert sent == []
    assert EMERGENCY_GRACE.total_seconds() == 2 * READ_EVERY_SECONDS  # clocks of hosts differ
    with time_machine.travel(began + EMERGENCY_GRACE - timedelta(seconds=2), tick=False):
        keys.ring.forget()
        fetched.refetch()
        assert fetched.find(old)
        assert keys.signing_key("ES256").kid == new
    with after_an_emergency():
        fetched.refetch()
        assert fetched.find(old) is None


def test_a_key_that_was_made_in_the_emergency_is_searched_again_after_seconds(published, issuer, clock):
    """The first fetch may have reached a process of the issuer that still answers with the old JWK Set from its
    memory.
    """
    fetched = fetched_from(_uri(issuer))
    fetched._clock = clock
    assert fetched.find(published)
    assert fetched.find("new") is None
    body = json.loads(issuer.body)
    issuer.body = json.dumps({"keys": [{**body["keys"][0], "kid": "new"}]}).encode()
    clock.now += SEARCH_AFTER_SECONDS - 1
    assert fetched.find("new") is None
    clock.now += 1
    assert fetched.find("new")


def test_the_jwk_set_is_asked_for_past_caches(issuer, published):
    """RFC 9111 §5.2.1.4: a cache in between must not serve a withdrawn key."""
    with watched() as sent:
        get_json(f"http://127.0.0.1:{issuer.server_port}/jwks")
    assert sent[0]["headers"]["Cache-Control"] == "no-cache"


@contextmanager
def watched():
    sent, original = [], resource_http.requests.get

    def spy(*args, **kwargs):
        sent.append(kwargs)
        return original(*args, **kwargs)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(resource_http.requests, "get", spy)
        yield sent


@pytest.mark.parametrize(
    "strange",
    [
        {"kty": "AKP", "alg": "ML-DSA-65", "kid": "x", "use": "sig", "pub": "AA"},
        {"kty": "EC", "alg": "ES256", "kid": "x", "crv": "P-256"},
        {"kty": "EC", "alg": "ES256", "kid": ["x"]},
        {"kty": "oct", "alg": "HS256", "kid": "x", "k": "AAAA"},
        {"kty": "RSA", "alg": "RS256", "kid": "x", "n": "AQAB", "e": "AQAB"},
        {},
    ],
)
def test_an_unusable_key_does_not_affect_the_other_keys(signing_keys, strange):
    """RFC 7517 §5: an issuer may add key types that this server does not support."""
    good = keys.published_jwks()["keys"]
    assert parse({"keys": [strange, *good]}).keys() == {key["kid"] for key in good}


def test_a_key_for_something_else_or_a_name_of_two_is_left_out(signing_keys):
    good, *_ = keys.published_jwks()["keys"]
    assert parse({"keys": [{**good, "key_ops": ["encrypt"]}]}) == {}
    assert parse({"keys": [good, good]}) == {}
