"""An authorization request that waits for its user is bound to one browser, survives what the user does there, and is
answered once.
"""

from datetime import timedelta
from urllib.parse import urlencode

import pytest
import time_machine
from django.core.management import call_command
from django.db import connection, transaction
from django.test import Client as Browser
from django.utils import timezone

from oauth.conf import conf
from oauth.infrastructure import browser_binding
from oauth.models import Authorization, AuthorizationCode, RememberedConsent, Session, StoredInteraction
from tests.lib.beside import Beside
from tests.lib.login import log_in, logged_in
from tests.lib.oauth_client import PASSWORD, allow, authorization_url, callback, decide, form_fields
from tests.lib.par import push

pytestmark = pytest.mark.django_db
FORM = "application/x-www-form-urlencoded"


def ask(browser, client, **parameters):
    """Opens the consent page in this browser. Returns the id of the new interaction."""
    page = browser.get(authorization_url(client, **parameters))
    return form_fields(page.content)["interaction"]


def press(browser, interaction, button="allow", **fields):
    return browser.post("/oauth/authorize", urlencode({"interaction": interaction, "decision": button, **fields}), FORM)


def cookies_of(browser):
    return [name for name, cookie in browser.cookies.items() if name.startswith("interaction-") and cookie.value]


# --- bound to one browser


def test_a_browser_without_the_cookie_cannot_go_on(alice, browser, mobile_app):
    """RFC 6749 §10.12: somebody who knows the link of a request cannot answer it in another browser."""
    interaction = ask(browser, mobile_app)
    other = logged_in(alice)
    assert other.get(f"/oauth/authorize?interaction={interaction}").status_code == 400
    assert press(other, interaction).status_code == 400
    assert press(other, interaction, "deny").status_code == 400
    assert not Authorization.objects.exists()
    assert StoredInteraction.objects.get().answered_at is None


def test_a_cookie_of_another_interaction_does_not_open_it(alice, browser, mobile_app):
    """RFC 6749 §10.12: the digest in the row decides, not the name of the cookie."""
    interaction = ask(browser, mobile_app)
    other = logged_in(alice)
    own = ask(other, mobile_app)
    other.cookies[f"interaction-{interaction}"] = other.cookies[f"interaction-{own}"].value
    assert press(other, interaction).status_code == 400
    assert other.get(f"/oauth/authorize?interaction={interaction}").status_code == 400
    press(other, own)
    assert "Continue to" not in other.get("/").content.decode()


def test_the_cookie_is_kept_from_scripts_and_from_other_hosts(settings, browser, mobile_app):
    """RFC 6265bis §4.1.3.2."""
    settings.SESSION_COOKIE_SECURE = True
    page = browser.get(authorization_url(mobile_app))
    [cookie] = [one for name, one in page.cookies.items() if name.startswith("__Host-interaction-")]
    assert (cookie["httponly"], cookie["secure"], cookie["samesite"], cookie["path"]) == (True, True, "Lax", "/")
    assert cookie["domain"] == ""


def test_a_link_to_a_request_of_another_browser_leads_home(alice, browser, mobile_app):
    """Login CSRF: a user who logs in through a link from an attacker must not answer the attacker's request."""
    interaction = ask(browser, mobile_app)
    other = Browser()
    page = other.get(f"/accounts/login/?next=/oauth/authorize%3Finteraction%3D{interaction}")
    assert mobile_app.name not in page.content.decode()
    fields = {"next": f"/oauth/authorize?interaction={interaction}", "login": alice.email, "password": PASSWORD}
    assert other.post("/accounts/login/", fields)["Location"] == "/"


def test_parallel_tabs_each_keep_their_request(alice, signing_keys, mobile_app):
    """24 tabs that a browser restores at once, before any of them has a cookie."""
    browser = Browser()
    ways = []
    for number in range(24):
        alone = Browser()  # sent before any answer arrived
        ways.append(alone.get(authorization_url(mobile_app, state=f"tab-{number}"))["Location"])
        browser.cookies.update({name: cookie for name, cookie in alone.cookies.items() if "interaction" in name})
    states = []
    for way in ways:
        back = browser.post(way, {"login": alice.email, "password": PASSWORD})
        page = browser.get(back["Location"])
        states.append(callback(decide(browser, page))["state"])
    assert states == [f"tab-{number}" for number in range(24)]


