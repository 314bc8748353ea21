"""CIBA (OpenID Connect CIBA Core 1.0, poll and ping; FAPI-CIBA): a client asks a user at another device."""

import json
import re
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from urllib.parse import urlencode

import pytest
import time_machine
from allauth.mfa.models import Authenticator
from bs4 import BeautifulSoup
from django.core import mail
from django.core.exceptions import ValidationError
from django.db import connection
from django.test import Client as Browser
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from oauth.authorize import backchannel_notices
from oauth.conf import conf
from oauth.infrastructure import outbound
from oauth.models import Authorization, BackchannelRequest
from tests.lib.ciba import FORM, GRANT, ask, decide, poll
from tests.lib.client_keys import ClientKey, by
from tests.lib.dpop import proof
from tests.lib.oauth_client import PASSWORD, decoded
from tests.lib.registered import make_client

pytestmark = pytest.mark.django_db
KEY = ClientKey("ES256")
# Texts that a mail program would turn into links.
LINKS = [
    "https://evil.example/x", "See HTTP://1.2.3.4", "log in at evil.com", "evil.example/login now", "www.evil",
    "write to a@b", "mailto:a", "evil\uff0ecom", "evil\u3002com", "evil.xn--p1ai", "call tel:123", "1.2.3.4", "банк.рф",
]  # fmt: skip


def test_the_whole_story_by_polling(browser, call_centre, token_endpoint):
    asked = ask(call_centre).json()
    assert (asked["interval"], asked["expires_in"]) == (5, 300)
    assert poll(token_endpoint, call_centre, asked["auth_req_id"]).json()["error"] == "authorization_pending"
    page = browser.get("/oauth/requests").content.decode()
    assert all(text in page for text in ("Call Centre", "W4SCT", "See your accounts"))
    assert decide(browser).status_code == 303
    tokens = poll(token_endpoint, call_centre, asked["auth_req_id"]).json()
    assert tokens["scope"] == "accounts:read openid"
    claims = decoded(tokens["id_token"])
    assert claims["amr"] == ["pwd"]
    assert token_endpoint.refresh(call_centre, tokens["refresh_token"]).status_code == 200
    assert poll(token_endpoint, call_centre, asked["auth_req_id"]).json()["error"] == "invalid_grant"
    assert b"Nothing is waiting" in browser.get("/oauth/requests").content


def test_the_user_is_told_by_mail(alice, call_centre):
    ask(call_centre)
    backchannel_notices.notify_user(str(BackchannelRequest.objects.get().pk))
    [message] = mail.outbox
    assert message.to == [alice.email]
    assert all(text in message.body for text in ("Call Centre", "W4SCT", f"{conf.ISSUER}/oauth/requests"))


def test_the_mail_is_in_the_language_of_the_user(alice, call_centre):
    ask(call_centre)
    alice.speak("de")
    backchannel_notices.notify_user(str(BackchannelRequest.objects.get().pk))
    assert mail.outbox[0].subject == "Eine App bittet um Ihre Freigabe"
    assert "Call Centre bittet um Ihre Freigabe" in mail.outbox[0].body


def test_a_page_that_has_named_the_app_otherwise_is_shown_again(browser, call_centre):
    """ASVS 5.0 10.7.1: the client is renamed while the page is open."""
    ask(call_centre)

    def shown():
        page = BeautifulSoup(browser.get("/oauth/requests").content, "html.parser")
        return page.select_one("main form [name=shown]")["value"]

    before = shown()
    call_centre.name = "Someone Else"
    call_centre.save()
    decide(browser, shown=before)
    assert not Authorization.objects.exists()
    decide(browser, shown=shown())
    assert Authorization.objects.exists()


def test_a_user_who_goes_back_and_denies_ends_the_access(browser, call_centre, token_endpoint):
    auth_req_id = ask(call_centre).json()["auth_req_id"]
    request_id = BackchannelRequest.objects.get().pk
    for _ in range(2):
        assert decide(browser, request_id=request_id).status_code == 303, "a second click changes nothing"
    assert Authorization.objects.get().is_live
    assert decide(browser, "deny", request_id).status_code == 303
    assert b"no longer has access" in browser.get("/oauth/requests").content
    assert not Authorization.objects.get().is_live
    assert poll(token_endpoint, call_centre, auth_req_id).json()["error"] == "access_denied"


