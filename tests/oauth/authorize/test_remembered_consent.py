"""A request is answered without a consent page only if the user has seen and allowed all of it before (ASVS 5.0 10.7.1,
10.7.2).
"""

import base64
import json
from datetime import timedelta
from urllib.parse import urlencode

import pytest
import time_machine
from allauth.mfa.models import Authenticator
from django.db import connection, models, transaction
from django.test import Client as Browser
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from banking.accounts.opening import open_account
from oauth.authorize import remembered
from oauth.clients import cache
from oauth.models import AuditEvent, Authorization, Client, RememberedConsent, Session
from oauth.sessions import login_session
from tests.lib.beside import Beside
from tests.lib.login import logged_in
from tests.lib.oauth_client import PASSWORD, authorization_url, callback, decide, form_fields
from tests.lib.registered import make_client

pytestmark = pytest.mark.django_db
FORM = "application/x-www-form-urlencoded"
MFA = "urn:countersign:acr:mfa"
ACCOUNTS = {"type": "account_information", "actions": ["accounts", "balances"]}


@pytest.fixture
def account(alice):
    return open_account(alice, name="Everyday", currency="GBP")


def ask(browser, client, **parameters):
    return browser.get(authorization_url(client, **parameters))


def is_silent(browser, client, **parameters):
    answer = ask(browser, client, **parameters)
    return answer.status_code == 303 and ("code" in callback(answer) or "access_token" in answer["Location"])


def allow(browser, client, **parameters):
    page = ask(browser, client, **parameters)
    assert page.status_code == 200, page["Location"]
    return callback(decide(browser, page))["code"]


def allow_only(browser, page, *ticks):
    fields = [*form_fields(page.content).items(), ("decision", "allow"), *((f"allow-{tick}", "yes") for tick in ticks)]
    return callback(browser.post("/oauth/authorize", urlencode(fields), content_type=FORM))


@pytest.fixture
def push(browser, token_endpoint):
    """Opens the consent page for details, which a confidential client has pushed (ASVS 5.0 10.4.15)."""

    def page(client, *details, **parameters):
        query = authorization_url(client, authorization_details=json.dumps(details), **parameters).partition("?")[2]
        credentials = base64.b64encode(f"{client.client_id}:{client.secret}".encode()).decode()
        pushed = browser.post(
            "/oauth/par", query, content_type=FORM, headers={"Authorization": f"Basic {credentials}"}
        ).json()
        return browser.get(
            "/oauth/authorize?" + urlencode({"client_id": client.client_id, "request_uri": pushed["request_uri"]})
        )

    return page


def test_what_was_shown_and_allowed_is_not_asked_again(browser, web_app):
    allow(browser, web_app, scope="openid accounts:read balances:read")
    assert is_silent(browser, web_app, scope="openid accounts:read")
    assert is_silent(browser, web_app, scope="openid accounts:read balances:read", prompt="none")
    assert not is_silent(browser, web_app, scope="openid transfers:read")


def test_a_grant_narrowed_by_details_never_answers_for_bare_scopes(browser, web_app, account, push):
    """RFC 9396 §6, ASVS 5.0 10.7.2: the page showed one account, which is no consent to all accounts."""
    page = push(web_app, ACCOUNTS, scope="openid")
    assert "code" in callback(decide(browser, page))
    assert "accounts:read" in Authorization.objects.get().scopes
    assert not is_silent(browser, web_app, scope="accounts:read")
    assert not is_silent(browser, web_app, scope="openid")
    answer = callback(ask(browser, web_app, scope="accounts:read", prompt="none"))
    assert answer["error"] == "consent_required"


def test_a_narrowed_decision_is_not_remembered(browser, web_app, account, push):
    assert "code" in callback(decide(browser, push(web_app, ACCOUNTS, scope="openid")))
    assert not RememberedConsent.objects.exists()


def test_details_that_are_shown_later_end_what_was_remembered_of_their_scopes(browser, web_app, account, push):
    allow(browser, web_app, scope="openid accounts:read balances:read")
    decide(browser, push(web_app, ACCOUNTS, scope="openid"))
    assert not is_silent(browser, web_app, scope="openid accounts:read")
    assert is_silent(browser, web_app, scope="openid")


