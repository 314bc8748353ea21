"""Features of OpenID Connect beyond OAuth: response modes, hints, claims, subjects, algorithms."""

import hashlib
import json
from datetime import timedelta

import jwt
import pytest
import time_machine
from bs4 import BeautifulSoup
from django.test import Client as Browser
from django.utils import timezone

from accounts.models import User
from oauth import keys
from oauth.conf import conf
from oauth.models import Authorization
from oauth.tokens import subject
from tests.lib.oauth_client import PASSWORD, allow, authorization_url, callback, decide, decoded, form_fields

pytestmark = pytest.mark.django_db


def subject_of(client, user):
    return subject.identifier(client, user.pk, pairwise_key=conf.PAIRWISE_SUBJECT_KEY)


def verified(token, audience, **options):
    """Verifies an ID token as a relying party does, and returns its payload."""
    header = jwt.get_unverified_header(token)
    key = jwt.PyJWKSet.from_dict(keys.published_jwks())[header["kid"]]
    return jwt.decode(token, key, algorithms=[header["alg"]], audience=audience, issuer=conf.ISSUER, **options)


def posted(page):
    """Returns the target and the fields of a form_post page."""
    form = BeautifulSoup(page.content, "html.parser").select_one("form")
    return form["action"], {field["name"]: field["value"] for field in form.select("input")}


# --- response modes


def test_form_post_sends_code_state_and_issuer_by_a_form(browser, mobile_app):
    page = decide(browser, browser.get(authorization_url(mobile_app, response_mode="form_post")))
    assert page.status_code == 200
    action, fields = posted(page)
    assert action == "https://app.example/callback"
    assert (fields["state"], fields["iss"]) == ("the-state", conf.ISSUER)
    assert fields["code"]
    assert "form-action 'self' https://app.example" in page["Content-Security-Policy"]
    assert page["Cache-Control"] == "no-store"
    assert b"onload" not in page.content  # the page has no inline script


def test_form_post_carries_errors_and_escapes_what_it_is_given(browser, mobile_app):
    state = '"><script>alert(1)</script>'
    page = browser.get(authorization_url(mobile_app, response_mode="form_post", scope="nonsense", state=state))
    _, fields = posted(page)
    assert (fields["error"], fields["state"], fields["iss"]) == ("invalid_scope", state, conf.ISSUER)
    assert b"<script>alert" not in page.content


@pytest.mark.parametrize("mode", ["fragment", "web_message", "fragment.jwt", "nonsense"])
def test_other_response_modes_are_refused_by_query(browser, mobile_app, mode):
    """ASVS 5.0 10.4.12, RFC 9700 §4.17: an allow-list."""
    assert callback(browser.get(authorization_url(mobile_app, response_mode=mode)))["error"] == "invalid_request"


# --- hints and claims that name the user


def test_an_id_token_hint_of_the_user_who_is_logged_in_goes_on(browser, web_app, issued):
    hint = issued(web_app, scope="openid")["id_token"]
    assert "code" in callback(
        browser.get(authorization_url(web_app, scope="openid", prompt="none", id_token_hint=hint))
    )


def test_an_id_token_hint_of_somebody_else_is_login_required(browser, web_app, issued, bob):
    hint = issued(web_app, scope="openid")["id_token"]
    of_bob = Browser()
    of_bob.post("/accounts/login/", {"login": bob.email, "password": PASSWORD})
    silent = of_bob.get(authorization_url(web_app, scope="openid", prompt="none", id_token_hint=hint))
    assert callback(silent)["error"] == "login_required"
    page = of_bob.get(authorization_url(web_app, scope="openid", id_token_hint=hint))
    assert b"expects another account" in page.content
    # Allowing the request does not avoid the check.
    assert b"expects another account" in decide(of_bob, page, "allow").content
    to_log_in = decide(of_bob, page, "switch")
    assert to_log_in["Location"].startswith("/accounts/login/")
    assert not Authorization.objects.filter(user=bob).exists()


@pytest.mark.parametrize("hint", ["nonsense", "a.b.c", None])
def test_a_hint_that_is_not_ours_is_refused(browser, web_app, service, issued, hint):
    if hint is None:  # an ID token of another client
        service.redirect_uris, service.grant_types = web_app.redirect_uris, web_app.grant_types
        service.allowed_scopes = ["openid"]
        service.save()
        hint = issued(service, scope="openid")["id_token"]
    answer = callback(browser.get(authorization_url(web_app, scope="openid", id_token_hint=hint)))
    assert answer["error"] == "invalid_request"