def test_a_denial_and_an_expiry(browser, call_centre, token_endpoint):
    first = ask(call_centre).json()["auth_req_id"]
    decide(browser, "deny")
    assert poll(token_endpoint, call_centre, first).json()["error"] == "access_denied"
    second = ask(call_centre, requested_expiry="30").json()
    assert second["expires_in"] == 30
    request_id = BackchannelRequest.objects.latest("created_at").pk
    with time_machine.travel(timezone.now() + timedelta(seconds=31)):
        assert poll(token_endpoint, call_centre, second["auth_req_id"]).json()["error"] == "expired_token"
        assert decide(browser, request_id=request_id).status_code == 404


@pytest.mark.usefixtures("clock_stands")
def test_a_client_that_polls_too_soon_gets_slow_down(call_centre, alice, token_endpoint):
    auth_req_id = ask(call_centre).json()["auth_req_id"]
    poll(token_endpoint, call_centre, auth_req_id)
    assert poll(token_endpoint, call_centre, auth_req_id).json()["error"] == "slow_down"
    assert BackchannelRequest.objects.get().interval_seconds == 10


@pytest.mark.parametrize("decision", ["allow", "deny"])
def test_nobody_else_decides(call_centre, alice, bob, token_endpoint, decision):
    auth_req_id = ask(call_centre).json()["auth_req_id"]
    request_id = BackchannelRequest.objects.get().pk
    of_bob = Browser()
    of_bob.post("/accounts/login/", {"login": bob.email, "password": PASSWORD})
    assert b"Nothing is waiting" in of_bob.get("/oauth/requests").content
    assert decide(of_bob, decision, request_id).status_code == 404
    assert decide(Browser(), decision, request_id).status_code == 302  # to the login
    assert poll(token_endpoint, call_centre, auth_req_id).json()["error"] == "authorization_pending"


def test_the_decision_needs_a_token_against_csrf(call_centre, alice):
    ask(call_centre)
    strict = Browser(enforce_csrf_checks=True)
    strict.force_login(alice)
    assert decide(strict, request_id=BackchannelRequest.objects.get().pk).status_code == 403
    assert not Authorization.objects.exists()


def test_another_client_cannot_take_it(browser, call_centre, web_app, token_endpoint):
    auth_req_id = ask(call_centre).json()["auth_req_id"]
    decide(browser)
    web_app.grant_types = [*web_app.grant_types, GRANT]
    web_app.save()
    assert poll(token_endpoint, web_app, auth_req_id).json()["error"] == "invalid_grant"
    assert poll(token_endpoint, call_centre, auth_req_id).status_code == 200


@pytest.mark.parametrize(
    ("parameters", "error"),
    [
        ({"login_hint": None}, "invalid_request"),
        ({"id_token_hint": "x"}, "invalid_request"),
        ({"login_hint": None, "id_token_hint": "x"}, "invalid_request"),
        ({"login_hint": None, "login_hint_token": "x"}, "invalid_request"),
        ({"scope": "accounts:read"}, "invalid_scope"),
        ({"scope": "openid webhooks:manage"}, "invalid_scope"),
        ({"binding_message": "x" * 61}, "invalid_binding_message"),
        ({"binding_message": "a\u202eb"}, "invalid_binding_message"),
        *[({"binding_message": text}, "invalid_binding_message") for text in LINKS],
        ({"requested_expiry": "0"}, "invalid_request"),
        ({"requested_expiry": "soon"}, "invalid_request"),
        ({"authorization_details": "[]"}, "invalid_authorization_details"),
    ],
)
def test_what_is_wrong_is_told(call_centre, alice, parameters, error):
    """§13."""
    answer = ask(call_centre, **parameters)
    assert (answer.status_code, answer.json()["error"]) == (400, error), answer.content
    assert not BackchannelRequest.objects.exists()


@pytest.mark.parametrize("text", ["W4SCT", "Pay 12.50 to Bob", "e.g. 3.5 kg", "Nr. 7: 09.30", "请确认。谢谢您", "A.B."])
def test_a_binding_message_may_contain_text_that_is_not_a_link(call_centre, alice, text):
    assert ask(call_centre, binding_message=text).status_code == 200


# --- a client does not learn which users exist


def answered(client, **parameters):
    """Returns the response that the client sees, and the statements of the server."""
    with CaptureQueriesContext(connection) as queries:
        answer = ask(client, **parameters)
    body = answer.json()
    secret = body.pop("auth_req_id", "")
    body.pop("error_id", None)
    values = r"(?:'[^']*'|\b\d+\b|NULL)(?:::\w+)?|\"s\d+_x\d+\""
    shapes = [re.sub(values, "?", query["sql"]) for query in queries]
    return answer.status_code, body, len(secret), shapes