def test_accounts_unpicked_on_the_page_of_apps_end_what_was_remembered(browser, web_app, alice, account, push):
    savings = open_account(alice, name="Savings", currency="GBP")
    decide(browser, push(web_app, ACCOUNTS, scope="openid"))
    narrowed = Authorization.objects.get()
    allow(browser, web_app, scope="openid accounts:read")
    assert is_silent(browser, web_app, scope="openid accounts:read")
    page = f"/oauth/apps/{narrowed.pk}/0"
    picked = urlencode([("choice-0", str(savings.pk)), ("decision", "save")])
    assert browser.post(page, picked, content_type=FORM).status_code == 303
    assert not is_silent(browser, web_app, scope="openid accounts:read")
    assert is_silent(browser, web_app, scope="openid")


def test_accounts_picked_for_one_permission_do_not_count_for_another(browser, web_app, alice, account, push):
    """The app gets a wider permission in one tab, with fewer accounts, while the page to change it is open in another."""
    savings = open_account(alice, name="Savings", currency="GBP")
    page = push(web_app, {**ACCOUNTS, "actions": ["accounts"]}, scope="openid", grant_management_action="create")
    decide(browser, page)
    grant = Authorization.objects.get()
    url = f"/oauth/apps/{grant.pk}/0"
    opened = form_fields(browser.get(url).content)
    replacing = {"grant_management_action": "replace", "grant_id": str(grant.pk)}
    page = push(web_app, {**ACCOUNTS, "actions": ["accounts", "transactions"]}, scope="openid", **replacing)
    fields = [*form_fields(page.content).items(), ("choice-0", str(account.pk)), ("decision", "allow")]
    assert browser.post("/oauth/authorize", urlencode(fields), content_type=FORM).status_code == 303
    both = [("choice-0", str(one.pk)) for one in (account, savings)]
    old = browser.post(url, urlencode([*opened.items(), *both, ("decision", "save")]), content_type=FORM)
    assert old.status_code == 400
    assert "This permission has changed since you opened the page" in old.content.decode()
    grant.refresh_from_db()
    assert grant.authorization_details[0]["accounts"] == [str(account.pk)]
    answer = browser.post(
        url, urlencode([*form_fields(old.content).items(), *both, ("decision", "save")]), content_type=FORM
    )
    assert answer.status_code == 303


def test_a_scope_that_was_unticked_later_does_not_come_back(browser, web_app):
    """An earlier, wider authorization is still live, but the last decision about each scope counts."""
    allow(browser, web_app, scope="accounts:read transfers:write")
    page = ask(browser, web_app, scope="accounts:read transfers:write", prompt="consent")
    assert "code" in allow_only(browser, page)
    assert not is_silent(browser, web_app, scope="accounts:read transfers:write")
    assert not is_silent(browser, web_app, scope="transfers:write")
    assert is_silent(browser, web_app, scope="accounts:read")


def test_what_was_denied_is_asked_again(browser, web_app):
    allow(browser, web_app, scope="accounts:read transfers:write")
    page = ask(browser, web_app, scope="transfers:write", prompt="consent")
    assert callback(decide(browser, page, "deny"))["error"] == "access_denied"
    assert not is_silent(browser, web_app, scope="transfers:write")
    assert is_silent(browser, web_app, scope="accounts:read")


def test_parts_of_two_decisions_are_not_put_together(browser, web_app):
    """Each part was shown to the user, but never both together."""
    allow(browser, web_app, scope="accounts:read")
    allow(browser, web_app, scope="transfers:write")
    assert is_silent(browser, web_app, scope="accounts:read")
    assert is_silent(browser, web_app, scope="transfers:write")
    assert not is_silent(browser, web_app, scope="accounts:read transfers:write")


def test_consent_to_a_claim_is_no_consent_to_its_scope(browser, web_app):
    """OpenID Connect Core §5.5."""
    by_name = {"scope": "openid", "claims": '{"userinfo": {"email_verified": null}}'}
    allow(browser, web_app, **by_name)
    assert is_silent(browser, web_app, **by_name)
    assert not is_silent(browser, web_app, scope="openid email")
    assert not is_silent(browser, web_app, scope="openid", claims='{"userinfo": {"email": null}}')
    assert not is_silent(browser, web_app, scope="openid", claims='{"id_token": {"name": null}}')


def test_a_scope_answers_for_its_claims_by_name(browser, web_app):
    allow(browser, web_app, scope="openid email")
    assert is_silent(browser, web_app, scope="openid", claims='{"userinfo": {"email": null}}')


