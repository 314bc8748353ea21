"""RP-initiated and back-channel logout: one session ends with everything that depends on it, and the registered clients
are notified.
"""

import base64
from datetime import timedelta
from urllib.parse import parse_qs, urlencode

import jwt
import pytest
import time_machine
from bs4 import BeautifulSoup
from django.core.cache import cache
from django.db import transaction
from django.db.models import F
from django.test import Client as Browser
from django.utils import timezone
from procrastinate.contrib.django.models import ProcrastinateJob

from accounts.models import User
from oauth import keys, tasks
from oauth.algorithms import SIGNING_ALGORITHMS
from oauth.conf import conf
from oauth.infrastructure import outbound
from oauth.keys import ring, rotation
from oauth.models import AuditEvent, Authorization, Session, SigningKey
from oauth.operations import cleanup
from oauth.sessions import backchannel_logout, login_session
from oauth.tokens import id_token
from tests.lib import ciba, device
from tests.lib.login import logged_in
from tests.lib.oauth_client import PASSWORD, TokenEndpoint, allow, decoded
from tests.lib.signing_keys import after_an_emergency
from tests.lib.token_exchange import exchange

pytestmark = pytest.mark.django_db

AFTER = "https://app.example/logged-out"
ALL = {"choice-0": "all", "allow-offline_access": "yes"}
FORM = {"content_type": "application/x-www-form-urlencoded"}


@pytest.fixture
def app(web_app):
    web_app.post_logout_redirect_uris = AFTER
    web_app.save()
    return web_app


@pytest.fixture
def hint(app, issued):
    return issued(app, scope="openid")["id_token"]


def log_out(browser, **parameters):
    return browser.get("/oauth/logout?" + urlencode(parameters))


def press(browser, page, decision):
    form = BeautifulSoup(page.content, "html.parser").select_one("main form")
    fields = {field["name"]: field["value"] for field in form.select("input[type=hidden]")}
    return browser.post("/oauth/logout", urlencode({**fields, "decision": decision}), **FORM)


def is_logged_in(browser):
    return "_auth_user_id" in browser.session


def test_the_hint_of_this_user_logs_them_out_and_brings_them_back(browser, hint):
    answer = log_out(browser, id_token_hint=hint, post_logout_redirect_uri=AFTER, state="s p")
    assert (answer.status_code, answer["Location"]) == (303, f"{AFTER}?state=s+p")
    assert not is_logged_in(browser)
    assert Session.objects.get().end_reason == Session.EndReason.LOGOUT


def test_a_logout_redirects_to_a_private_use_scheme_too(browser, mobile_app, issued):
    mobile_app.post_logout_redirect_uris = "com.example.app:/out"
    mobile_app.save()
    hint = issued(mobile_app, scope="openid")["id_token"]
    answer = log_out(browser, id_token_hint=hint, post_logout_redirect_uri="com.example.app:/out", state="s")
    assert answer["Location"] == "com.example.app:/out?state=s"


def test_without_a_hint_the_user_is_asked(browser, app):
    """ASVS 5.0 10.6.2: a link alone must not log a user out."""
    page = log_out(browser, client_id=app.client_id, post_logout_redirect_uri=AFTER)
    assert page.status_code == 200
    assert is_logged_in(browser)
    assert press(browser, page, "logout")["Location"] == AFTER
    assert not is_logged_in(browser)


def test_the_user_may_stay(browser, app):
    page = log_out(browser)
    assert press(browser, page, "stay")["Location"] == "/"
    assert is_logged_in(browser)


def test_with_a_hint_of_another_user_the_user_is_asked(hint, bob):
    other = Browser()
    other.post("/accounts/login/", {"login": bob.email, "password": PASSWORD})
    assert log_out(other, id_token_hint=hint).status_code == 200
    assert is_logged_in(other)


def test_with_a_hint_of_another_login_the_user_is_asked(app, hint, alice):
    """RP-Initiated Logout §2: for example an ID token of CIBA or of the device flow, which does not belong to this
    browser.
    """
    other = logged_in(alice)
    assert log_out(other, id_token_hint=hint).status_code == 200
    allow(other, app, scope="openid")  # now this browser has its own session
    assert log_out(other, id_token_hint=hint).status_code == 200
    assert is_logged_in(other)


