"""The usual authorization request is answered before the middleware of pages: with the same headers, and only if nothing
of what these middleware check has changed."""

from datetime import timedelta

import pytest
from django.conf import settings as site
from django.contrib.auth import SESSION_KEY, get_user_model
from django.contrib.sessions.models import Session as BrowserSession
from django.db import connection, models
from django.test import Client as Browser
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from oauth.authorize import known_login
from oauth.infrastructure import rate_limits
from oauth.models import AuditEvent, Authorization, Session
from oauth.models.secret import digest
from tests.lib.login import logged_in
from tests.lib.oauth_client import authorization_url, callback, decide

pytestmark = pytest.mark.django_db

# Each middleware here runs for every page, but not for an answer at once. If a new one must also apply to these
# answers, config/http/at_once.py must do its work, too.
KNOWN = [
    "config.metrics.requests.MeasuredRequests",
    "config.http.refused_requests.RememberRefusedRequests",
    "oauth.fast_path.machine_chain.MachineEndpointsFirst",
    "config.http.at_once.AuthorizeAtOnce",
    "django_guid.middleware.guid_middleware",
    "oauth.resource_server.middleware.FAPIInteractionId",
    "django.middleware.security.SecurityMiddleware",
    "config.server.health.ProbeMiddleware",
    "csp.middleware.CSPMiddleware",
    "config.http.middleware.MachineContentSecurityPolicyMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "corsheaders.middleware.CorsMiddleware",
    "config.http.middleware.MalformedRequestMiddleware",
    "oauth.resource_server.middleware.OfferDPoPNonce",
    "config.http.middleware.PrivatePageMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "config.http.middleware.LanguageMiddleware",
    "django.middleware.common.CommonMiddleware",
    "accounts.login.own_forms.OwnFormsMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "accounts.browsers.authentication.AuthenticationMiddleware",
    "accounts.browsers.time_zone.TimeZoneMiddleware",
    "config.http.middleware.FormLimitMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "accounts.login.form_action.FormActionMiddleware",
    "accounts.login.next_url.KeepNextMiddleware",
    "accounts.login.pending_login.PendingLoginMiddleware",
    "accounts.login.after_response.AfterResponseMiddleware",
    "config.http.middleware.OutageMiddleware",
    "config.http.middleware.ImpossibleValueMiddleware",
    "config.http.middleware.ButtonOnlyMiddleware",
]


@pytest.fixture(params=[True, False], ids=["fast", "plain"])
def is_fast(request, settings):
    settings.OAUTH = {**settings.OAUTH, "FAST_PATH": request.param}
    return request.param


@pytest.fixture
def known(is_fast, browser, web_app):
    """Alice's browser, in which she has already allowed the app, so that requests are answered without a page."""
    allow(browser, web_app)
    assert "code" in callback(ask(browser, web_app))
    return browser


def allow(browser, client):
    assert "code" in callback(decide(browser, ask(browser, client)))


def ask(browser, client, scope="openid accounts:read", prompt="", **more):
    asked = {"prompt": prompt} if prompt else {}
    return browser.get(authorization_url(client, scope=scope, **asked), **more)


def is_answered(browser, client, **more):
    answer = ask(browser, client, **more)
    return "code=" in answer.get("Location", "")


def statements(browser, client, **more):
    with CaptureQueriesContext(connection) as captured:
        ask(browser, client, **more)
    return len(captured)


def test_every_middleware_of_pages_is_known_here():
    assert [name for name in site.MIDDLEWARE if not name.startswith("oauth.tracing")] == KNOWN


@pytest.mark.parametrize("secure", [False, True], ids=["http", "https"])
@pytest.mark.parametrize("language", ["de", "en-gb", "fr"])
def test_the_answer_has_the_headers_of_a_page(settings, browser, web_app, language, secure):
    allow(browser, web_app)
    more = {"headers": {"accept-language": language, "x-request-id": "a" * 32}, "secure": secure}
    answers = []
    for is_fast in (False, True):
        settings.OAUTH = {**settings.OAUTH, "FAST_PATH": is_fast}
        ask(browser, web_app)  # the client is cached from now on
        answers.append(ask(browser, web_app, **more))
    plain, fast = ({**answer.headers, "Location": answer["Location"].split("code=")[0]} for answer in answers)
    assert [answer.status_code for answer in answers] == [303, 303]
    for one in (plain, fast):
        one["Content-Security-Policy"] = sorted(one["Content-Security-Policy"].split("; "))
    assert fast == plain
    assert not answers[1].cookies


def test_the_audit_log_says_where_it_was(is_fast, known, web_app):
    ask(known, web_app, REMOTE_ADDR="192.0.2.7")
    event = AuditEvent.objects.filter(action=AuditEvent.Action.ALLOWED).first()
    assert (event.endpoint, event.address) == ("authorize", "192.0.2.7")