def test_another_resource_is_asked_for(browser, web_app, settings):
    """RFC 8707."""
    first, second = "http://localhost:8000/api/v1", "https://other.example/api"
    resources = {**settings.OAUTH["RESOURCES"], second: {"name": "Other", "path": "/"}}
    settings.OAUTH = {**settings.OAUTH, "RESOURCES": resources}
    allow(browser, web_app, resource=first)
    assert is_silent(browser, web_app, resource=first)
    assert not is_silent(browser, web_app, resource=second)


def test_a_decision_for_a_code_does_not_answer_for_a_token_in_the_browser(browser, web_app, settings):
    settings.OAUTH = {**settings.OAUTH, "ALLOW_IMPLICIT": True}
    web_app.grant_types = [*web_app.grant_types, "implicit"]
    web_app.save()
    allow(browser, web_app)
    assert is_silent(browser, web_app)
    assert not is_silent(browser, web_app, response_type="token", code_challenge=None, code_challenge_method=None)


@pytest.fixture
def manager(signing_keys):
    client = make_client("web")
    client.secret = client.issue_secret()
    client.save()
    return client


def test_what_a_grant_was_replaced_by_is_all_that_is_remembered(browser, manager):
    """FAPI Grant Management §5.4: after a replacement, neither the earlier permissions nor more than the page showed
    are remembered.
    """
    allow(browser, manager, scope="accounts:read balances:read", grant_management_action="create")
    grant = str(Authorization.objects.get().pk)
    allow(browser, manager, scope="balances:read", grant_management_action="replace", grant_id=grant)
    assert is_silent(browser, manager, scope="balances:read")
    assert not is_silent(browser, manager, scope="accounts:read balances:read")
    assert not is_silent(browser, manager, scope="accounts:read")


@pytest.mark.parametrize("switch", [True, False], ids=["fast", "plain"])
def test_answers_without_a_page_are_not_looked_at_again(browser, web_app, settings, switch):
    """The number of silent answers does not matter, because a decision is looked up only among the authorizations that
    had a page.
    """
    settings.OAUTH = {**settings.OAUTH, "FAST_PATH": switch}
    allow(browser, web_app)
    for _ in range(3):
        assert is_silent(browser, web_app)
    assert Authorization.objects.get(is_repeat=False).remembered_consent
    assert not RememberedConsent.objects.filter(authorization__is_repeat=True).exists()
    assert Authorization.objects.filter(is_repeat=True).count() == 3


@pytest.mark.parametrize("switch", [True, False], ids=["fast", "plain"])
@pytest.mark.parametrize("sooner", [True, False], ids=["ends sooner", "ends later"])
def test_the_newest_of_two_decisions_counts(browser, web_app, settings, switch, sooner):
    """Whichever of them ends first: an answer never lasts longer than the user saw last."""
    settings.OAUTH = {**settings.OAUTH, "FAST_PATH": switch}
    allow(browser, web_app)
    allow(browser, web_app, prompt="consent")
    first, newest = RememberedConsent.objects.order_by("decided_at")
    one_that_ends_sooner = newest if sooner else first
    one_that_ends_sooner.expires_at -= timedelta(days=1)
    one_that_ends_sooner.save()
    assert is_silent(browser, web_app)
    assert Authorization.objects.get(is_repeat=True).expires_at == newest.expires_at


def test_a_grant_without_a_page_that_a_page_replaced_is_remembered(browser, manager):
    """FAPI Grant Management §5.4."""
    allow(browser, manager, scope="accounts:read balances:read")
    assert is_silent(browser, manager, scope="accounts:read")
    grant = str(Authorization.objects.get(is_repeat=True).pk)
    allow(browser, manager, scope="transfers:read", grant_management_action="replace", grant_id=grant)
    assert is_silent(browser, manager, scope="transfers:read")


def test_what_was_added_to_a_grant_is_asked_again(browser, manager):
    """The page of an update shows only what is added, not the sum."""
    allow(browser, manager, scope="accounts:read", grant_management_action="create")
    grant = str(Authorization.objects.get().pk)
    allow(browser, manager, scope="balances:read", grant_management_action="update", grant_id=grant)
    assert is_silent(browser, manager, scope="accounts:read")
    assert not is_silent(browser, manager, scope="accounts:read balances:read")