def test_with_a_hint_of_a_login_that_has_ended_the_user_is_asked(browser, app, hint, alice):
    """An old ID token logs nobody out."""
    browser.post("/accounts/logout/")
    browser.post("/accounts/login/", {"login": alice.email, "password": PASSWORD})
    allow(browser, app, scope="openid")
    assert log_out(browser, id_token_hint=hint).status_code == 200
    assert is_logged_in(browser)


def test_a_foreign_form_ends_nothing(browser, app):
    """The form has a CSRF token, which another site does not know."""
    page = log_out(browser)
    form = BeautifulSoup(page.content, "html.parser").select_one("main form")
    interaction = form.select_one("input[name=interaction]")["value"]
    strict = Browser(enforce_csrf_checks=True)
    strict.cookies = browser.cookies
    answer = strict.post("/oauth/logout", urlencode({"interaction": interaction, "decision": "logout"}), **FORM)
    assert answer.status_code == 403
    assert is_logged_in(browser)


def test_a_posted_request_comes_again_without_the_token_in_the_address(browser, hint):
    """RP-Initiated Logout §2: a POST from another site brings no SameSite cookie, so the server redirects to a GET
    request.
    """
    body = urlencode({"id_token_hint": hint, "post_logout_redirect_uri": AFTER})
    again = Browser().post("/oauth/logout", body, **FORM)
    assert again.status_code == 303
    assert hint not in again["Location"]
    assert browser.get(again["Location"])["Location"] == AFTER
    assert not is_logged_in(browser)


@pytest.mark.parametrize(
    "parameters",
    [
        {"post_logout_redirect_uri": AFTER},  # without a client, nobody knows whose URI this is
        {"post_logout_redirect_uri": AFTER + "?x=1", "client_id": "*"},
        {"post_logout_redirect_uri": AFTER + "/", "client_id": "*"},
        {"post_logout_redirect_uri": "https://evil.example/", "client_id": "*"},
        {"post_logout_redirect_uri": "https://app.example/callback", "client_id": "*"},
        {"id_token_hint": "nonsense"},
        {"id_token_hint": "nonsense", "client_id": "*", "post_logout_redirect_uri": AFTER},
        {"client_id": "unknown"},
        {"client_id": "unknown", "post_logout_redirect_uri": AFTER},
        {"client_id": "another", "id_token_hint": "*"},
        {"post_logout_redirect_uri": "https://evil.example/", "id_token_hint": "*"},
        {"state": "x" * 3000, "id_token_hint": "*", "post_logout_redirect_uri": AFTER},
        {"post_logout_redirect_uri": [AFTER, AFTER], "id_token_hint": "*"},
    ],
)
@pytest.mark.parametrize("method", ["get", "post"])
def test_a_faulty_logout_request_asks_and_does_not_redirect(browser, app, hint, parameters, method):
    """RP-Initiated Logout §3, §4, RFC 9700 §4.11: the page is no open redirector, and the user can still log out."""
    real = {"client_id": app.client_id, "id_token_hint": hint}
    sent = urlencode({name: real[name] if value == "*" else value for name, value in parameters.items()}, doseq=True)
    page = browser.get(f"/oauth/logout?{sent}")
    if method == "post":
        page = browser.get(browser.post("/oauth/logout", sent, **FORM)["Location"])
    assert page.status_code == 200
    assert b"Log out?" in page.content
    assert b"has a mistake" in page.content
    assert is_logged_in(browser)
    after = press(browser, page, "logout")
    assert after.status_code == 200
    assert b"You are logged out" in after.content
    assert not is_logged_in(browser)
    assert b"You are logged out" in browser.get(f"/oauth/logout?{sent}").content


@pytest.mark.parametrize("end", ["disable", "remove the URI", "delete"])
def test_a_logout_page_leads_back_only_while_the_uri_is_registered(browser, app, end):
    """RFC 9700 §4.11: staff may stop the app while the page is open or a posted request is stored."""
    page = log_out(browser, client_id=app.client_id, post_logout_redirect_uri=AFTER)
    body = urlencode({"client_id": app.client_id, "post_logout_redirect_uri": AFTER})
    again = Browser().post("/oauth/logout", body, **FORM)
    match end:
        case "disable":
            app.is_active = False
            app.save()
        case "remove the URI":
            app.post_logout_redirect_uris = ""
            app.save()
        case _:
            app.delete()
    after = press(browser, page, "logout")
    assert after.status_code == 200
    assert b"You are logged out" in after.content
    assert not is_logged_in(browser)
    assert b"You are logged out" in browser.get(again["Location"]).content