@pytest.mark.parametrize(
    ("headers", "cookie"), [({"origin": "null"}, ""), ({"dpop": "a proof"}, ""), ({}, "ui_locales-x")], ids=str
)
def test_what_another_middleware_answers_goes_to_the_pages(known, web_app, headers, cookie):
    if cookie:
        known.cookies[cookie] = "de"
    assert statements(known, web_app, headers=headers) > 2


def test_an_unknown_host_is_refused(known, web_app):
    granted = Authorization.objects.count()
    assert ask(known, web_app, headers={"host": "unknown.example"}).status_code == 400
    assert Authorization.objects.count() == granted


def test_plain_http_is_redirected_first(known, web_app, settings):
    """RFC 6749 §3.1: TLS."""
    settings.SECURE_SSL_REDIRECT = True
    browser = Browser()
    browser.cookies = known.cookies
    answer = ask(browser, web_app)
    assert (answer.status_code, answer["Location"][:5]) == (301, "https")


def test_a_browser_session_that_has_expired_is_no_login(known, web_app):
    """ASVS 5.0 7.3.2."""
    BrowserSession.objects.update(expire_date=timezone.now() - timedelta(seconds=1))
    assert not is_answered(known, web_app)


@pytest.mark.parametrize(
    "changes", [{"is_active": False}, {"password": "!another"}, {"session_generation": 7}], ids=str
)  # fmt: skip
def test_a_user_who_has_changed_is_not_logged_in(known, web_app, alice, changes):
    """ASVS 5.0 7.4.2, 7.4.3: even if the sessions and authorizations had not been ended."""
    models.QuerySet(get_user_model()).filter(pk=alice.pk).update(**changes)
    assert Session.objects.get().ended_at is None
    assert not is_answered(known, web_app)


def test_a_login_by_a_backend_that_the_site_no_longer_has_does_not_count(known, web_app, settings):
    settings.AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.ModelBackend"]
    assert not is_answered(known, web_app)


def test_a_session_that_has_ended_is_not_answered_with(known, web_app):
    """ASVS 5.0 7.4.1."""
    ended = Session.objects.get()
    Session.objects.update(ended_at=timezone.now(), end_reason="logout")
    granted = ended.authorizations.count()
    ask(known, web_app)
    assert ended.authorizations.count() == granted


def test_the_browser_session_and_not_the_row_decides_who_is_logged_in(known, web_app, bob):
    """The row is found by the key of the browser's session, but what the session itself says counts: without Alice's id
    in the session, the request is not hers, whatever other rows exist.
    """
    of_bob = logged_in(bob)
    Session.objects.update(browser_digest=digest(of_bob.cookies[site.SESSION_COOKIE_NAME].value))
    browser_session = of_bob.session
    browser_session.update({**dict(known.session.items()), SESSION_KEY: str(bob.pk)})
    browser_session.save()
    granted = Authorization.objects.count()
    assert not is_answered(of_bob, web_app)
    assert Authorization.objects.count() == granted


def test_the_session_that_the_browser_names_counts(known, web_app, alice):
    """Another session of the same user does not count, even if its row has this browser's key."""
    [named] = Session.objects.all()
    other = Session.objects.create(user=alice, auth_time=named.auth_time, acr=named.acr, amr=named.amr)
    Session.objects.filter(pk=named.pk).update(browser_digest=None)
    Session.objects.filter(pk=other.pk).update(browser_digest=digest(known.cookies[site.SESSION_COOKIE_NAME].value))
    assert is_answered(known, web_app)
    assert Authorization.objects.order_by("-created_at").first().session == named


@pytest.mark.usefixtures("clock_stands")
def test_a_request_that_the_page_answers_is_counted_once(known, web_app, alice):
    """OWASP API4."""

    def counted():
        count = rate_limits.counts.get(("pages", f"authorize\nuser {alice.pk}"))
        return count.shared + count.pending

    before = counted()
    assert is_answered(known, web_app)
    assert counted() == before + 1
    assert not is_answered(known, web_app, scope="openid balances:read")
    assert counted() == before + 2


@pytest.mark.usefixtures("clock_stands")
def test_too_many_requests_are_refused(known, web_app, monkeypatch):
    """OWASP API4."""
    monkeypatch.setattr(rate_limits, "PAGES", rate_limits.Limit("pages", 3))
    answers = [ask(known, web_app).status_code for _ in range(6)]
    assert answers[-1] == 429
    assert Authorization.objects.count() <= 5


def test_it_reads_the_newest_decisions_and_the_page_all_others(known, web_app, is_fast):
    """However many the user has made, a request that the newest ones cover costs the same."""
    newest = known_login.NEWEST_DECISIONS
    for _ in range(newest - 1):
        decide(known, ask(known, web_app, scope="balances:read", prompt="consent"))
    assert (statements(known, web_app) == 2) == is_fast
    decide(known, ask(known, web_app, scope="balances:read", prompt="consent"))
    assert statements(known, web_app) > 2
    assert is_answered(known, web_app)


def test_it_takes_two_statements(known, web_app, is_fast):
    assert (statements(known, web_app) == 2) is is_fast
