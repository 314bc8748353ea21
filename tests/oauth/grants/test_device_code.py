"""The device flow (RFC 8628): a device requests a code, the user decides in a browser, and the device gets its tokens
once.
"""

from datetime import timedelta

import pytest
import time_machine
from allauth.mfa.models import Authenticator
from bs4 import BeautifulSoup
from django.test import Client as Browser
from django.utils import timezone

from oauth.conf import conf
from oauth.models import Authorization, DeviceCode, RefreshToken
from tests.lib.device import FORM, begin, decide, poll, type_code
from tests.lib.hosts import on_host
from tests.lib.oauth_client import PASSWORD, TokenEndpoint
from tests.lib.registered import make_client
from tests.lib.threads import in_parallel

pytestmark = pytest.mark.django_db


def error(answer):
    assert answer.status_code == 400, answer.content
    return answer.json()["error"]


def test_the_whole_story(browser, television, alice):
    answer = begin(television)
    assert answer.status_code == 200
    asked = answer.json()
    assert asked["verification_uri"] == f"{conf.ISSUER}/oauth/device"
    assert (asked["interval"], asked["expires_in"]) == (5, 600)
    assert error(poll(television, asked["device_code"])) == "authorization_pending"
    link = asked["verification_uri_complete"].removeprefix(conf.ISSUER)
    filled_in = BeautifulSoup(browser.get(link).content, "html.parser").select_one("#user-code")["value"]
    assert filled_in == asked["user_code"]
    page = type_code(browser, asked["user_code"].lower().replace("-", " "))
    text = page.content.decode()
    for shown in ("Living-room TV", asked["user_code"], "See your accounts", alice.email):
        assert shown in text
    assert "is connected" in decide(browser, page).content.decode()
    with time_machine.travel(timezone.now() + timedelta(seconds=6)):
        tokens = poll(television, asked["device_code"])
    body = tokens.json()
    assert tokens.status_code == 200
    assert body["scope"] == "accounts:read openid"
    assert body["id_token"]
    assert Authorization.objects.get().user == alice
    assert error(poll(television, asked["device_code"])) == "invalid_grant"  # once
    assert TokenEndpoint().refresh(television, body["refresh_token"]).status_code == 200


def test_only_digests_are_stored(television):
    assert begin(television).json()["device_code"] not in str(DeviceCode.objects.values())


def test_a_page_that_has_named_the_app_otherwise_is_shown_again(browser, television):
    """ASVS 5.0 10.7.1: the client is renamed while the page is open."""
    asked = begin(television).json()
    page = type_code(browser, asked["user_code"])
    television.name = "Someone Else"
    television.save()
    again = decide(browser, page)
    assert (again.status_code, Authorization.objects.count()) == (400, 0)
    assert "Someone Else" in again.content.decode()
    assert "is connected" in decide(browser, again).content.decode()


def test_a_second_click_shows_the_decision_again(browser, bob, television):
    asked = begin(television).json()
    page = type_code(browser, asked["user_code"])
    for _ in range(2):
        assert "is connected" in decide(browser, page).content.decode()
    assert Authorization.objects.count() == 1
    of_bob = Browser()
    of_bob.post("/accounts/login/", {"login": bob.email, "password": PASSWORD})
    for decision in ("allow", "deny"):
        assert decide(of_bob, page, decision).status_code == 404
    assert Authorization.objects.get().is_live


@pytest.mark.parametrize("is_polled", [False, True])
def test_a_user_who_goes_back_and_denies_ends_the_access(browser, television, is_polled):
    asked = begin(television).json()
    page = type_code(browser, asked["user_code"])
    decide(browser, page)
    if is_polled:
        assert poll(television, asked["device_code"]).status_code == 200
    assert "not connected" in decide(browser, page, "deny").content.decode()
    assert "not connected" in decide(browser, page).content.decode(), "the way to allow it is a new code"
    assert not Authorization.objects.get().is_live
    assert error(poll(television, asked["device_code"])) == ("invalid_grant" if is_polled else "access_denied")