@pytest.mark.parametrize("body", [b"{}", b"x" * 70_000, b"state=\xff", b"state=%00"])
def test_a_faulty_logout_body_asks_too(browser, app, body):
    content_type = "application/json" if body == b"{}" else FORM["content_type"]
    page = browser.get(browser.post("/oauth/logout", body, content_type=content_type)["Location"])
    assert b"Log out?" in page.content


def test_a_form_that_came_too_late_still_logs_out(browser, app):
    page = log_out(browser, client_id=app.client_id, post_logout_redirect_uri=AFTER)
    cache.clear()
    after = press(browser, page, "logout")
    assert b"You are logged out" in after.content
    assert not is_logged_in(browser)
    gone = browser.get("/oauth/logout?interaction=" + "x" * 22)
    assert b"You are logged out" in gone.content


def test_a_link_that_came_too_late_asks(browser, app):
    assert b"Log out?" in browser.get("/oauth/logout?interaction=" + "x" * 22).content
    assert b"Log out?" in browser.get("/oauth/logout?interaction=nonsense").content


@pytest.mark.usefixtures("clock_stands")
def test_a_refused_logout_is_titled_as_one(browser, app, monkeypatch):
    """Only requests beyond a limit and forms of other sites are refused."""
    page = log_out(browser)
    answer = press(browser, page, "nonsense")
    assert answer.status_code == 400
    assert b"<h1>This logout did not work</h1>" in answer.content
    assert b"This login link" not in answer.content
    german = browser.post(
        "/oauth/logout", urlencode({"interaction": "x", "decision": "no"}), **FORM, headers={"Accept-Language": "de"}
    )
    assert "Abmeldung" in german.content.decode()


def test_a_changed_hint_proves_nothing(browser, hint):
    head, payload, signature = hint.split(".")
    changed = f"{head}.{payload}.{signature[:-4]}AAAA"
    assert b"Log out?" in log_out(browser, id_token_hint=changed).content
    assert is_logged_in(browser)


@pytest.mark.parametrize("age", [timedelta(hours=1), timedelta(days=100)])
def test_a_hint_signed_with_a_retired_key_still_names_its_user(browser, app, hint, age):
    """RP-Initiated Logout §4: clients keep the ID token of a login for months."""
    with time_machine.travel(timezone.now() + age):
        for algorithm in SIGNING_ALGORITHMS:
            rotation.rotate(algorithm)
    SigningKey.objects.filter(retired_at=None).update(active_at=F("published_at"))
    with time_machine.travel(timezone.now() + age + timedelta(days=31)):
        ring.forget()
        list(cleanup.clean_up())
        kid = jwt.get_unverified_header(hint)["kid"]
        assert kid not in [jwk["kid"] for jwk in keys.published_jwks()["keys"]]
        assert bytes(SigningKey.objects.get(kid=kid).private_key_encrypted) == b""
        rotation.reencrypt()
        assert id_token.read_hint(hint, issuer=conf.ISSUER).client_id == app.client_id
    assert log_out(browser, id_token_hint=hint, post_logout_redirect_uri=AFTER)["Location"] == AFTER
    assert not is_logged_in(browser)


def test_a_hint_signed_with_a_leaked_key_logs_nobody_out(browser, app, hint):
    """A thief of the key can sign any hint."""
    rotation.replace_now("RS256")
    with after_an_emergency():
        assert b"Log out?" in log_out(browser, id_token_hint=hint, post_logout_redirect_uri=AFTER).content
        assert is_logged_in(browser)


def test_a_hint_signed_with_a_key_that_leaked_while_it_retired_logs_nobody_out(browser, app, hint):
    rotation.rotate("RS256")
    rotation.replace_now("RS256")
    with after_an_emergency():
        assert b"Log out?" in log_out(browser, id_token_hint=hint).content
        assert is_logged_in(browser)


def test_a_hint_of_a_deleted_client_still_names_its_user(browser, app, hint, bob):
    app.delete()
    other = Browser()
    other.post("/accounts/login/", {"login": bob.email, "password": PASSWORD})
    assert b"Log out?" in log_out(other, id_token_hint=hint).content
    # without a client, the redirect URI cannot be checked
    page = log_out(browser, id_token_hint=hint, post_logout_redirect_uri=AFTER)
    assert b"Log out?" in page.content
    assert b"You are logged out" in log_out(browser, id_token_hint=hint).content
    assert not is_logged_in(browser)


