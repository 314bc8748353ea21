"""The developer portal: registering an app, its review until it is live, and which apps a developer may change."""

import json
from datetime import timedelta
from urllib.parse import urlencode

import pytest
import time_machine
from bs4 import BeautifulSoup
from django.core import mail
from django.db import IntegrityError, transaction
from django.test import Client as Browser
from django.urls import reverse
from django.utils import timezone

from oauth.authorize.backchannel_request import _may_be_asked
from oauth.clients.self_service import reviews
from oauth.clients.self_service.mails import tell
from oauth.grants.token_exchange import _may_exchange
from oauth.models import AuditEvent, Authorization, Client, ClientReview, SandboxUser
from oauth.pages.developers.requests import masked
from tests.lib.client_keys import ClientKey
from tests.lib.login import logged_in
from tests.lib.oauth_client import authorization_url, form_fields
from tests.lib.registered import make_client, make_user
from tests.lib.staff import browser_of, staff

pytestmark = pytest.mark.django_db
FORM = "application/x-www-form-urlencoded"
NEW = {
    "kind": "web",
    "name": "Moneta",
    "redirect_uris": "https://moneta.example/callback",
    "allowed_scopes": ["openid", "accounts:read"],
    "client_uri": "https://moneta.example/",
}


@pytest.fixture
def developer(db):
    return make_user("dev@example.test", "Dora Developer")


@pytest.fixture
def portal(developer):
    return logged_in(developer)


@pytest.fixture
def app(portal, developer):
    assert portal.post("/developers/apps/new", NEW).status_code == 303
    return Client.objects.get(user=developer)


@pytest.fixture
def reviewer(db):
    return staff("superuser")


def of(client, act=""):
    return f"/developers/apps/{client.pk}{act and '/'}{act}"


def text(page):
    return BeautifulSoup(page.content, "html.parser").get_text(" ", strip=True)


def go_live(client, by):
    review = reviews.ask(client, client.user)
    reviews.approve(review, by)
    client.refresh_from_db()


def test_a_new_app_has_the_safe_values_of_its_kind_and_is_not_live(portal, app, developer):
    """RFC 9700 §2: the presets of the admin."""
    admins = make_client("web")
    for name in ("grant_types", "token_endpoint_auth_method", "client_type", "require_pkce", "kind"):
        assert getattr(app, name) == getattr(admins, name)
    assert (app.is_live, app.is_vouched_for, app.user) == (False, False, developer)
    assert "Sandbox only" in text(portal.get(of(app)))
    assert AuditEvent.objects.get(action="client_registered").actor == str(developer.pk)


@pytest.mark.parametrize("kind", ["mobile", "browser", "service", "device"])
def test_each_kind_can_be_registered(portal, developer, kind):
    fields = {"kind": kind, "name": "Moneta", "allowed_scopes": ["accounts:read"]}
    if kind in ("mobile", "browser"):
        fields["redirect_uris"] = "https://moneta.example/callback"
    assert portal.get(f"/developers/apps/new?kind={kind}").status_code == 200
    assert portal.post("/developers/apps/new", fields).status_code == 303
    assert Client.objects.get(user=developer).kind == kind


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("redirect_uris", "http://moneta.example/callback"),
        ("redirect_uris", "https://*.moneta.example/callback"),
        ("redirect_uris", "javascript:alert(1)"),
        ("name", "Моnеtа"),
        ("name", "moneta.example"),
        ("client_uri", "http://moneta.example/"),
        ("logo_uri", "javascript:alert(1)"),
        ("allowed_scopes", ["root"]),
        ("redirect_uris", ""),
    ],
)
def test_an_unsafe_app_cannot_be_registered(portal, developer, field, value):
    page = portal.post("/developers/apps/new", NEW | {field: value})
    assert page.status_code == 400
    assert BeautifulSoup(page.content, "html.parser").select(".errorlist")
    assert not Client.objects.filter(user=developer).exists()


def test_a_form_that_is_sent_twice_registers_one_app(portal, developer):
    """As by a double click. Other values, after going back, register another app."""
    page = BeautifulSoup(portal.get("/developers/apps/new?kind=web").content, "html.parser")
    filled_in = NEW | {"form": page.select_one("main input[name=form]")["value"]}
    answers = [portal.post("/developers/apps/new", filled_in) for _ in range(2)]
    app = Client.objects.get(user=developer)
    assert [answer.headers["Location"] for answer in answers] == [of(app)] * 2
    portal.post("/developers/apps/new", filled_in | {"name": "Moneta Two"})
    assert Client.objects.filter(user=developer).count() == 2