def test_a_code_may_be_typed_in_wide_letters(browser, television):
    """RFC 8628 §6.1. East Asian keyboards write such letters."""
    code = begin(television).json()["user_code"]
    wide = "".join(chr(ord(letter) + 0xFEE0) for letter in code)
    assert type_code(browser, wide).status_code == 200


def test_denying_is_told_to_the_device(browser, television):
    asked = begin(television).json()
    page = decide(browser, type_code(browser, asked["user_code"]), "deny")
    assert "not connected" in page.content.decode()
    assert error(poll(television, asked["device_code"])) == "access_denied"
    assert not Authorization.objects.exists()
    assert type_code(browser, asked["user_code"]).status_code == 404


@pytest.mark.parametrize("seconds_ahead", [25, -25, 120, -120])
def test_a_device_whose_polls_reach_different_hosts_keeps_its_interval(television, seconds_ahead):
    code = begin(television).json()["device_code"]
    with time_machine.travel(timezone.now()) as clock:
        for ahead in (0, seconds_ahead, 0, seconds_ahead):
            with on_host(seconds_ahead=ahead):
                assert error(poll(television, code)) == "authorization_pending"
            clock.shift(6)


def test_asking_too_often_slows_the_device_down(television):
    """RFC 8628 §3.5."""
    code = begin(television).json()["device_code"]
    with time_machine.travel(timezone.now(), tick=False) as clock:
        assert error(poll(television, code)) == "authorization_pending"
        clock.shift(4)
        assert error(poll(television, code)) == "slow_down"
        clock.shift(6)
        assert error(poll(television, code)) == "slow_down"  # the interval is now 10 seconds
        clock.shift(16)
        assert error(poll(television, code)) == "authorization_pending"


def test_a_client_that_always_wants_a_recent_login_gets_one(browser, television):
    """OpenID Connect Registration §2: default_max_age, although a device sends no max_age."""
    television.default_max_age = 30
    television.save()
    assert type_code(browser, begin(television).json()["user_code"]).status_code == 200
    with time_machine.travel(timezone.now() + timedelta(seconds=60)):
        user_code = begin(television).json()["user_code"]
        for fields in ({}, {"decision": "allow", "choice-0": "all"}):
            answer = type_code(browser, user_code, **fields)
            assert answer.status_code == 303
            assert answer["Location"] == f"/accounts/reauthenticate/?next=/oauth/device%3Fuser_code%3D{user_code}"
        assert not Authorization.objects.exists()
        assert type_code(browser, user_code, decision="deny").status_code == 200


def test_a_client_that_prefers_a_stronger_login_gets_one_if_the_user_has_it(browser, television, alice):
    """OpenID Connect Registration §2: default_acr_values."""
    television.default_acr_values = ["urn:countersign:acr:mfa"]
    television.save()
    user_code = begin(television).json()["user_code"]
    assert type_code(browser, user_code).status_code == 200
    Authenticator.objects.create(user=alice, type=Authenticator.Type.TOTP, data={})
    assert type_code(browser, user_code)["Location"].startswith("/accounts/stronger/?next=%2Foauth%2Fdevice")


def test_a_code_expires(browser, television):
    asked = begin(television).json()
    with time_machine.travel(timezone.now() + timedelta(minutes=11)):
        assert error(poll(television, asked["device_code"])) == "expired_token"
        assert type_code(browser, asked["user_code"]).status_code == 404


def test_another_user_cannot_take_it_over(browser, bob, television):
    """django-oauth-toolkit #1819."""
    asked = begin(television).json()
    page = type_code(browser, asked["user_code"])
    of_bob = Browser()
    of_bob.post("/accounts/login/", {"login": bob.email, "password": PASSWORD})
    assert type_code(of_bob, asked["user_code"]).status_code == 404
    assert decide(of_bob, page).status_code == 404
    assert not Authorization.objects.exists()
    assert decide(browser, page).status_code == 200


@pytest.mark.usefixtures("clock_stands")
def test_guessing_codes_is_stopped(browser, television):
    """RFC 8628 §5.1: after ten wrong codes, even the right one is refused."""
    asked = begin(television).json()
    for _ in range(10):
        assert type_code(browser, "BBBB-BBBB").status_code == 404
    assert type_code(browser, asked["user_code"]).status_code == 429
    with time_machine.travel(timezone.now() + timedelta(minutes=11)):
        assert type_code(browser, begin(television).json()["user_code"]).status_code == 200