def test_a_hint_that_means_nobody_is_answered_as_one_that_means_a_user(call_centre, alice):
    """OWASP WSTG-IDNT-04; the error unknown_user_id of CIBA §13 would reveal which users exist. The statements are the
    same, too, so that the response time reveals nothing.
    """
    ask(call_centre, login_hint="warm@example.test")
    of_somebody, of_nobody = answered(call_centre), answered(call_centre, login_hint="nobody@example.test")
    assert of_somebody == of_nobody
    assert of_somebody[0] == 200


def test_a_request_to_nobody_waits_and_expires_like_any_other(call_centre, token_endpoint):
    asked = ask(call_centre, login_hint="nobody@example.test").json()
    assert poll(token_endpoint, call_centre, asked["auth_req_id"]).json()["error"] == "authorization_pending"
    assert poll(token_endpoint, call_centre, asked["auth_req_id"]).json()["error"] == "slow_down"
    backchannel_notices.notify_user(str(BackchannelRequest.objects.get().pk))
    assert mail.outbox == []
    with time_machine.travel(timezone.now() + timedelta(minutes=6)):
        assert poll(token_endpoint, call_centre, asked["auth_req_id"]).json()["error"] == "expired_token"


def test_a_deactivated_user_is_treated_as_unknown(call_centre, alice):
    alice.is_active = False
    alice.save()
    assert ask(call_centre).status_code == 200
    assert BackchannelRequest.objects.get().user is None


@pytest.mark.usefixtures("clock_stands")
@pytest.mark.parametrize("hint", ["alice@example.test", "nobody@example.test"])
def test_too_many_requests_are_refused_for_nobody_as_for_a_user(call_centre, alice, hint):
    assert [ask(call_centre, login_hint=hint).status_code for _ in range(6)] == [200] * 5 + [429]


def test_another_spelling_of_a_hint_does_not_reach_the_user_more_often(call_centre, alice, monkeypatch):
    """The answer does not reveal that both mean the same user."""
    finder = "oauth.authorize.backchannel_request.find_user"
    monkeypatch.setattr(finder, lambda hint: alice)
    answers = [ask(call_centre, login_hint=f"customer {number}").status_code for number in range(8)]
    assert answers == [200] * 8
    assert BackchannelRequest.objects.filter(user=alice).count() == 5


# --- text by the client must not look like text by this site


def test_the_subject_of_a_mail_holds_no_text_of_a_client(alice, call_centre):
    call_centre.name = "Your account is locked"
    call_centre.save()
    ask(call_centre, binding_message="Call us now")
    backchannel_notices.notify_user(str(BackchannelRequest.objects.get().pk))
    assert mail.outbox[0].subject == "An app asks for your approval"


@pytest.mark.parametrize(("name", "shown"), [("Nice App", True), ("Log in at evil.com", False)])
def test_a_name_that_nobody_vouches_for_is_marked_in_the_mail(alice, call_centre, name, shown):
    call_centre.name, call_centre.registration_source = name, "dcr"
    call_centre.save()
    Authorization.objects.create(
        user=alice, client=call_centre, scopes=["openid"], expires_at=timezone.now() + timedelta(days=1)
    )
    ask(call_centre)
    backchannel_notices.notify_user(str(BackchannelRequest.objects.get().pk))
    assert "we have not checked" in mail.outbox[0].body
    assert (name in mail.outbox[0].body) is shown


def test_a_client_that_registered_itself_reaches_only_users_who_let_it_in_before(alice, call_centre):
    call_centre.registration_source = "dcr"
    call_centre.save()
    assert ask(call_centre).status_code == 200
    assert BackchannelRequest.objects.get().user is None


def test_only_clients_that_may(web_app, alice, signing_keys):
    assert ask(web_app).json()["error"] == "unauthorized_client"
    with pytest.raises(ValidationError):
        make_client("mobile", grant_types=[GRANT]).full_clean()
    with pytest.raises(ValidationError):
        make_client("web", grant_types=[GRANT], backchannel_token_delivery_mode="ping").full_clean()


@pytest.mark.usefixtures("clock_stands")
def test_a_user_gets_only_a_few_requests(call_centre, alice):
    answers = [ask(call_centre).status_code for _ in range(6)]
    assert answers == [200] * 5 + [429]