def test_an_expired_hint_still_names_its_user(browser, app, issued, settings):
    settings.OAUTH = {**settings.OAUTH, "ID_TOKEN_LIFETIME": timedelta(seconds=-3600)}
    expired = issued(app, scope="openid")["id_token"]
    assert log_out(browser, id_token_hint=expired, post_logout_redirect_uri=AFTER)["Location"] == AFTER


def test_nobody_is_logged_in_any_more(app):
    assert b"You are logged out" in log_out(Browser()).content
    answer = log_out(Browser(), client_id=app.client_id, post_logout_redirect_uri=AFTER, state="s")
    assert answer["Location"] == f"{AFTER}?state=s"


def test_log_out_ends_online_access_of_this_session_only(browser, app, issued, token_endpoint, alice):
    """Logout does not end all tokens of all apps: offline access and other browsers continue."""
    online, offline = issued(app), issued(app, scope="accounts:read offline_access")
    other = Browser()
    other.post("/accounts/login/", {"login": alice.email, "password": PASSWORD})
    elsewhere = token_endpoint.redeem(app, allow(other, app)).json()
    browser.post("/accounts/logout/")
    assert token_endpoint.refresh(app, online["refresh_token"]).status_code == 400
    assert token_endpoint.refresh(app, offline["refresh_token"]).status_code == 200
    assert token_endpoint.refresh(app, elsewhere["refresh_token"]).status_code == 200
    assert Authorization.objects.get(pk=decoded(online["access_token"])["grant_id"]).revocation_reason == "logout"


@pytest.mark.parametrize("scope", ["openid accounts:read", "openid accounts:read offline_access"])
def test_log_out_ends_what_was_allowed_for_a_device(browser, television, scope):
    """This includes tokens that the device has not fetched yet."""
    fetched, waiting = (device.begin(television, scope).json() for _ in range(2))
    for asked in (fetched, waiting):
        device.type_code(browser, asked["user_code"], decision="allow", **ALL)
    tokens = device.poll(television, fetched["device_code"]).json()
    browser.post("/accounts/logout/")
    goes_on = "offline_access" in scope
    assert (TokenEndpoint().refresh(television, tokens["refresh_token"]).status_code == 200) is goes_on
    assert (device.poll(television, waiting["device_code"]).status_code == 200) is goes_on


@pytest.mark.parametrize("scope", ["openid accounts:read", "openid accounts:read offline_access"])
def test_log_out_ends_what_was_allowed_over_the_back_channel(browser, call_centre, token_endpoint, scope, listener):
    """The client is also notified, although it never used this browser."""
    call_centre.backchannel_logout_uri = listener.url("/backchannel")
    call_centre.save()
    fetched, waiting = (ciba.ask(call_centre, scope=scope).json()["auth_req_id"] for _ in range(2))
    for _ in range(2):
        ciba.decide(browser, **ALL)
    tokens = ciba.poll(token_endpoint, call_centre, fetched).json()
    browser.post("/accounts/logout/")
    goes_on = "offline_access" in scope
    assert (token_endpoint.refresh(call_centre, tokens["refresh_token"]).status_code == 200) is goes_on
    assert (ciba.poll(token_endpoint, call_centre, waiting).status_code == 200) is goes_on
    assert ProcrastinateJob.objects.filter(task_name=backchannel_logout.TASK).count() == 1


def test_log_out_ends_what_was_exchanged(browser, mobile_app, gateway, issued, token_endpoint):
    """RFC 8693: the exchanged token of another client ends with the authorization of the first client."""
    tokens = issued(mobile_app, scope="accounts:read")
    exchanged = exchange(token_endpoint, gateway, tokens["access_token"]).json()["access_token"]
    credentials = base64.b64encode(f"{gateway.client_id}:{gateway.secret}".encode()).decode()

    def is_active():
        headers = {"Authorization": f"Basic {credentials}"}
        answer = Browser().post("/oauth/introspect", urlencode({"token": exchanged}), **FORM, headers=headers)
        return answer.json()["active"]

    assert is_active()
    browser.post("/accounts/logout/")
    assert not is_active()
    assert exchange(token_endpoint, gateway, tokens["access_token"]).status_code == 400