def test_a_device_code_is_its_clients(browser, television, mobile_app):
    other = make_client("device", name="Other", redirect_uris="")
    other.save()
    asked = begin(television).json()
    decide(browser, type_code(browser, asked["user_code"]))
    assert error(poll(other, asked["device_code"])) == "invalid_grant"
    assert error(poll(mobile_app, asked["device_code"])) == "unauthorized_client"
    assert error(poll(television, "unknown")) == "invalid_grant"


@pytest.mark.parametrize(("scope", "expected"), [("webhooks:manage", "invalid_scope"), ("", "invalid_scope")])
def test_scopes_are_those_of_the_client(television, scope, expected):
    assert error(begin(television, scope)) == expected


def test_a_client_without_the_grant_cannot_begin(mobile_app, signing_keys):
    assert error(begin(mobile_app)) == "unauthorized_client"


def test_a_deactivated_user_lets_nothing_in(browser, alice, television):
    asked = begin(television).json()
    decide(browser, type_code(browser, asked["user_code"]))
    alice.is_active = False
    alice.save()
    assert error(poll(television, asked["device_code"])) == "invalid_grant"


def test_the_page_needs_a_log_in_and_its_csrf_token(client, browser, television):
    assert client.get("/oauth/device")["Location"].startswith("/accounts/login/")
    strict = Browser(enforce_csrf_checks=True)
    strict.cookies = browser.cookies
    asked = begin(television).json()
    assert type_code(strict, asked["user_code"], decision="allow").status_code == 403
    assert not Authorization.objects.exists()


@pytest.mark.parametrize(
    "body", ["", "user_code=", "user_code=%00", "user_code=a&user_code=b", "user_code=" + "B" * 9000]
)
def test_malformed_codes_are_refused_in_plain_words(browser, body):
    page = browser.post("/oauth/device", body, content_type=FORM)
    assert page.status_code in (400, 404)
    assert "does not work" in page.content.decode()


@pytest.mark.django_db(transaction=True)
def test_parallel_polls_get_one_set_of_tokens(browser, television):
    asked = begin(television).json()
    decide(browser, type_code(browser, asked["user_code"]))
    answers = in_parallel(*[lambda: poll(television, asked["device_code"])] * 6)
    assert sorted(answer.status_code for answer in answers) == [200] + [400] * 5
    assert RefreshToken.objects.count() == 1


def test_the_page_says_where_the_device_asks_from(browser, television):
    """RFC 8628 §5.4: a code that was requested from far away is suspicious."""
    near = begin(television).json()["user_code"]
    assert "the same network as you" in type_code(browser, near).content.decode()
    body = f"client_id={television.client_id}&scope=accounts:read"
    far = Browser(REMOTE_ADDR="203.0.113.9").post("/oauth/device_authorization", body, content_type=FORM).json()
    page = type_code(browser, far["user_code"]).content.decode()
    assert "203.0.113.9" in page
    assert "a different network" in page


@pytest.mark.parametrize(
    ("seconds", "shown"), [(0, "less than a minute ago"), (59, "less than a minute ago"), (125, "2\xa0minutes ago")]
)
def test_the_page_says_how_long_ago_the_device_asked(browser, television, seconds, shown):
    with time_machine.travel(timezone.now(), tick=False) as now:
        user_code = begin(television).json()["user_code"]
        now.shift(timedelta(seconds=seconds))
        page = BeautifulSoup(type_code(browser, user_code).content, "html.parser")
    assert page.find("dt", string="Asked").find_next_sibling("dd").text == shown


def test_what_is_unticked_on_the_page_the_device_does_not_get(browser, television):
    """ASVS 10.7.2."""
    asked = begin(television, scope="accounts:read email").json()
    answer = type_code(browser, asked["user_code"], decision="allow")
    assert answer.status_code == 200
    issued = poll(television, asked["device_code"]).json()
    assert issued["scope"] == "accounts:read"