def test_a_grant_that_details_were_added_to_or_replaced_it_answers_no_more(browser, manager, account, push):
    allow(browser, manager, scope="openid accounts:read", grant_management_action="create")
    grant = str(Authorization.objects.get().pk)
    for action in ("update", "replace"):
        page = push(manager, ACCOUNTS, scope="openid", grant_management_action=action, grant_id=grant)
        assert "code" in callback(decide(browser, page))
        assert not is_silent(browser, manager, scope="openid accounts:read")
        assert not is_silent(browser, manager, scope="openid")


def test_a_narrowed_grant_replaced_by_bare_scopes_answers_for_these(browser, manager, account, push):
    decide(browser, push(manager, ACCOUNTS, scope="openid"))
    grant = str(Authorization.objects.get().pk)
    allow(browser, manager, scope="accounts:read", grant_management_action="replace", grant_id=grant)
    assert is_silent(browser, manager, scope="accounts:read")
    assert not is_silent(browser, manager, scope="balances:read")


def test_an_authorization_without_a_decision_is_asked_again(browser, web_app, alice):
    """These are rows of the last release, and grants of the device flow and of CIBA, which have no consent page of this
    kind.
    """
    Authorization.objects.create(
        user=alice,
        client=web_app,
        scopes=["accounts:read"],
        resources=["http://localhost:8000/api/v1"],
        expires_at=timezone.now() + timedelta(days=1),
    )
    assert not is_silent(browser, web_app)


def test_a_decision_ends_with_its_authorization(browser, web_app):
    allow(browser, web_app)
    assert is_silent(browser, web_app)
    decided = Authorization.objects.get(remembered_consent__isnull=False)
    decided.revoke(Authorization.RevocationReason.ADMIN)
    assert not is_silent(browser, web_app)


def test_an_authorization_with_details_is_no_consent_to_a_request_without_details(browser, web_app):
    """However the details were written, an authorization with details does not count as consent to a request without
    details.
    """
    allow(browser, web_app)
    Authorization.objects.update(authorization_details=[{**ACCOUNTS, "identifier": "x", "accounts": []}])
    assert not is_silent(browser, web_app)


def test_an_authorization_without_a_page_ends_on_the_date_that_the_page_showed(browser, web_app):
    """ASVS 5.0 10.4.8: each login creates an authorization of its own, and none lasts longer than the user's
    decision.
    """
    allow(browser, web_app)
    until = RememberedConsent.objects.get().expires_at
    with time_machine.travel(timezone.now() + timedelta(days=5)):
        browser.post("/accounts/login/", {"login": "alice@example.test", "password": "correct-horse-battery"})
        assert is_silent(browser, web_app)
    assert list(Authorization.objects.values_list("expires_at", flat=True)) == [until, until]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("prompt", ["none", None])
def test_a_denial_in_another_tab_at_the_same_moment_counts(browser, web_app, alice, prompt):
    """ASVS 5.0 10.7.2: the denial is written but not committed when the silent request looks for a decision. The silent
    request must wait, and then show the page.
    """
    allow(browser, web_app, scope="accounts:read")
    beside = Beside(lambda: ask(browser, web_app, scope="accounts:read", prompt=prompt))
    with transaction.atomic():
        remembered.narrow(alice, web_app, ["accounts:read"])
        beside.start_and_wait()
    beside.join()
    [answer] = beside.results
    if prompt:
        assert callback(answer)["error"] == "consent_required"
    else:
        assert answer.status_code == 200
    assert Authorization.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_denial_waits_for_a_silent_answer_under_way(browser, web_app, alice):
    """The denial runs after the silent answer, and then applies to all later requests."""
    allow(browser, web_app, scope="accounts:read")

    @transaction.atomic
    def deny():
        remembered.narrow(alice, web_app, ["accounts:read"])

    beside = Beside(deny)
    with transaction.atomic():
        assert is_silent(browser, web_app, scope="accounts:read")
        beside.start_and_wait()
        assert beside.is_alive()
    beside.join()
    assert not is_silent(browser, web_app, scope="accounts:read")