def test_an_id_token_names_the_user_too(browser, call_centre, token_endpoint):
    auth_req_id = ask(call_centre).json()["auth_req_id"]
    decide(browser)
    id_token = poll(token_endpoint, call_centre, auth_req_id).json()["id_token"]
    assert ask(call_centre, login_hint=None, id_token_hint=id_token).status_code == 200


def test_a_stronger_log_in_is_asked_for_before_anything_is_allowed(browser, call_centre):
    ask(call_centre, acr_values="urn:countersign:acr:mfa")
    decide(browser)
    assert not Authorization.objects.exists()
    assert b"stronger login" in browser.get("/oauth/requests").content


def test_a_client_that_always_wants_a_recent_login_gets_one(browser, call_centre):
    """OpenID Connect Registration §2: default_max_age, although CIBA has no max_age."""
    call_centre.default_max_age = 30
    call_centre.save()
    with time_machine.travel(timezone.now() + timedelta(seconds=60)):
        ask(call_centre)
        assert decide(browser)["Location"] == "/accounts/reauthenticate/?next=/oauth/requests"
        assert not Authorization.objects.exists()
        assert decide(browser, "deny").status_code == 303
        assert BackchannelRequest.objects.get().denied_at


def test_a_client_that_prefers_a_stronger_login_gets_one_if_the_user_has_it(browser, call_centre, alice):
    """OpenID Connect Registration §2: default_acr_values, as at the authorization endpoint."""
    call_centre.default_acr_values = ["urn:countersign:acr:mfa"]
    call_centre.save()
    ask(call_centre)
    decide(browser)
    assert Authorization.objects.count() == 1
    Authenticator.objects.create(user=alice, type=Authenticator.Type.TOTP, data={})
    ask(call_centre)
    assert decide(browser)["Location"] == "/accounts/stronger/?next=%2Foauth%2Frequests"
    assert Authorization.objects.count() == 1


def test_a_user_who_was_deactivated_meanwhile_gets_no_mail(call_centre, alice):
    ask(call_centre)
    alice.is_active = False
    alice.save()
    backchannel_notices.notify_user(str(BackchannelRequest.objects.get().pk))
    assert mail.outbox == []


def test_a_client_that_was_disabled_meanwhile_is_not_told(browser, call_centre, listener):
    call_centre.backchannel_token_delivery_mode = "ping"
    call_centre.backchannel_client_notification_endpoint = listener.url("/cb")
    call_centre.save()
    ask(call_centre, client_notification_token="t" * 30)
    decide(browser)
    call_centre.is_active = False
    call_centre.save()
    backchannel_notices.notify_client(str(BackchannelRequest.objects.get().pk))
    assert listener.received == []


@pytest.mark.parametrize("status", [200, 302, 307, 400, 401, 403, 404, 410, 429])
def test_a_refused_ping_is_not_repeated(browser, call_centre, token_endpoint, listener, status):
    """CIBA §10.2; the client still gets its tokens by polling. The size of the answer does not matter."""
    call_centre.backchannel_token_delivery_mode = "ping"
    call_centre.backchannel_client_notification_endpoint = listener.url("/cb")
    call_centre.save()
    auth_req_id = ask(call_centre, client_notification_token="t" * 30).json()["auth_req_id"]
    decide(browser)
    listener.status, listener.body = status, b"x" * (outbound.MAX_BYTES + 1)
    for _ in range(3):
        backchannel_notices.notify_client(str(BackchannelRequest.objects.get().pk))
    assert len(listener.received) == 1
    assert poll(token_endpoint, call_centre, auth_req_id).status_code == 200


def test_ping_tells_the_client_once_and_forgets(browser, call_centre, token_endpoint, listener):
    call_centre.backchannel_token_delivery_mode = "ping"
    call_centre.backchannel_client_notification_endpoint = listener.url("/cb")
    call_centre.save()
    assert ask(call_centre).json()["error"] == "invalid_request"  # without a client_notification_token
    auth_req_id = ask(call_centre, client_notification_token="t" * 30).json()["auth_req_id"]
    decide(browser)
    asked = BackchannelRequest.objects.get()
    listener.status = 500
    with pytest.raises(backchannel_notices.NotDelivered):
        backchannel_notices.notify_client(str(asked.pk))
    listener.status = 204
    backchannel_notices.notify_client(str(asked.pk))
    backchannel_notices.notify_client(str(asked.pk))
    assert [json.loads(body) for _, _, body in listener.received] == [{"auth_req_id": auth_req_id}] * 2
    asked.refresh_from_db()
    assert (asked.auth_req_id, asked.client_notification_token) == ("", "")
    assert poll(token_endpoint, call_centre, auth_req_id).status_code == 200