def test_fields_that_the_form_does_not_have_do_not_count(portal, developer):
    more = {"grant_types": "implicit", "require_pkce": "False", "is_live": "True", "client_id": "mine", "is_active": ""}
    portal.post("/developers/apps/new", NEW | more)
    made = Client.objects.get(user=developer)
    assert (made.is_live, made.require_pkce, made.is_active) == (False, True, True)
    assert made.client_id != "mine"
    assert "implicit" not in made.grant_types


def test_only_users_with_a_verified_email_are_developers(portal, developer, client):
    assert client.get("/developers").status_code == 200
    assert client.get("/developers/apps/new")["Location"].startswith("/accounts/login/")
    developer.emailaddress_set.update(verified=False)
    assert portal.get("/developers").status_code == 200
    for method in (portal.get, portal.post):
        assert method("/developers/apps/new", NEW).status_code == 403
    assert not Client.objects.filter(user=developer).exists()


def test_a_site_without_developers_has_no_portal(portal, app, settings):
    settings.OAUTH = {name: value for name, value in settings.OAUTH.items() if name != "DEVELOPERS"}
    for path in ("/developers", "/developers/apps/new", of(app), "/developers/sandbox"):
        assert portal.get(path).status_code == 404
    assert portal.get("/build").status_code == 200


PAGES = ["", "change", "programs", "keys", "requests"]
ACTS = ["change", "review", "secret", "keys", "close"]


def test_another_developer_cannot_open_the_pages_of_an_app(app, bob):
    """OWASP API1: the answer is the same as for an app that does not exist."""
    of_bob = logged_in(bob)
    for page in PAGES:
        assert of_bob.get(of(app, page)).status_code == 404
    with time_machine.travel(timezone.now() + timedelta(minutes=11), tick=False):
        for act in ACTS:
            assert of_bob.post(of(app, act), {"act": "new", "typed": app.name, **NEW}).status_code == 404, act
    for act in ACTS:
        assert of_bob.post(of(app, act), {"act": "new", "typed": app.name, **NEW}).status_code == 404, act
    app.refresh_from_db()
    assert (app.secret_digest, app.is_live) == (None, False)
    assert not ClientReview.objects.exists()


def test_nobody_has_a_page_for_a_client_of_an_admin(portal, web_app):
    for page in PAGES:
        assert portal.get(of(web_app, page)).status_code == 404


def test_each_act_needs_its_csrf_token(portal, app):
    strict = Browser(enforce_csrf_checks=True)
    strict.cookies = portal.cookies
    for act in ACTS:
        assert strict.post(of(app, act), {"act": "new"}).status_code == 403
    assert strict.post("/developers/apps/new", NEW).status_code == 403


def test_a_secret_needs_a_recent_login_and_is_shown_once(portal, app):
    """ASVS 5.0 7.5.3."""
    with time_machine.travel(timezone.now() + timedelta(minutes=11), tick=False):
        for act in ("secret", "keys", "close"):
            answer = portal.post(of(app, act), {"act": "new", "typed": app.name})
            assert answer["Location"].startswith("/accounts/reauthenticate/"), act
    app.refresh_from_db()
    assert app.secret_digest is None
    page = portal.post(of(app, "secret"), {"act": "new"})
    shown = BeautifulSoup(page.content, "html.parser").select_one("#client-secret").text
    app.refresh_from_db()
    assert app.secret_is(shown)
    assert page["Cache-Control"] == "no-store"
    assert shown not in portal.get(of(app)).content.decode()


def test_the_old_secret_works_for_a_day_or_until_it_is_ended(portal, app):
    secrets = []
    for _ in range(2):
        page = portal.post(of(app, "secret"), {"act": "new"})
        secrets.append(BeautifulSoup(page.content, "html.parser").select_one("#client-secret").text)
    app.refresh_from_db()
    assert all(app.secret_is(one) for one in secrets)
    portal.post(of(app, "secret"), {"act": "retire"})
    app.refresh_from_db()
    assert [app.secret_is(one) for one in secrets] == [False, True]