def test_a_browser_keeps_so_many_and_the_oldest_goes(browser, mobile_app):
    first = ask(browser, mobile_app)
    rest = [ask(browser, mobile_app) for _ in range(browser_binding.MOST)]
    assert StoredInteraction.objects.count() == browser_binding.MOST
    assert len(cookies_of(browser)) == browser_binding.MOST
    assert press(browser, first).status_code == 400
    assert press(browser, rest[0]).status_code == 303


def test_only_the_browser_that_holds_them_makes_room(browser, alice, mobile_app):
    """The names of cookies are not proof: nobody can delete the requests of others."""
    victim = ask(browser, mobile_app)
    attacker = logged_in(alice)
    attacker.cookies[f"interaction-{victim}"] = "x"
    for _ in range(browser_binding.MOST):
        ask(attacker, mobile_app)
    assert press(browser, victim).status_code == 303


def test_silence_writes_no_row(browser, web_app):
    allow(browser, web_app)
    StoredInteraction.objects.all().delete()
    assert "code" in callback(browser.get(authorization_url(web_app)))
    assert callback(browser.get(authorization_url(web_app, scope="balances:read", prompt="none")))["error"]
    assert not StoredInteraction.objects.exists()


def test_it_goes_when_nobody_can_go_back_any_more(browser, mobile_app):
    ask(browser, mobile_app)
    with time_machine.travel(timezone.now() + conf.INTERACTION_LIFETIME + timedelta(minutes=1)):
        call_command("cleanup")
        assert StoredInteraction.objects.exists()
    with time_machine.travel(timezone.now() + 2 * conf.INTERACTION_LIFETIME + timedelta(minutes=1)):
        call_command("cleanup")
    assert not StoredInteraction.objects.exists()


# --- requests that cannot be answered


def test_a_user_who_decides_too_late_can_return_to_the_app(browser, mobile_app):
    interaction = ask(browser, mobile_app)
    with time_machine.travel(timezone.now() + conf.INTERACTION_LIFETIME + timedelta(seconds=1)):
        page = press(browser, interaction)
        assert page.status_code == 400
        assert f"Back to {mobile_app.name}" in page.content.decode()
        assert "form-action 'self' https://app.example" in page["Content-Security-Policy"]
        assert callback(press(browser, form_fields(page.content)["interaction"], "deny"))["error"] == "access_denied"


def test_a_user_who_does_not_want_to_log_in_can_return_to_the_app(db, signing_keys, web_app):
    browser = Browser()
    page = browser.get(browser.get(authorization_url(web_app))["Location"]).content.decode()
    assert f"Back to {web_app.name}" in page
    interaction = StoredInteraction.objects.get().pk
    answer = callback(press(browser, interaction, "deny"))
    assert (answer["error"], answer["state"]) == ("access_denied", "the-state")


def test_the_home_page_offers_what_waits(browser, mobile_app, web_app):
    first, second = ask(browser, mobile_app), ask(browser, web_app)
    html = browser.get("/").content.decode()
    assert f"Continue to <bdi>{mobile_app.name}</bdi>" in html
    assert f"/oauth/authorize?interaction={second}" in html
    press(browser, first)
    press(browser, second)
    assert "Continue to" not in browser.get("/").content.decode()


def test_a_client_that_was_disabled_meanwhile_is_offered_no_more(browser, mobile_app):
    interaction = ask(browser, mobile_app)
    mobile_app.is_active = False
    mobile_app.save()
    assert "Continue to" not in browser.get("/").content.decode()
    assert press(browser, interaction).status_code == 400


def test_a_client_that_must_push_meanwhile_gets_no_code_for_a_request_that_was_not_pushed(browser, web_app):
    """FAPI 2.0 §5.3.2.2: a request from before the switch is not answered after it."""
    interaction = ask(browser, web_app)
    pushed = push(web_app).json()["request_uri"]
    web_app.require_pushed_authorization_requests = True
    web_app.save()
    answer = callback(press(browser, interaction))
    assert (answer["error"], Authorization.objects.count()) == ("invalid_request", 0)
    url = f"/oauth/authorize?{urlencode({'client_id': web_app.client_id, 'request_uri': pushed})}"
    assert "code" in callback(press(browser, form_fields(browser.get(url).content)["interaction"]))