@pytest.mark.django_db(transaction=True)
def test_ten_at_once_one_gets_the_tokens(signing_keys, browser, call_centre, token_endpoint):
    auth_req_id = ask(call_centre).json()["auth_req_id"]
    decide(browser)

    def redeem(_):
        try:
            return poll(token_endpoint, call_centre, auth_req_id).status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(10) as pool:
        assert sorted(pool.map(redeem, range(10))) == [200] + [400] * 9


# --- FAPI-CIBA


@pytest.fixture
def bank(signing_keys):
    client = make_client(
        "web", grant_types=[GRANT], redirect_uris="", token_endpoint_auth_method="private_key_jwt",
        client_jwks={"keys": [KEY.public]}, security_profile="fapi-ciba",
    )  # fmt: skip
    client.full_clean()
    client.save()
    return client


def ask_signed(client, *, assertion=None, **changes):
    now = int(time.time())
    claims = {
        "iss": client.client_id, "aud": conf.ISSUER, "iat": now, "nbf": now, "exp": now + 300, "jti": str(now),
        "scope": "openid accounts:read", "login_hint": "alice@example.test", "binding_message": "W4SCT", **changes,
    }  # fmt: skip
    signed = KEY.sign({name: value for name, value in claims.items() if value is not None})
    body = {"request": signed, "client_id": client.client_id, **by(assertion or KEY.assertion(client.client_id))}
    return Browser().post("/oauth/backchannel_authentication", urlencode(body), content_type=FORM)


def test_a_fapi_client_signs_its_request_and_gets_bound_tokens(browser, bank, token_endpoint):
    answer = ask_signed(bank)
    assert answer.status_code == 200, answer.content
    decide(browser)
    form = {"grant_type": GRANT, "auth_req_id": answer.json()["auth_req_id"]}
    refused = token_endpoint.post(**form, **by(KEY.assertion(bank.client_id)))
    assert refused.json()["error"] == "invalid_dpop_proof"
    tokens = token_endpoint.post(headers={"DPoP": proof()}, **form, **by(KEY.assertion(bank.client_id))).json()
    assert tokens["token_type"] == "DPoP"


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"binding_message": None}, "invalid_binding_message"),
        *(({name: None}, "invalid_request") for name in ("aud", "iss", "exp", "iat", "nbf", "jti")),
        *(({"aud": aud}, "invalid_request") for aud in ("https://other.example", ["https://other.example"], [], 7)),
        *(({"exp": exp}, "invalid_request") for exp in (1, timedelta(minutes=70), timedelta(seconds=-60), "soon")),
        *(({"nbf": nbf}, "invalid_request") for nbf in (timedelta(minutes=10), timedelta(minutes=-70), "now")),
        *(({"iat": iat}, "invalid_request") for iat in (timedelta(minutes=10), "now")),
        *(({"jti": jti}, "invalid_request") for jti in ("", 7, "x" * 300, ["x"])),
        ({"iss": "another"}, "invalid_request"),
        ({"sub": "another"}, "invalid_request"),
        ({"client_id": "another"}, "invalid_request"),
        ({"login_hint": None}, "invalid_request"),
        ({"id_token_hint": "x", "binding_message": None}, "invalid_request"),
        ({"login_hint": None, "binding_message": None}, "invalid_request"),
        ({"requested_expiry": "soon"}, "invalid_request"),
    ],
)
def test_what_a_signed_request_needs(bank, alice, changes, error):
    """FAPI-CIBA §5.2.2, CIBA §7.1.1, §13."""
    answer = ask_signed(bank, **changes)
    assert (answer.status_code, answer.json()["error"]) == (400, error), answer.content


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": [conf.ISSUER, "https://other.example"]},
        {"requested_expiry": 60},
        {"requested_expiry": "60"},
        {"nbf": timedelta(seconds=8)},
        {"nbf": timedelta(minutes=-15), "exp": timedelta(minutes=15)},
    ],
)
def test_what_a_signed_request_may_have(bank, alice, changes):
    assert ask_signed(bank, **changes).status_code == 200