@pytest.mark.django_db(transaction=True)
def test_removing_an_app_ends_an_authorization_that_is_being_granted_without_a_page(browser, web_app):
    """ASVS 5.0 10.7.3: "the app no longer has access" must be true, so the removal waits and then reads the
    authorizations again.
    """
    allow(browser, web_app, scope="accounts:read")
    elsewhere = Browser()
    elsewhere.post("/accounts/login/", {"login": "alice@example.test", "password": PASSWORD})
    form = urlencode({"client_id": web_app.client_id})
    beside = Beside(lambda: elsewhere.post("/oauth/apps", form, content_type=FORM))
    with transaction.atomic():
        assert is_silent(browser, web_app, scope="accounts:read")
        beside.start_and_wait()
        assert not beside.results
    beside.join()
    assert beside.results
    assert Authorization.objects.count() == 2
    assert not Authorization.objects.live().exists()


@pytest.mark.django_db(transaction=True)
def test_silent_answers_do_not_wait_for_each_other(browser, web_app):
    allow(browser, web_app, scope="accounts:read")
    elsewhere = Browser()
    elsewhere.post("/accounts/login/", {"login": "alice@example.test", "password": PASSWORD})
    beside = Beside(lambda: is_silent(elsewhere, web_app, scope="accounts:read"))
    with transaction.atomic():
        assert is_silent(browser, web_app, scope="accounts:read")
        beside.start_and_wait()
        assert beside.results == [True]
    beside.join()


@pytest.mark.django_db(transaction=True)
def test_a_logout_ends_a_silent_answer_under_way(browser, web_app):
    """OpenID Connect RP-Initiated Logout §2, ASVS 5.0 7.4.1: the logout waits for the silent answer, and then ends its
    authorization with the session.
    """
    allow(browser, web_app, scope="accounts:read")
    session = Session.objects.get()
    beside = Beside(lambda: login_session.end_all(session.user, Session.EndReason.LOGOUT))
    with transaction.atomic():
        assert is_silent(browser, web_app, scope="accounts:read")
        beside.start_and_wait()
        assert beside.is_alive()
    beside.join()
    assert not Authorization.objects.live().exists()


@pytest.mark.django_db(transaction=True)
def test_nothing_is_granted_in_a_session_that_has_just_ended(browser, web_app):
    """ASVS 5.0 7.4.1: when the silent answer is written, the logout has been written but not committed."""
    allow(browser, web_app, scope="accounts:read offline_access")
    beside = Beside(lambda: ask(browser, web_app, scope="accounts:read"))
    with transaction.atomic():
        login_session.end_all(Session.objects.get().user, Session.EndReason.LOGOUT)
        beside.start_and_wait()
        assert not beside.results
    beside.join()
    [answer] = beside.results
    assert answer.status_code == 400
    assert b"login_required" in answer.content
    assert Authorization.objects.count() == 1


@pytest.fixture
def fast_path(settings):
    settings.OAUTH = {**settings.OAUTH, "FAST_PATH": True}


def test_a_silent_answer_takes_two_statements(fast_path, browser, web_app):
    """One statement reads the session, its user and what was allowed, and one writes. The client is cached."""
    allow(browser, web_app, scope="accounts:read")
    assert is_silent(browser, web_app, scope="accounts:read"), "the session of the login has begun"
    with CaptureQueriesContext(connection) as captured:
        assert is_silent(browser, web_app, scope="accounts:read")
    assert len(captured) == 2, captured.captured_queries
    assert Authorization.objects.count() == 3
    assert AuditEvent.objects.filter(action=AuditEvent.Action.ALLOWED).count() == 3
    newest, shown = Authorization.objects.order_by("-pk").first(), Authorization.objects.order_by("pk").first()
    assert (newest.scopes, newest.session, newest.acr, newest.amr) == (
        shown.scopes,
        shown.session,
        shown.acr,
        shown.amr,
    )
    assert newest.expires_at == shown.expires_at, "the date that the page showed"
    assert newest.codes.get().scopes == newest.scopes


def test_a_silent_answer_after_another_login_belongs_to_that_login(fast_path, browser, web_app):
    """The session row still has the time of the earlier login."""
    allow(browser, web_app, scope="accounts:read")
    login = Session.objects.get().auth_time
    Session.objects.update(auth_time=login - timedelta(hours=1))
    assert is_silent(browser, web_app, scope="accounts:read")
    assert Authorization.objects.order_by("pk").last().auth_time == Session.objects.get().auth_time == login


