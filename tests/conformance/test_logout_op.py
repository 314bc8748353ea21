"""The plans “RP-Initiated Logout OP” and “Back-Channel Logout OP”, by their modules' names."""

from urllib.parse import parse_qs, urlencode

import jwt
import pytest
from procrastinate.contrib.django.models import ProcrastinateJob

from oauth import tasks
from oauth.conf import conf
from tests.lib.oauth_client import form_fields
from tests.lib.relying_party import path

pytestmark = pytest.mark.django_db

FORM = "application/x-www-form-urlencoded"
AFTER = "https://rp.example/logged-out"


@pytest.fixture
def rp(register):
    return register(post_logout_redirect_uris=[AFTER])


@pytest.fixture
def hint(rp, browser):
    return rp.tokens(browser)["id_token"]


def end(rp, browser, **parameters):
    return browser.get(f"{path(rp.metadata['end_session_endpoint'])}?{urlencode(parameters)}")


def is_logged_in(rp, browser):
    return "code" in rp.authorize(browser, prompt="none")


def asks_and_goes_nowhere(browser, page):
    """RP-Initiated Logout §4: after an invalid request, the user may log out but is not redirected."""
    assert b"Log out?" in page.content
    answer = browser.post(
        "/oauth/logout", urlencode({**form_fields(page.content), "decision": "logout"}), content_type=FORM
    )
    assert b"You are logged out" in answer.content
    assert "Location" not in answer


def test_oidcc_rp_initiated_logout(rp, browser, hint):
    answer = end(rp, browser, id_token_hint=hint, post_logout_redirect_uri=AFTER, state="s1")
    assert answer["Location"] == f"{AFTER}?state=s1"
    assert not is_logged_in(rp, browser)


def test_oidcc_rp_initiated_logout_no_state(rp, browser, hint):
    assert end(rp, browser, id_token_hint=hint, post_logout_redirect_uri=AFTER)["Location"] == AFTER


def test_oidcc_rp_initiated_logout_no_params(rp, browser, hint):
    assert end(rp, browser).status_code == 200


def test_oidcc_rp_initiated_logout_only_state(rp, browser, hint):
    answer = end(rp, browser, state="s1")
    assert answer.status_code == 200
    assert "Location" not in answer


def test_oidcc_rp_initiated_logout_no_post_logout_redirect_uri(rp, browser, hint):
    answer = end(rp, browser, id_token_hint=hint, state="s1")
    assert answer.status_code == 200
    assert not is_logged_in(rp, browser)


@pytest.mark.parametrize("uri", ["https://rp.example/other", f"{AFTER}?foo=bar", "https://evil.example/"])
def test_oidcc_rp_initiated_logout_bad_post_logout_redirect_uri(rp, browser, hint, uri):
    """Also oidcc-rp-initiated-logout-query-added-to-post-logout-redirect-uri."""
    asks_and_goes_nowhere(browser, end(rp, browser, id_token_hint=hint, post_logout_redirect_uri=uri))
    assert not is_logged_in(rp, browser)


def test_oidcc_rp_initiated_logout_bad_id_token_hint(rp, browser, hint):
    """Also oidcc-rp-initiated-logout-modified-id-token-hint."""
    head, payload, signature = hint.split(".")
    # Another signature in canonical form, so that only its verification can refuse it.
    forged = ("B" if signature[0] == "A" else "A") + signature[1:]
    for wrong in ("nonsense", f"{head}.{payload}.{forged}", f"{head}.e30.{signature}"):
        page = end(rp, browser, id_token_hint=wrong, post_logout_redirect_uri=AFTER)
        assert b"Log out?" in page.content
        assert is_logged_in(rp, browser)
    asks_and_goes_nowhere(browser, page)


def test_oidcc_rp_initiated_logout_no_id_token_hint(rp, browser, hint):
    """Without a valid hint, the user is asked. Without a client, there is no redirect."""
    page = end(rp, browser, post_logout_redirect_uri=AFTER)
    assert is_logged_in(rp, browser)
    asks_and_goes_nowhere(browser, page)


def test_oidcc_rp_initiated_logout_other_state(rp, browser, hint):
    answer = end(rp, browser, id_token_hint=hint, post_logout_redirect_uri=AFTER, state="a b&c=d")
    assert parse_qs(answer["Location"].partition("?")[2])["state"] == ["a b&c=d"]


def test_oidcc_backchannel_logout_rp_initiated(register, browser, listener):
    """oidcc-backchannel-rp-initiated-logout: signature, typ, iss, aud, iat, exp, jti, events, sub, sid, no nonce."""
    rp = register(post_logout_redirect_uris=[AFTER], backchannel_logout_uri=listener.url("/backchannel"))
    assert rp.metadata["backchannel_logout_supported"] is True
    assert rp.metadata["backchannel_logout_session_supported"] is True
    body = rp.tokens(browser)
    end(rp, browser, id_token_hint=body["id_token"], post_logout_redirect_uri=AFTER)
    for job in ProcrastinateJob.objects.filter(queue_name="notifications"):
        tasks.tell_client_of_logout(**job.args)
    token = parse_qs(listener.received[0][2].decode())["logout_token"][0]
    claims = rp.verified(token)
    assert jwt.get_unverified_header(token)["typ"] == "logout+jwt"
    assert claims["events"] == {"http://schemas.openid.net/event/backchannel-logout": {}}
    assert (claims["sub"], claims["sid"]) == (body["claims"]["sub"], body["claims"]["sid"])
    assert claims["exp"] - claims["iat"] <= 120
    assert claims["jti"]
    assert "nonce" not in claims
    assert claims["iss"] == conf.ISSUER