def test_own_keys_take_the_place_of_the_secret(portal, app):
    portal.post(of(app, "secret"), {"act": "new"})
    unstorable = json.dumps({"keys": [{**ClientKey().public, "kid": "\0"}]})
    for wrong in ("not json", '{"keys": []}', '{"keys": [{"kty": "oct", "k": "c2VjcmV0"}]}', unstorable):
        assert portal.post(of(app, "keys"), {"jwks": wrong}).status_code == 400
    assert portal.post(of(app, "keys"), {"jwks_uri": "http://moneta.example/jwks"}).status_code == 400
    app.refresh_from_db()
    assert app.has_secret
    assert portal.post(of(app, "keys"), {"jwks": json.dumps({"keys": [ClientKey().public]})}).status_code == 303
    app.refresh_from_db()
    assert (app.token_endpoint_auth_method, app.secret_digest) == ("private_key_jwt", None)


# --- not live: for the developer's sandbox users only


@pytest.fixture
def sandbox_user(developer):
    user = make_user("anna@sandbox.invalid", "Anna")
    SandboxUser.objects.create(user=user, owner=developer)
    return user


def test_an_app_that_is_not_live_is_for_sandbox_users_of_its_developer(app, developer, bob, sandbox_user):
    stranger = make_user("carl@sandbox.invalid", "Carl")
    SandboxUser.objects.create(user=stranger, owner=bob)
    for user in (developer, bob, stranger):
        page = logged_in(user).get(authorization_url(app, redirect_uri=NEW["redirect_uris"]))
        assert "expects another account" in text(page)
        assert "Allow" not in text(page)
        assert not SandboxUser.may_allow(app, user.pk)
    assert "Allow" in text(logged_in(sandbox_user).get(authorization_url(app, redirect_uri=NEW["redirect_uris"])))


def test_a_sandbox_user_cannot_allow_a_live_app_of_anybody_else(web_app, sandbox_user):
    assert "sandbox user" in text(logged_in(sandbox_user).get(authorization_url(web_app)))


def test_an_app_that_is_not_live_is_no_way_to_redirect_strangers(app, developer, bob, sandbox_user):
    """RFC 9700 §4.11: otherwise, anybody could register an app and use this site as an open redirector."""
    url = authorization_url(app, redirect_uri=NEW["redirect_uris"], prompt="none")
    for browser in (logged_in(bob), logged_in(developer), Browser()):
        page = browser.get(url, headers={"Sec-Fetch-Dest": "document"})
        assert (page.status_code, page.headers.get("Location")) == (200, None)
        assert "moneta.example" in text(page)
    assert "consent_required" in logged_in(sandbox_user).get(url, headers={"Sec-Fetch-Dest": "document"})["Location"]


def test_the_database_refuses_every_other_authorization(app, web_app, developer, bob, sandbox_user):
    def write(user, client):
        with transaction.atomic():
            return Authorization.objects.create(user=user, client=client, expires_at=timezone.now())

    for user, client in ((developer, app), (bob, app), (sandbox_user, web_app)):
        with pytest.raises(IntegrityError, match="sandbox user"):
            write(user, client)
    moved = write(sandbox_user, app)
    with pytest.raises(IntegrityError, match="sandbox user"), transaction.atomic():
        Authorization.objects.filter(pk=moved.pk).update(user=bob)
    SandboxUser.objects.filter(user=sandbox_user).update(owner=None)
    with pytest.raises(IntegrityError, match="sandbox user"):
        write(sandbox_user, app)
    ownerless = make_client("web", name="Nobody's", is_live=False)
    ownerless.save()
    with pytest.raises(IntegrityError, match="sandbox user"):
        write(sandbox_user, ownerless)


def test_an_app_never_goes_back_from_live(app, reviewer):
    go_live(app, reviewer)
    with pytest.raises(IntegrityError, match="stays so"), transaction.atomic():
        Client.objects.filter(pk=app.pk).update(is_live=False)


def test_a_service_gets_no_token_before_it_is_live(portal, developer, reviewer, token_endpoint):
    portal.post("/developers/apps/new", {"kind": "service", "name": "Batch", "allowed_scopes": ["accounts:read"]})
    service = Client.objects.get(user=developer)
    secret = service.issue_secret()
    service.save()
    service.secret = secret
    refused = token_endpoint.post(service, grant_type="client_credentials")
    assert refused.json()["error"] == "unauthorized_client"
    go_live(service, reviewer)
    service.secret = secret
    assert token_endpoint.post(service, grant_type="client_credentials").status_code == 200