# --- back channel


@pytest.fixture
def told(app, listener):
    app.backchannel_logout_uri = listener.url("/backchannel")
    app.backchannel_logout_session_required = True
    app.full_clean()
    app.save()
    return app


def run_jobs():
    """Runs the jobs as the worker would, with one attempt each. Returns their number."""
    jobs = list(ProcrastinateJob.objects.filter(status="todo", queue_name="notifications"))
    for job in jobs:
        tasks.tell_client_of_logout(**job.args)
    return len(jobs)


def test_the_clients_of_the_session_are_told(browser, told, mobile_app, listener, issued, alice):
    first = decoded(issued(told, scope="openid", nonce="n")["id_token"])
    issued(mobile_app)
    browser.post("/accounts/logout/")
    assert listener.requests == 0  # not within the request of the user
    assert run_jobs() == 1
    method, path, body = listener.received[0]
    assert (method, path) == ("POST", "/backchannel")
    token = parse_qs(body.decode())["logout_token"][0]
    header = jwt.get_unverified_header(token)
    key = jwt.PyJWKSet.from_dict(keys.published_jwks())[header["kid"]]
    claims = jwt.decode(token, key, algorithms=["RS256"], audience=told.client_id, issuer=conf.ISSUER)
    assert header["typ"] == "logout+jwt"
    assert claims["events"] == {"http://schemas.openid.net/event/backchannel-logout": {}}
    assert (claims["sub"], claims["sid"]) == (str(alice.pk), first["sid"])
    assert "nonce" not in claims
    assert {"jti", "iat", "exp"} <= claims.keys()
    assert AuditEvent.objects.filter(action="logout_told", client=told.client_id).exists()


@pytest.mark.parametrize("how", ["rp", "password", "deactivated"])
def test_every_end_of_a_session_is_told(browser, told, issued, alice, how):
    hint = issued(told, scope="openid")["id_token"]
    if how == "rp":
        log_out(browser, id_token_hint=hint)
    elif how == "password":
        new = {"oldpassword": PASSWORD, "password1": "another-horse-9", "password2": "another-horse-9"}
        browser.post("/accounts/password/change/", new)
    else:
        person = User.objects.get(pk=alice.pk)
        person.is_active = False
        person.save()
    assert ProcrastinateJob.objects.filter(task_name=backchannel_logout.TASK).count() == 1


def test_a_client_is_told_however_large_its_answer_is(browser, told, listener, issued):
    issued(told, scope="openid")
    browser.post("/accounts/logout/")
    listener.body = b"x" * (outbound.MAX_BYTES + 1)
    assert run_jobs() == 1
    assert AuditEvent.objects.filter(action="logout_told", client=told.client_id).exists()


@pytest.mark.parametrize("status", [302, 400, 500])
def test_a_client_that_does_not_take_it_is_told_again(browser, told, listener, issued, status):
    issued(told, scope="openid")
    browser.post("/accounts/logout/")
    listener.status = status
    listener.headers["Location"] = "http://169.254.169.254/"
    with pytest.raises(backchannel_logout.NotDelivered):
        run_jobs()
    assert listener.requests == 1  # no redirect is followed
    assert tasks.tell_client_of_logout.retry_strategy.max_attempts > 3


def test_a_private_address_is_not_told(browser, told, listener, issued, settings):
    """OWASP API7: the address is checked at registration, and again when it is called."""
    issued(told, scope="openid")
    browser.post("/accounts/logout/")
    settings.OAUTH = {**settings.OAUTH, "OUTBOUND_ALLOWED_HOSTS": []}
    with pytest.raises(backchannel_logout.NotDelivered):
        run_jobs()
    assert listener.requests == 0


def test_no_logout_notification_is_sent_if_the_transaction_is_rolled_back(browser, told, issued):
    """If the transaction is rolled back, no session has ended and no client is notified."""
    issued(told, scope="openid")
    with transaction.atomic():
        login_session.end_all(Session.objects.get().user, Session.EndReason.LOGOUT)
        assert ProcrastinateJob.objects.filter(queue_name="notifications").exists()
        transaction.set_rollback(True)
    assert not ProcrastinateJob.objects.filter(queue_name="notifications").exists()
    assert Session.objects.get().ended_at is None
