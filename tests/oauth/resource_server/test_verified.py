"""A token that was verified before is recognized, but everything that may have changed since is checked again."""

from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone
from rest_framework.test import APIClient

from oauth import keys
from oauth.conf import conf
from oauth.infrastructure import caches
from oauth.keys import rotation
from oauth.models import Authorization
from oauth.resource_server import verified
from oauth.resource_server.authentication import verify_access_token
from oauth.tokens.verification import VerifyingBackend
from tests.lib.signing_keys import after_an_emergency


@pytest.fixture
def decodings(monkeypatch):
    """Records how often a token was verified completely."""
    calls = []
    decode = VerifyingBackend.decode

    def counted(self, token):
        calls.append(token)
        return decode(self, token)

    monkeypatch.setattr(VerifyingBackend, "decode", counted)
    return calls


@pytest.fixture
def read(signing_keys):
    def send(token):
        return APIClient().get("/api/v1/accounts", headers={"Authorization": f"Bearer {token}"})

    return send


def test_a_token_is_verified_once(read, access_token, alice, decodings):
    token = access_token(alice, "accounts:read")
    assert [read(token).status_code for _ in range(3)] == [200] * 3
    assert len(decodings) == 1


def test_another_token_is_verified_separately(read, access_token, alice, decodings):
    assert read(access_token(alice, "accounts:read")).status_code == 200
    assert read(access_token(alice, "balances:read")).status_code == 403
    assert len(decodings) == 2


def test_a_token_with_a_changed_character_is_refused_despite_the_cache(read, access_token, alice):
    token = access_token(alice, "accounts:read")
    assert read(token).status_code == 200
    header, payload, signature = token.split(".")
    for changed in (f"{token}A", token[:-1], f"{header}.{payload}.{signature.swapcase()}", f"{header}.{payload}."):
        assert read(changed).status_code == 401


def test_it_ends_when_it_expires(read, access_token, alice):
    token = access_token(alice, "accounts:read")
    assert read(token).status_code == 200
    with time_machine.travel(timezone.now() + conf.ACCESS_TOKEN_LIFETIME + conf.CLOCK_SKEW + timedelta(seconds=1)):
        assert read(token).status_code == 401


def test_it_ends_with_the_key_that_signed_it(read, access_token, alice):
    """ASVS 5.0 11.1.1: a compromised key must be removed."""
    token = access_token(alice, "accounts:read")
    assert read(token).status_code == 200
    rotation.replace_now(conf.SIGNING_ALGORITHM)
    with after_an_emergency():
        assert read(token).status_code == 401


def test_it_ends_with_its_authorization(issued, mobile_app, read):
    token = issued(mobile_app)["access_token"]
    assert read(token).status_code == 200
    Authorization.objects.get().revoke(Authorization.RevocationReason.USER)

    caches.clear()
    assert read(token).status_code == 401


def test_a_token_for_one_audience_is_none_for_another(access_token, alice, signing_keys):
    token = access_token(alice, "accounts:read")
    assert verify_access_token(token, audiences=conf.audiences)
    with pytest.raises(Exception, match="audience"):
        verify_access_token(token, audiences=["https://other.example"])


def test_so_many_are_kept_and_no_more(read, access_token, alice, settings):
    settings.OAUTH = {**settings.OAUTH, "VERIFIED_TOKENS_KEPT": 3}
    for _ in range(5):
        assert read(access_token(alice, "accounts:read")).status_code == 200
    assert len(verified.verified_tokens) == 3


def test_none_is_kept_where_the_site_says_so(read, access_token, alice, settings, decodings):
    settings.OAUTH = {**settings.OAUTH, "VERIFIED_TOKENS_KEPT": 0}
    token = access_token(alice, "accounts:read")
    assert [read(token).status_code for _ in range(2)] == [200, 200]
    assert len(decodings) == 2
    assert len(verified.verified_tokens) == 0


def test_a_key_that_comes_back_is_not_the_one_that_was(access_token, alice, signing_keys, decodings):
    """The key set is read again every minute. After that, each token is verified completely once."""
    token = access_token(alice, "accounts:read")
    verify_access_token(token, audiences=conf.audiences)
    keys.ring.forget()
    verify_access_token(token, audiences=conf.audiences)
    assert len(decodings) == 2