def test_an_access_token_is_no_hint(browser, web_app, issued):
    """ASVS 5.0 9.2.2: a token of one type must not be accepted as another type."""
    token = issued(web_app, scope="openid")["access_token"]
    answer = callback(browser.get(authorization_url(web_app, scope="openid", id_token_hint=token)))
    assert answer["error"] == "invalid_request"


@pytest.mark.parametrize("place", ["id_token", "userinfo"])
@pytest.mark.parametrize("wanted", [lambda sub: {"value": sub}, lambda sub: {"values": [sub]}], ids=["value", "values"])
def test_the_claim_sub_with_a_value_names_the_only_user_who_may_answer(
    browser, web_app, issued, alice, bob, place, wanted
):
    issued(web_app, scope="openid")

    def ask(user):
        claims = json.dumps({place: {"sub": wanted(str(user.pk))}})
        return callback(browser.get(authorization_url(web_app, scope="openid", prompt="none", claims=claims)))

    assert "code" in ask(alice)
    assert ask(bob)["error"] == "login_required"


def test_an_id_token_hint_and_a_claim_sub_of_two_users_are_refused(browser, web_app, issued, bob):
    """OpenID Connect Core §3.1.2.1, §5.5.1: only the user that both name may answer, and here there is none."""
    hint = issued(web_app, scope="openid")["id_token"]
    claims = json.dumps({"id_token": {"sub": {"value": str(bob.pk)}}})
    asked = authorization_url(web_app, scope="openid", prompt="none", claims=claims, id_token_hint=hint)
    assert callback(browser.get(asked))["error"] == "invalid_request"


def test_the_login_hint_is_filled_in(mobile_app, signing_keys):
    browser = Browser()
    to_log_in = browser.get(authorization_url(mobile_app, login_hint="alice@example.test"))
    assert b'value="alice@example.test"' in browser.get(to_log_in["Location"]).content


def test_select_account_shows_the_page_although_consent_is_remembered(browser, web_app, issued):
    issued(web_app)
    page = browser.get(authorization_url(web_app, prompt="select_account"))
    assert b"Use another account" in page.content
    assert "code" in callback(decide(browser, page))


def test_ui_locales_hold_for_that_request_only(mobile_app, web_app, alice, signing_keys):
    """OpenID Connect Core §3.1.2.1: the language applies to every page of the request and to none after it."""
    browser = Browser()
    answer = browser.get(authorization_url(mobile_app, ui_locales="xx-YY de en"))
    assert "django_language" not in answer.cookies
    login = browser.get(answer["Location"])
    assert b'lang="de"' in login.content
    back = browser.post(answer["Location"], {"login": alice.email, "password": PASSWORD})
    consent = browser.get(back["Location"])
    assert b'lang="de"' in consent.content
    assert User.objects.get(pk=alice.pk).language == "en-gb"  # emails are in the language of the user
    assert callback(decide(browser, consent))["code"]
    assert b'lang="en' in browser.get("/").content
    assert not any(cookie.value for name, cookie in browser.cookies.items() if name.startswith("ui_locales"))


def test_each_waiting_request_has_its_own_language(mobile_app, web_app, signing_keys):
    """Parallel tabs: the language of one tab affects neither the other tab nor the site."""
    browser = Browser()
    german = browser.get(authorization_url(mobile_app, ui_locales="de"))["Location"]
    chinese = browser.get(authorization_url(web_app, ui_locales="zh-Hans", scope="openid profile"))["Location"]
    own = browser.get(authorization_url(web_app, scope="openid"))["Location"]
    for _ in range(2):
        assert b'lang="de"' in browser.get(german).content
        assert b'lang="zh-hans"' in browser.get(chinese).content.lower()
        assert b'lang="en' in browser.get(own).content
        assert b'lang="en' in browser.get("/").content
        assert b'lang="en' in browser.get("/accounts/login/").content
    wrong = browser.post(german, {"login": "nobody@example.test", "password": "a wrong password"})
    assert b'lang="de"' in wrong.content