def test_a_client_that_lost_the_flow_meanwhile_gets_no_code(browser, web_app):
    """RFC 9700 §2.1.2."""
    interaction = ask(browser, web_app)
    web_app.grant_types = ["client_credentials"]
    web_app.save()
    assert callback(press(browser, interaction))["error"] == "unauthorized_client"
    assert not Authorization.objects.exists()


def test_a_redirect_uri_that_was_removed_meanwhile_gets_no_denial_either(browser, mobile_app):
    """RFC 9700 §4.11: nothing is redirected to an address that is not registered."""
    interaction = ask(browser, mobile_app)
    mobile_app.redirect_uris = "https://elsewhere.example/callback"
    mobile_app.save()
    assert press(browser, interaction, "deny").status_code == 400


# --- a button that is pressed twice


def test_a_consent_that_is_sent_again_gets_the_same_answer(browser, web_app, token_endpoint):
    interaction = ask(browser, web_app)
    first = press(browser, interaction)
    assert press(browser, interaction)["Location"] == first["Location"]
    assert browser.get(f"/oauth/authorize?interaction={interaction}")["Location"] == first["Location"]
    assert (Authorization.objects.count(), AuthorizationCode.objects.count()) == (1, 1)
    assert token_endpoint.redeem(web_app, callback(first)["code"]).status_code == 200


@pytest.mark.parametrize("mode", ["form_post", "jwt", "form_post.jwt"])
def test_in_every_response_mode(browser, web_app, mode):
    interaction = ask(browser, web_app, response_mode=mode)
    first, second = press(browser, interaction), press(browser, interaction)
    assert (first.content, first.get("Location")) == (second.content, second.get("Location"))
    assert (first.status_code, second.status_code) == ((303, 303) if mode == "jwt" else (200, 200))
    assert AuthorizationCode.objects.count() == 1


def test_a_denial_that_is_sent_again_gets_the_same_answer(browser, mobile_app):
    interaction = ask(browser, mobile_app)
    first = press(browser, interaction, "deny")
    assert callback(first)["error"] == "access_denied"
    assert press(browser, interaction, "deny")["Location"] == first["Location"]
    assert press(browser, interaction)["Location"] == first["Location"]
    assert not Authorization.objects.exists()


def test_not_after_a_minute(browser, mobile_app):
    interaction = ask(browser, mobile_app)
    first = press(browser, interaction, "deny")  # a denial has no code that would expire
    assert browser.cookies[f"interaction-{interaction}"]["max-age"] == 60
    with time_machine.travel(timezone.now() + timedelta(seconds=55)):
        assert press(browser, interaction, "deny")["Location"] == first["Location"]
    with time_machine.travel(timezone.now() + timedelta(seconds=61)):
        assert press(browser, interaction, "deny").status_code == 400


@pytest.mark.parametrize("is_pushed", [False, True])
def test_a_user_who_goes_back_and_allows_less_gives_only_that(browser, web_app, token_endpoint, is_pushed):
    """ASVS 5.0 10.7.2: the last decision counts, if the app has not used the first one yet."""
    scope = "accounts:read transfers:write"
    url = authorization_url(web_app, scope=scope)
    if is_pushed:
        pushed = push(web_app, scope=scope).json()["request_uri"]
        url = f"/oauth/authorize?{urlencode({'client_id': web_app.client_id, 'request_uri': pushed})}"
    interaction = form_fields(browser.get(url).content)["interaction"]
    wide = callback(press(browser, interaction, **{"allow-transfers:write": "yes"}))["code"]
    narrow = callback(press(browser, interaction))["code"]
    assert callback(press(browser, interaction))["code"] == narrow, "the same again"
    assert token_endpoint.redeem(web_app, wide).json()["error"] == "invalid_grant"
    assert token_endpoint.redeem(web_app, narrow).json()["scope"] == "accounts:read"
    assert [one.is_live for one in Authorization.objects.order_by("pk")] == [False, True]
    assert press(browser, interaction, **{"allow-transfers:write": "yes"}).status_code == 400, "the code was used"


