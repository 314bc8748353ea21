"""A family of refresh tokens keeps only a few rows, but recognizes every token that it ever had (RFC 9700 §4.14.2)."""

from datetime import timedelta
from urllib.parse import urlencode

import pytest
import time_machine
from django.test import Client as Browser
from django.utils import timezone

from oauth.models import Authorization, RefreshToken
from oauth.models.family_secret import FamilySecret

pytestmark = pytest.mark.django_db
ROTATIONS = 12
FORM = "application/x-www-form-urlencoded"


@pytest.fixture
def clock():
    with time_machine.travel(timezone.now(), tick=False) as clock:
        yield clock


@pytest.fixture
def generations(issued, mobile_app, token_endpoint, clock):
    """Returns all tokens of a family in their order. Only the last one can be used."""
    tokens = [issued(mobile_app, scope="accounts:read offline_access")["refresh_token"]]
    for _ in range(ROTATIONS):
        clock.shift(timedelta(minutes=10))
        tokens.append(token_endpoint.refresh(mobile_app, tokens[-1]).json()["refresh_token"])
    return tokens


@pytest.fixture(params=["fast", "under the lock"])
def path(request, monkeypatch):
    if request.param == "under the lock":
        monkeypatch.setattr("oauth.fast_path.is_on", lambda: False)


def test_rotation_keeps_two_rows(path, generations):
    assert RefreshToken.objects.count() == 2
    assert RefreshToken.objects.latest("id").generation == ROTATIONS


@pytest.mark.parametrize("generation", [0, 1, 6, 10, 11])
def test_reuse_of_any_generation_ends_the_authorization(
    path, generations, mobile_app, token_endpoint, clock, generation
):
    clock.shift(timedelta(minutes=10))
    answer = token_endpoint.refresh(mobile_app, generations[generation])
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")
    assert Authorization.objects.get().revocation_reason == "refresh_replay"
    assert token_endpoint.refresh(mobile_app, generations[-1]).json()["error"] == "invalid_grant"


def test_the_refusal_does_not_tell_whether_the_token_was_ever_known(generations, mobile_app, token_endpoint):
    unknown = FamilySecret.new(Authorization.objects.get().pk).new_token()
    refused = [token_endpoint.refresh(mobile_app, token).json() for token in (unknown, generations[0])]
    texts = [(one["error"], one["error_description"].partition(" (error id")[0]) for one in refused]
    assert texts[0] == texts[1]


def test_a_retry_within_the_window_works_after_many_rotations(path, generations, mobile_app, token_endpoint, clock):
    clock.shift(timedelta(seconds=20))
    assert token_endpoint.refresh(mobile_app, generations[-1]).status_code == 200
    clock.shift(timedelta(seconds=30))
    assert token_endpoint.refresh(mobile_app, generations[-2]).status_code == 200


def test_a_token_of_another_family_of_this_authorization_is_unknown(generations, mobile_app, token_endpoint):
    """The id of the authorization is not a secret: it alone must end nothing."""
    forged = FamilySecret.new(Authorization.objects.get().pk).new_token()
    assert token_endpoint.refresh(mobile_app, forged).json()["error"] == "invalid_grant"
    assert token_endpoint.refresh(mobile_app, generations[-1]).status_code == 200


@pytest.mark.parametrize("damage", [slice(0, -1), slice(0, 50), slice(1, None), slice(0, 0)])
def test_a_damaged_token_is_no_reuse(generations, mobile_app, token_endpoint, damage):
    whole = generations[-1]
    for damaged in {f"{whole[damage]}A", whole[damage] or "x", f"{whole}A", whole.swapcase()} - {whole}:
        assert token_endpoint.refresh(mobile_app, damaged).status_code == 400
    assert token_endpoint.refresh(mobile_app, whole).status_code == 200


def test_a_token_with_other_unused_bits_is_no_reuse(generations):
    whole = generations[-1]
    for last in set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") - {whole[-1]}:
        assert FamilySecret.read(whole[:-1] + last) is None
    assert FamilySecret.read(whole) is not None


def test_another_client_ends_nothing_with_an_old_token(generations, mobile_app, web_app, token_endpoint):
    assert token_endpoint.refresh(web_app, generations[0]).json()["error"] == "invalid_grant"
    assert token_endpoint.refresh(mobile_app, generations[-1]).status_code == 200


def test_a_client_ends_its_access_with_an_old_token(generations, mobile_app):
    """RFC 7009 §2.1."""
    form = urlencode({"token": generations[0], "client_id": mobile_app.client_id})
    assert Browser().post("/oauth/revoke", form, content_type=FORM).status_code == 200
    assert Authorization.objects.get().revocation_reason == "client"


def test_tokens_of_the_release_before_stay_and_are_recognised(issued, mobile_app, token_endpoint, clock):
    first = issued(mobile_app, scope="accounts:read offline_access")["refresh_token"]
    RefreshToken.objects.update(family_digest=None)
    token = first
    for _ in range(3):
        token = token_endpoint.refresh(mobile_app, token).json()["refresh_token"]
        clock.shift(timedelta(minutes=10))
    assert sorted(RefreshToken.objects.values_list("generation", flat=True)) == [0, 2, 3]
    assert token_endpoint.refresh(mobile_app, first).json()["error"] == "invalid_grant"
    assert Authorization.objects.get().revocation_reason == "refresh_replay"