def test_a_device_that_is_not_live_is_for_sandbox_users_of_its_developer(portal, developer, bob, sandbox_user):
    portal.post("/developers/apps/new", {"kind": "device", "name": "Screen", "allowed_scopes": ["accounts:read"]})
    app = Client.objects.get(user=developer)
    form = {"client_id": app.client_id, "scope": "accounts:read"}
    code = Browser().post("/oauth/device_authorization", urlencode(form), content_type=FORM).json()["user_code"]
    for user in (bob, developer):
        page = logged_in(user).post("/oauth/device", urlencode({"user_code": code}), content_type=FORM)
        assert (page.status_code, "Screen" in text(page)) == (404, False)
    assert "Screen" in text(
        logged_in(sandbox_user).post("/oauth/device", urlencode({"user_code": code}), content_type=FORM)
    )


@pytest.mark.parametrize("asked", ["developer", "sandbox"])
def test_a_back_channel_request_reaches_only_sandbox_users(app, developer, sandbox_user, asked):
    """Only an admin can give this grant type, but the rule applies to it, too."""
    user = developer if asked == "developer" else sandbox_user
    assert _may_be_asked(user, b"hint", app) is (asked == "sandbox")


def test_an_app_that_is_not_live_exchanges_no_token_of_another(app, web_app):
    app.exchange_from.add(web_app)
    assert (_may_exchange(app, web_app), _may_exchange(app, app)) == (False, True)
    Client.objects.filter(pk=app.pk).update(is_live=True)
    assert _may_exchange(Client.objects.get(pk=app.pk), web_app)


def test_a_sandbox_user_is_no_developer(sandbox_user):
    assert logged_in(sandbox_user).get("/developers/apps/new").status_code == 403


# --- review


@pytest.mark.parametrize(
    ("name", "warning"),
    [
        ("Countersign Security", "The name contains the name of this site, Countersign."),
        ("\uff23ountersign", "The name contains the name of this site, Countersign."),
        ("C0unters1gn", "The name contains the name of this site, Countersign."),
        ("budget  GARDEN", "Other clients have this name or one that looks like it: web-app."),
        ("Budget Gärden", "Other clients have this name or one that looks like it: web-app."),
        ("Moneta", ""),
    ],
)
def test_staff_see_that_a_name_imitates_another(portal, developer, reviewer, name, warning):
    """At the review and on the client's page. It is a warning: the app may have the name."""
    make_client("web", name="Budget Garden", client_id="web-app").save()
    portal.post("/developers/apps/new", NEW | {"name": name})
    review = reviews.ask(Client.objects.get(user=developer), developer)
    admin = browser_of(reviewer)
    for model, pk in (("clientreview", review.pk), ("client", review.client_id)):
        page = BeautifulSoup(admin.get(reverse(f"admin:oauth_{model}_change", args=[pk])).content, "html.parser")
        assert [note.text for note in page.select(".errornote")] == ([warning] if warning else [])


def test_the_name_of_the_site_is_no_warning_for_its_own_app(reviewer):
    own = make_client("web", name="Countersign Mobile")
    own.save()
    assert "name of this site" not in text(
        browser_of(reviewer).get(reverse("admin:oauth_client_change", args=[own.pk]))
    )


def test_staff_find_the_app_on_their_home_page_and_let_it_live(portal, app, reviewer, developer):
    portal.post(of(app, "review"), {"act": "ask", "note": "We read balances."})
    assert "In review" in text(portal.get(of(app)))
    admin = browser_of(reviewer)
    assert "Apps of developers to review" in text(admin.get("/admin/"))
    review = ClientReview.objects.get()
    url = reverse("admin:oauth_clientreview_change", args=[review.pk])
    page = text(admin.get(url))
    for shown in ("Moneta", "https://moneta.example/callback", "accounts:read", "We read balances.", developer.email):
        assert shown in page
    admin.post(reverse("admin:oauth_clientreview_decide", args=[review.pk]), {"decision": "approve"})
    app.refresh_from_db()
    assert (app.is_live, app.is_vouched_for) == (True, True)
    assert "Live" in text(portal.get(of(app)))
    tell(review.pk)
    assert (mail.outbox[-1].to, mail.outbox[-1].subject) == ([developer.email], "Your app was approved")
    assert "Apps of developers to review" not in text(admin.get("/admin/"))