def test_a_user_who_goes_back_cannot_undo_the_change_of_a_grant(browser, web_app, token_endpoint):
    """FAPI Grant Management §5.4."""
    code = allow(browser, web_app, scope="accounts:read", grant_management_action="create")
    grant = token_endpoint.redeem(web_app, code).json()["grant_id"]
    changing = {"grant_management_action": "update", "grant_id": grant}
    interaction = ask(browser, web_app, scope="balances:read transfers:write", **changing)
    first = press(browser, interaction, **{"allow-transfers:write": "yes"})
    assert press(browser, interaction).status_code == 400
    assert "code" in callback(first)
    assert Authorization.objects.get().is_live


def test_a_used_code_is_not_told_again(browser, mobile_app, token_endpoint):
    """RFC 6749 §4.1.2: the client would redeem it a second time, which revokes its tokens."""
    interaction = ask(browser, mobile_app)
    code = callback(press(browser, interaction))["code"]
    token_endpoint.redeem(mobile_app, code)
    again = press(browser, interaction)
    assert again.status_code == 400
    assert code not in again.content.decode()
    assert Authorization.objects.live().exists()


def test_a_revoked_authorization_is_not_told_again(browser, mobile_app):
    interaction = ask(browser, mobile_app)
    press(browser, interaction)
    browser.post("/oauth/apps", urlencode({"client_id": mobile_app.client_id}), FORM)
    assert press(browser, interaction).status_code == 400


def test_what_was_denied_in_another_tab_is_not_told_again(browser, mobile_app):
    interaction, other = ask(browser, mobile_app), ask(browser, mobile_app)
    press(browser, interaction)
    press(browser, other, "deny")
    assert press(browser, interaction).status_code == 400


def test_a_denial_after_consent_ends_the_authorization(browser, web_app, token_endpoint):
    interaction = ask(browser, web_app)
    code = callback(press(browser, interaction))["code"]
    assert callback(press(browser, interaction, "deny"))["error"] == "access_denied"
    assert callback(press(browser, interaction))["error"] == "access_denied"
    assert not Authorization.objects.live().exists()
    assert not RememberedConsent.objects.filter(scopes__len__gt=0).exists()
    assert token_endpoint.redeem(web_app, code).json()["error"] == "invalid_grant"


def test_nobody_else_gets_the_answer(alice, bob, mobile_app, signing_keys):
    """The browser is shared: Bob has logged in after Alice's answer."""
    browser = logged_in(alice)
    interaction = ask(browser, mobile_app)
    code = callback(press(browser, interaction))["code"]
    browser.cookies.update(logged_in(bob).cookies)
    for answer in (press(browser, interaction), browser.get(f"/oauth/authorize?interaction={interaction}")):
        assert answer.status_code == 400
        assert code not in answer.content.decode()
    assert press(browser, interaction, "deny").status_code == 400
    assert Authorization.objects.live().get().user == alice


def test_nobody_answers_a_page_that_was_shown_to_somebody_else(alice, bob, mobile_app, signing_keys):
    """ASVS 5.0 10.7.2: a user can only allow what the page has shown to them."""
    browser = logged_in(alice)
    interaction = ask(browser, mobile_app)
    browser.cookies.update(logged_in(bob).cookies)
    page = press(browser, interaction)
    assert page.status_code == 200
    assert bob.email in page.content.decode()
    assert not Authorization.objects.exists()
    assert "code" in callback(press(browser, interaction))
    assert Authorization.objects.get().user == bob


def test_a_form_without_a_page_is_no_answer(alice, signing_keys, mobile_app):
    browser = Browser()
    browser.get(authorization_url(mobile_app))
    interaction = StoredInteraction.objects.get().pk
    browser.cookies.update(logged_in(alice).cookies)
    assert press(browser, interaction).status_code == 200
    assert not Authorization.objects.exists()


def test_the_database_holds_no_code(browser, mobile_app):
    interaction = ask(browser, mobile_app)
    code = callback(press(browser, interaction))["code"]
    with connection.cursor() as cursor:
        cursor.execute("SELECT i::text, answer FROM oauth_storedinteraction i")
        [(written, answer)] = cursor.fetchall()
    assert code not in written
    assert code.encode() not in bytes(answer)