@pytest.mark.parametrize(
    ("changes", "status"),
    [({"is_active": False}, 400), ({"redirect_uris": "https://other.example/callback"}, 400), ({"require_pushed_authorization_requests": True}, 303),
     ({"default_max_age": 0}, 303)],
)  # fmt: skip
def test_a_client_that_another_process_has_changed_is_read_again(fast_path, browser, web_app, changes, status):
    """A cached client alone never causes a refusal, and nothing is granted to it once its row has changed."""
    allow(browser, web_app, scope="accounts:read")
    assert is_silent(browser, web_app, scope="accounts:read")
    models.QuerySet(Client).filter(pk=web_app.pk).update(**changes)  # this process is not notified
    granted = Authorization.objects.count()
    answer = ask(browser, web_app, scope="accounts:read")
    assert answer.status_code == status
    assert "code=" not in answer.get("Location", "")
    assert Authorization.objects.count() == granted


def test_an_app_that_another_process_has_renamed_asks_again(fast_path, browser, web_app):
    """The consent page showed the name of the app, so the user is asked again after a change of the name."""
    allow(browser, web_app, scope="accounts:read")
    assert is_silent(browser, web_app, scope="accounts:read")
    models.QuerySet(Client).filter(pk=web_app.pk).update(name="Another name")
    assert ask(browser, web_app, scope="accounts:read").status_code == 200


def test_a_cached_client_may_ask_for_a_fresh_login(fast_path, browser, web_app):
    """OpenID Connect Core §3.1.2.1: a default of the client counts like a parameter of the request."""
    allow(browser, web_app, scope="accounts:read")
    web_app.default_max_age = 0
    web_app.save()
    for _ in range(2):
        assert not is_silent(browser, web_app, scope="accounts:read")
    assert cache.cached(web_app.client_id)


@pytest.mark.parametrize(
    "parameters",
    [
        {"prompt": "consent"},
        {"prompt": "select_account"},
        {"prompt": "login"},
        {"max_age": "0"},
        {"acr_values": MFA},
        {"claims": json.dumps({"id_token": {"acr": {"essential": True, "values": [MFA]}}})},
        {"claims": json.dumps({"userinfo": {"email": None}})},
        {"claims": json.dumps({"id_token": {"sub": {"value": "somebody-else"}}})},
        {"id_token_hint": "of bob"},
        {"scope": "openid accounts:read offline_access"},
        {"scope": "openid balances:read"},
    ],
    ids=str,
)
def test_what_must_be_asked_is_asked_by_a_cached_client_too(
    fast_path, browser, token_endpoint, web_app, alice, bob, parameters
):
    """`at_once` with a cached client gives only answers that the normal steps would give."""
    if "id_token_hint" in parameters:
        of_bob = logged_in(bob)
        code = allow(of_bob, web_app, scope="openid")
        parameters = {"id_token_hint": token_endpoint.redeem(web_app, code).json()["id_token"]}
    Authenticator.objects.create(user=alice, type=Authenticator.Type.TOTP, data={})
    allow(browser, web_app, scope="openid accounts:read")
    usual = {"scope": "openid accounts:read"}
    assert is_silent(browser, web_app, **usual)
    assert cache.cached(web_app.client_id)
    granted = Authorization.objects.count()
    answer = ask(browser, web_app, **usual | parameters)
    assert "code=" not in answer.get("Location", "")
    if not parameters.keys() & {"prompt", "acr_values"}:  # a voluntary acr is ignored if the user cannot be asked
        assert "error" in callback(ask(browser, web_app, **usual | parameters | {"prompt": "none"}))
    assert Authorization.objects.count() == granted


@pytest.mark.parametrize(
    "changes", [{"security_profile": "fapi2"}, {"allowed_scopes": ["openid"]}, {"default_acr_values": [MFA]}], ids=str
)  # fmt: skip
def test_a_change_of_the_client_counts_at_once_if_its_cache_knows_it(fast_path, browser, web_app, alice, changes):
    Authenticator.objects.create(user=alice, type=Authenticator.Type.TOTP, data={})
    allow(browser, web_app, scope="openid accounts:read")
    assert is_silent(browser, web_app, scope="openid accounts:read")
    models.QuerySet(Client).filter(pk=web_app.pk).update(**changes)  # by another process
    for is_known in (False, True):
        if is_known:
            cache.load(web_app.client_id)
        assert not is_silent(browser, web_app, scope="openid accounts:read")
    assert Authorization.objects.count() == 2