def test_a_declined_app_stays_in_the_sandbox_and_its_developer_reads_why(portal, app, reviewer, developer):
    portal.post(of(app, "review"), {"act": "ask"})
    review = ClientReview.objects.get()
    decide = reverse("admin:oauth_clientreview_decide", args=[review.pk])
    admin = browser_of(reviewer)
    admin.post(decide, {"decision": "decline", "reason": " "})
    assert ClientReview.objects.get().is_open, "a reason is needed"
    admin.post(decide, {"decision": "decline", "reason": "Say who you are."})
    app.refresh_from_db()
    assert not app.is_live
    assert "Say who you are." in text(portal.get(of(app)))
    tell(review.pk)
    assert "Say who you are." in mail.outbox[-1].body
    portal.post(of(app, "review"), {"act": "ask"})
    assert ClientReview.objects.filter(state="open").count() == 1


def test_nobody_reviews_their_own_app(portal, app, developer):
    developer.is_staff = developer.is_superuser = True
    developer.save()
    portal = logged_in(developer)
    portal.post(of(app, "review"), {"act": "ask"})
    review = ClientReview.objects.get()
    browser_of(developer).post(reverse("admin:oauth_clientreview_decide", args=[review.pk]), {"decision": "approve"})
    app.refresh_from_db()
    assert not app.is_live
    assert "Apps of developers to review" not in text(browser_of(developer).get("/admin/"))


@pytest.mark.parametrize("role", ["Support", "Auditor", ""])
def test_staff_without_the_right_to_change_clients_decide_nothing(portal, app, role):
    portal.post(of(app, "review"), {"act": "ask"})
    review = ClientReview.objects.get()
    answer = browser_of(staff(role)).post(
        reverse("admin:oauth_clientreview_decide", args=[review.pk]), {"decision": "approve"}
    )
    assert answer.status_code == 403
    app.refresh_from_db()
    assert not app.is_live


def test_an_approval_does_not_undo_what_staff_have_changed_since_the_page_was_opened(portal, app, reviewer):
    """The page of a live app shows only what would change, so the reviewer has not seen the scopes."""
    Client.objects.filter(pk=app.pk).update(is_live=True)
    portal.post(of(app, "change"), NEW | {"redirect_uris": "https://moneta.example/new"})
    review = ClientReview.objects.get()
    admin = browser_of(reviewer)
    url = reverse("admin:oauth_clientreview_change", args=[review.pk])
    decide = reverse("admin:oauth_clientreview_decide", args=[review.pk])
    seen = form_fields(admin.get(url).content)["seen"]
    assert "Allowed scopes" not in text(admin.get(url))
    Client.objects.filter(pk=app.pk).update(allowed_scopes=["openid"])
    answer = admin.post(decide, {"decision": "approve", "seen": seen}, follow=True)
    assert "Somebody else changed the client" in text(answer)
    assert "Allowed scopes" in text(answer)
    app.refresh_from_db()
    assert (app.allowed_scopes, ClientReview.objects.get().state) == (["openid"], "open")
    admin.post(decide, {"decision": "approve", "seen": form_fields(answer.content)["seen"]})
    app.refresh_from_db()
    assert app.redirect_uris == "https://moneta.example/new"


def test_an_approval_writes_what_staff_saw(portal, app, reviewer):
    """If the app changes while staff review it, their approval does not count."""
    portal.post(of(app, "review"), {"act": "ask"})
    seen = ClientReview.objects.get()
    portal.post(of(app, "change"), NEW | {"redirect_uris": "https://evil.example/callback"})
    admin = browser_of(reviewer)
    admin.post(reverse("admin:oauth_clientreview_decide", args=[seen.pk]), {"decision": "approve"})
    app.refresh_from_db()
    assert not app.is_live
    assert "evil.example" in app.redirect_uris


def test_changes_of_a_live_app_wait_and_the_live_version_stays(portal, app, reviewer):
    go_live(app, reviewer)
    portal.post(of(app, "change"), NEW | {"name": "Moneta Two", "redirect_uris": "https://two.example/callback"})
    app.refresh_from_db()
    assert (app.name, app.redirect_uris, app.is_live) == ("Moneta", NEW["redirect_uris"], True)
    review = ClientReview.objects.get(state="open")
    page = text(browser_of(reviewer).get(reverse("admin:oauth_clientreview_change", args=[review.pk])))
    assert "Moneta Two" in page
    assert "https://two.example/callback" in page
    assert 'value="Moneta Two"' in portal.get(of(app, "change")).content.decode()
    reviews.approve(review, reviewer)
    app.refresh_from_db()
    assert (app.name, app.redirect_uris) == ("Moneta Two", "https://two.example/callback")