def test_an_ordinary_client_signs_by_the_same_rules(call_centre, alice):
    """CIBA §7.1.1 is about every signed request."""
    call_centre.client_jwks = {"keys": [KEY.public]}
    call_centre.save()
    now = int(time.time())
    claims = {
        "iss": call_centre.client_id, "aud": conf.ISSUER, "iat": now, "nbf": now, "exp": now + 300, "jti": "1",
        "scope": "openid accounts:read", "login_hint": "alice@example.test",
    }  # fmt: skip
    nothing = {"scope": None, "login_hint": None, "binding_message": None}
    assert ask(call_centre, **nothing, request=KEY.sign(claims)).status_code == 200
    without = {name: value for name, value in claims.items() if name != "jti"}
    for request in (KEY.sign(without), "nonsense", KEY.sign(claims, typ="at+jwt"), ClientKey().sign(claims)):
        assert ask(call_centre, **nothing, request=request).json()["error"] == "invalid_request"
    call_centre.client_jwks = None
    call_centre.save()
    assert ask(call_centre, **nothing, request=KEY.sign(claims)).json()["error"] == "invalid_request"


def test_a_signed_request_with_rs256_is_refused(bank, alice):
    """FAPI 2.0 §5.4.1, FAPI 1.0 Part 2 §8.6: RS256 is refused, even with the client's own key."""
    rsa = ClientKey("RS256", kid="rsa")
    bank.client_jwks = {"keys": [KEY.public, rsa.public]}
    bank.save()
    now = int(time.time())
    claims = {
        "iss": bank.client_id, "aud": conf.ISSUER, "iat": now, "nbf": now, "exp": now + 300, "jti": "1",
        "scope": "openid", "login_hint": "alice@example.test", "binding_message": "W4SCT",
    }  # fmt: skip
    body = {"client_id": bank.client_id, **by(KEY.assertion(bank.client_id)), "request": rsa.sign(claims)}
    answer = Browser().post("/oauth/backchannel_authentication", urlencode(body), content_type=FORM)
    assert answer.json()["error"] == "invalid_request"
    assert ask_signed(bank, assertion=rsa.assertion(bank.client_id)).json()["error"] == "invalid_client"


TOKEN, BACKCHANNEL = f"{conf.ISSUER}/oauth/token", f"{conf.ISSUER}/oauth/backchannel_authentication"


@pytest.mark.parametrize(
    "audience", [conf.ISSUER, TOKEN, BACKCHANNEL, [conf.ISSUER], [TOKEN, BACKCHANNEL, conf.ISSUER]]
)
def test_an_assertion_may_name_the_server_in_three_ways(bank, alice, token_endpoint, audience):
    """CIBA §7.1."""
    assert ask_signed(bank, assertion=KEY.assertion(bank.client_id, aud=audience)).status_code == 200
    form = {"grant_type": GRANT, "auth_req_id": "x", **by(KEY.assertion(bank.client_id, aud=audience))}
    assert token_endpoint.post(headers={"DPoP": proof()}, **form).json()["error"] == "invalid_grant"


@pytest.mark.parametrize(
    "audience", [f"{conf.ISSUER}/oauth/par", "https://other.example", [TOKEN, "https://other.example"], [], None, 7]
)
def test_an_assertion_for_another_server_is_refused(bank, alice, audience):
    assert ask_signed(bank, assertion=KEY.assertion(bank.client_id, aud=audience)).json()["error"] == "invalid_client"


def test_fapi_2_0_keeps_its_own_audience(bank, alice):
    """FAPI 2.0 §5.3.2.1 applies at this endpoint, too."""
    bank.security_profile = "fapi2"
    bank.save()
    assert ask_signed(bank).status_code == 200
    assert ask_signed(bank, assertion=KEY.assertion(bank.client_id, aud=TOKEN)).json()["error"] == "invalid_client"
    assert ask_signed(bank, jti=None).json()["error"] == "invalid_request"


def test_fapi_ciba_is_for_clients_that_ask_over_the_back_channel(bank):
    bank.grant_types = ["client_credentials"]
    with pytest.raises(ValidationError, match="CIBA"):
        bank.full_clean()
    bank.grant_types = [GRANT]
    bank.token_endpoint_auth_method = "client_secret_basic"
    with pytest.raises(ValidationError, match="private_key_jwt"):
        bank.full_clean()


def test_a_fapi_client_does_not_ask_unsigned(bank, alice):
    body = {
        "client_id": bank.client_id, "scope": "openid", "login_hint": "alice@example.test",
        **by(KEY.assertion(bank.client_id)),
    }  # fmt: skip
    answer = Browser().post("/oauth/backchannel_authentication", urlencode(body), content_type=FORM)
    assert answer.json()["error"] == "invalid_request"