def test_a_consent_form_that_is_asked_again_keeps_the_language(browser, mobile_app, web_app):
    page = browser.get(authorization_url(mobile_app, ui_locales="de"))
    assert b'lang="de"' in page.content
    browser.get(authorization_url(web_app, scope="openid profile", ui_locales="zh-Hans"))
    again = browser.get(f"/oauth/authorize?interaction={form_fields(page.content)['interaction']}")
    assert b'lang="de"' in again.content


def test_the_users_own_choice_wins_over_ui_locales(mobile_app, signing_keys):
    browser = Browser()
    login = browser.get(authorization_url(mobile_app, ui_locales="de"))["Location"]
    browser.post("/language", {"language": "zh-hans", "next": login})
    assert b'lang="zh-hans"' in browser.get(login).content.lower()


def test_ui_locales_of_a_refusal_leave_nothing_behind(browser, mobile_app):
    callback(browser.get(authorization_url(mobile_app, ui_locales="de", prompt="none")))
    assert b'lang="en' in browser.get("/").content
    browser.cookies["ui_locales-x"] = "nonsense'"
    assert browser.get("/oauth/authorize?interaction=x").status_code == 400


# --- claims


def test_claims_asked_for_by_name_are_told_shown_and_given(browser, web_app, token_endpoint):
    """OpenID Connect Core §5.5."""
    claims = json.dumps({"id_token": {"email": {"essential": True}, "nickname": None}, "userinfo": {"name": None}})
    page = browser.get(authorization_url(web_app, scope="openid", claims=claims))
    assert b"See your email address" in page.content
    assert b"See your name" in page.content
    body = token_endpoint.redeem(web_app, callback(decide(browser, page))["code"]).json()
    id_token = verified(body["id_token"], web_app.client_id)
    assert id_token["email"] == "alice@example.test"
    assert "name" not in id_token
    userinfo = browser.get("/oauth/userinfo", headers={"Authorization": f"Bearer {body['access_token']}"}).json()
    assert userinfo["name"] == "Alice Archer"
    assert "email" not in userinfo


def test_claims_need_their_own_consent(browser, web_app, issued):
    issued(web_app, scope="openid")
    assert "code" in callback(browser.get(authorization_url(web_app, scope="openid")))
    claims = '{"userinfo": {"email": null}}'
    asked = browser.get(authorization_url(web_app, scope="openid", claims=claims))
    assert asked.status_code == 200
    decide(browser, asked)
    assert "code" in callback(browser.get(authorization_url(web_app, scope="openid", claims=claims)))
    assert browser.get(authorization_url(web_app, scope="openid email")).status_code == 200


def test_a_client_without_the_scope_does_not_get_the_claim(browser, web_app, token_endpoint):
    web_app.allowed_scopes = ["openid"]
    web_app.save()
    code = allow(browser, web_app, scope="openid", claims='{"id_token": {"email": null}}')
    assert "email" not in decoded(token_endpoint.redeem(web_app, code).json()["id_token"])


@pytest.mark.parametrize(
    "claims",
    ["", "nonsense", "[]", "1", '{"id_token": []}', '{"id_token": {"email": 1}}', "{" * 5000,
     '{"id_token": {"sub": {"value": 1}}}', '{"id_token": {"sub": {"value": "\\ud800"}}}',
     '{"id_token": {"acr": {"essential": true, "values": [1]}}}',
     '{"id_token": {"sub": {"values": ["one", "another"]}}}', '{"id_token": {"sub": {"values": "one"}}}',
     '{"id_token": {"sub": {"value": "one"}}, "userinfo": {"sub": {"value": "another"}}}'],
)  # fmt: skip
def test_broken_claims_are_told_to_the_client(browser, web_app, claims):
    answer = browser.get(authorization_url(web_app, scope="openid", claims=claims))
    if claims:
        assert callback(answer)["error"] == "invalid_request"
    else:  # RFC 6749 §3.1: an empty parameter is an absent one
        assert answer.status_code == 200


def test_an_essential_acr_that_is_not_met_is_an_error_and_a_voluntary_one_is_not(browser, web_app):
    """OpenID Connect Core §5.5.1.1."""
    mfa = "urn:countersign:acr:mfa"
    claims = json.dumps({"id_token": {"acr": {"essential": True, "values": [mfa]}}})
    answer = callback(browser.get(authorization_url(web_app, scope="openid", claims=claims)))
    assert answer["error"] == "unmet_authentication_requirements"
    assert browser.get(authorization_url(web_app, scope="openid", acr_values=mfa)).status_code == 200