def test_a_pushed_request_is_answered_once_and_told_twice(browser, web_app):
    """RFC 9126 §4: the second post gets the answer of the first, and another tab of the same request gets none."""
    web_app.token_endpoint_auth_method = "client_secret_post"
    web_app.save()
    query = urlencode({"client_id": web_app.client_id, "request_uri": push(web_app).json()["request_uri"]})
    first, second = [form_fields(browser.get(f"/oauth/authorize?{query}").content)["interaction"] for _ in range(2)]
    answer = press(browser, first)
    assert press(browser, first)["Location"] == answer["Location"]
    assert press(browser, second).status_code == 400
    assert AuthorizationCode.objects.count() == 1


def test_a_change_of_a_grant_cannot_be_denied_afterwards(browser, web_app, issued):
    web_app.allowed_scopes = [*web_app.allowed_scopes, "grant_management_query"]
    web_app.save()
    issued(web_app)
    grant = str(Authorization.objects.get().pk)
    interaction = ask(browser, web_app, scope="balances:read", grant_management_action="update", grant_id=grant)
    press(browser, interaction)
    assert press(browser, interaction, "deny").status_code == 400
    assert Authorization.objects.live().exists()


# --- simultaneous answers


def both_at_once(browser, send):
    """Sends two POSTs from one browser. Both wait for the row, which the test has locked, and then run one after the
    other.
    """
    posts = [Beside(lambda: send(copied(browser))) for _ in range(2)]
    with transaction.atomic():
        list(StoredInteraction.objects.select_for_update())
        for number, post in enumerate(posts, start=1):
            post.start_and_wait_for(number)
    for post in posts:
        post.join()
    return [post.results[0] for post in posts]


def copied(browser):
    copy = Browser()
    copy.cookies.update(browser.cookies)
    return copy


@pytest.mark.django_db(transaction=True)
def test_two_posts_at_the_same_moment_get_one_code(browser, web_app):
    interaction = ask(browser, web_app)
    first, second = both_at_once(browser, lambda tab: press(tab, interaction))
    assert first["Location"] == second["Location"]
    assert (Authorization.objects.count(), AuthorizationCode.objects.count()) == (1, 1)


@pytest.mark.django_db(transaction=True)
def test_two_doubled_logins_get_one_code_of_a_remembered_consent(alice, signing_keys, web_app):
    browser = logged_in(alice)
    allow(browser, web_app)
    browser.post("/accounts/logout/")
    Authorization.objects.update(revoked_at=None, revocation_reason="")
    browser.get(authorization_url(web_app))
    interaction = StoredInteraction.objects.get(answered_at=None).pk
    log_in(browser, alice.email)
    before = AuthorizationCode.objects.count()
    first, second = both_at_once(browser, lambda tab: tab.get(f"/oauth/authorize?interaction={interaction}"))
    assert callback(first) == callback(second)
    assert AuthorizationCode.objects.count() == before + 1


@pytest.mark.django_db(transaction=True)
def test_of_allow_and_deny_at_the_same_moment_the_denial_counts(browser, mobile_app):
    interaction = ask(browser, mobile_app)
    buttons = iter(("allow", "deny"))
    both_at_once(browser, lambda tab: press(tab, interaction, next(buttons)))
    assert not Authorization.objects.live().exists()


@pytest.mark.django_db(transaction=True)
def test_two_tabs_that_allow_at_the_same_moment_end_with_one_logout(alice, signing_keys, mobile_app, web_app):
    """ASVS 5.0 7.4.1: each tab has read its own copy of the browser's session before the Session for clients was added
    to it.
    """
    browser = logged_in(alice)
    wanted = iter([ask(browser, mobile_app), ask(browser, web_app)])
    for answer in both_at_once(browser, lambda tab: press(tab, next(wanted))):
        assert "code" in callback(answer)
    assert (Authorization.objects.live().count(), Session.objects.count()) == (2, 1)
    browser.post("/accounts/logout/")
    assert not Authorization.objects.live().exists()


def test_no_session_is_left_open_by_a_form_with_nothing_ticked(browser, mobile_app):
    interaction = ask(browser, mobile_app, scope="transfers:write balances:read")
    press(browser, interaction)
    browser.post("/accounts/logout/")
    assert not Session.objects.filter(ended_at=None).exists()