def test_a_review_is_taken_back_and_a_second_change_replaces_the_first(portal, app, reviewer):
    go_live(app, reviewer)
    portal.post(of(app, "change"), NEW | {"name": "Moneta Two"})
    portal.post(of(app, "change"), NEW | {"name": "Moneta Three"})
    waiting = ClientReview.objects.get(state="open")
    assert waiting.values["name"] == "Moneta Three"
    portal.post(of(app, "review"), {"act": "withdraw"})
    assert not ClientReview.objects.filter(state="open").exists()
    with pytest.raises(Exception, match="decided or withdrawn"):
        reviews.approve(waiting, reviewer)


def test_values_that_are_no_longer_allowed_are_not_approved(portal, app, reviewer):
    portal.post(of(app, "review"), {"act": "ask"})
    ClientReview.objects.update(values=ClientReview.objects.get().values | {"redirect_uris": "http://evil.example/"})
    admin = browser_of(reviewer)
    url = reverse("admin:oauth_clientreview_decide", args=[ClientReview.objects.get().pk])
    page = admin.post(url, {"decision": "approve"}, follow=True)
    assert "http is only for a loopback address" in text(page)
    app.refresh_from_db()
    assert not app.is_live


# --- disabling and deleting an app


def test_a_disabled_app_cannot_be_changed_by_its_developer(portal, app):
    """Staff have locked the app down."""
    Client.objects.filter(pk=app.pk).update(is_active=False)
    assert "Our staff disabled this app" in text(portal.get(of(app)))
    for act in ACTS:
        portal.post(
            of(app, act),
            NEW
            | {"act": "new", "typed": app.name, "name": "Other", "jwks": json.dumps({"keys": [ClientKey().public]})},
        )
    stored = Client.objects.get(pk=app.pk)
    assert (stored.name, stored.secret_digest, stored.client_jwks) == (app.name, None, None)
    assert not ClientReview.objects.exists()


def test_a_developer_closes_an_app_by_typing_its_name(portal, app):
    portal.post(of(app, "close"), {"typed": "something"})
    assert Client.objects.filter(pk=app.pk).exists()
    portal.post(of(app, "close"), {"typed": "Moneta"})
    assert not Client.objects.filter(pk=app.pk).exists()
    assert AuditEvent.objects.filter(action="client_deleted", client=app.client_id).exists()


def test_a_developer_has_at_most_so_many_apps(portal, app, developer, monkeypatch):
    monkeypatch.setattr("oauth.pages.developers.apps.MOST_APPS", 2)
    for _ in range(3):
        portal.post("/developers/apps/new", NEW)
    assert Client.objects.filter(user=developer).count() == 2


# --- the log


def test_a_developer_reads_refusals_of_their_app_by_error_id(portal, app, bob, token_endpoint):
    app.secret = secret = app.issue_secret()
    app.save()
    body = {"grant_type": "authorization_code", "code": "x" * 43, "redirect_uri": NEW["redirect_uris"]}
    refused = token_endpoint.post(app, code_verifier="v" * 43, **body)
    error_id = refused.headers["X-Error-Id"]
    AuditEvent.record(AuditEvent.Action.ALLOWED, user=bob.pk, client=app.client_id, reason="transfers:write")
    page = text(portal.get(of(app, "requests")))
    assert "invalid_grant" in page
    assert error_id in page
    for hidden in (str(bob.pk), bob.email, "transfers:write", secret, "x" * 43):
        assert hidden not in page
    assert error_id in text(portal.get(of(app, "requests"), {"error_id": error_id}))
    assert "None of the last requests of this app has this error ID" in text(
        portal.get(of(app, "requests"), {"error_id": "0" * 32})
    )


def test_what_looks_like_a_secret_is_masked():
    client_id = "abcdefghijklmnopqrstuvwx"
    sent = f"https://app.example/callback#{'s' * 43} of {client_id}"
    assert masked(sent, client_id) == f"https://app.example/callback#ssss… of {client_id}"