# --- subjects and algorithms


@pytest.fixture
def pairwise(web_app):
    web_app.subject_type = "pairwise"
    web_app.save()
    return web_app


def test_a_pairwise_client_knows_the_user_by_a_subject_of_its_own(pairwise, issued, browser, alice):
    """OpenID Connect Core §8.1: the subject is the same in ID token, UserInfo and introspection, and is not the user's
    id.
    """
    body = issued(pairwise, scope="openid")
    expected = subject_of(pairwise, alice)
    assert expected != str(alice.pk)
    assert verified(body["id_token"], pairwise.client_id)["sub"] == expected
    bearer = {"Authorization": f"Bearer {body['access_token']}"}
    assert browser.get("/oauth/userinfo", headers=bearer).json()["sub"] == expected


def test_pairwise_subjects_are_stable_and_differ_by_sector(pairwise, service, alice, bob):
    service.subject_type, service.redirect_uris = "pairwise", "https://other.example/callback"
    assert subject_of(pairwise, alice) == subject_of(pairwise, alice)
    assert len({subject_of(client, user) for client in (pairwise, service) for user in (alice, bob)}) == 4
    service.redirect_uris = pairwise.redirect_uris  # the same sector gives the same subject
    assert subject_of(pairwise, alice) == subject_of(service, alice)


def test_pairwise_needs_its_secret(pairwise, alice, settings):
    settings.OAUTH = {**settings.OAUTH, "PAIRWISE_SUBJECT_KEY": ""}
    with pytest.raises(ValueError, match="PAIRWISE_SUBJECT_KEY"):
        subject_of(pairwise, alice)


@pytest.mark.parametrize("algorithm", ["RS256", "ES256", "PS256", "EdDSA"])
def test_the_client_chooses_the_signature_of_its_id_tokens(web_app, issued, algorithm):
    web_app.id_token_signed_response_alg = algorithm
    web_app.save()
    body = issued(web_app, scope="openid", nonce="n-0S6")
    assert jwt.get_unverified_header(body["id_token"])["alg"] == algorithm
    claims = verified(body["id_token"], web_app.client_id)
    hashed = (hashlib.sha512 if algorithm == "EdDSA" else hashlib.sha256)(body["access_token"].encode()).digest()
    assert claims["at_hash"] == jwt.utils.base64url_encode(hashed[: len(hashed) // 2]).decode()
    assert claims["nonce"] == "n-0S6"
    assert {"auth_time", "acr", "amr", "azp", "sid"} <= claims.keys()


def test_userinfo_is_signed_where_the_client_wants_it(web_app, issued, browser):
    """OpenID Connect Core §5.3.2."""
    web_app.userinfo_signed_response_alg = "ES256"
    web_app.save()
    token = issued(web_app, scope="openid email")["access_token"]
    answer = browser.get("/oauth/userinfo", headers={"Authorization": f"Bearer {token}"})
    assert answer["Content-Type"] == "application/jwt"
    claims = verified(answer.content.decode(), web_app.client_id)
    assert (claims["email"], claims["email_verified"]) == ("alice@example.test", True)


def test_userinfo_takes_the_token_from_a_form_but_once_and_never_from_the_url(web_app, issued, browser):
    """RFC 6750 §2.2, §2.3; OpenID Connect Core §5.3.1."""
    token = issued(web_app, scope="openid")["access_token"]
    form = {"content_type": "application/x-www-form-urlencoded"}
    assert browser.post("/oauth/userinfo", f"access_token={token}", **form).status_code == 200
    twice = {"headers": {"Authorization": f"Bearer {token}"}}
    assert browser.post("/oauth/userinfo", f"access_token={token}", **form, **twice).status_code == 400
    assert browser.get(f"/oauth/userinfo?access_token={token}").status_code == 401


def test_a_client_may_ask_for_fresh_log_ins_by_default(browser, web_app):
    """OpenID Connect Registration §2: default_max_age."""
    web_app.default_max_age = 30
    web_app.save()
    assert browser.get(authorization_url(web_app)).status_code == 200
    with time_machine.travel(timezone.now() + timedelta(seconds=60)):
        answer = browser.get(authorization_url(web_app))
        assert answer["Location"].startswith("/accounts/reauthenticate/")
        assert browser.get(authorization_url(web_app, max_age="3600")).status_code == 200
