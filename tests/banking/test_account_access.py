"""An app that requests only scopes gets access to the accounts that its user picks, at every endpoint (ASVS 5.0 10.7.2,
10.7.3).
"""

import base64
import json
from urllib.parse import urlencode

import pytest
from bs4 import BeautifulSoup
from django.db import connection, models
from django.test import Client as Browser
from django.test.utils import CaptureQueriesContext

from banking import orders
from banking.account_life.access import end_access
from banking.consents.ending import end_consents
from banking.models import Account, AccountAccess, Consent, Event, ScheduledTransfer, Webhook
from banking.models.account_queryset import SCOPES_OF_ACCOUNTS, SCOPES_OF_ACTIONS, picked_in
from banking.notation import bank_day
from oauth.authorize import decision
from oauth.infrastructure import caches
from oauth.models import Authorization, Client, RememberedConsent, Scope
from tests.lib import ciba, device
from tests.lib.ledger import funded
from tests.lib.oauth_client import authorization_url, callback, decoded, form_fields
from tests.lib.registered import make_client
from tests.lib.token_exchange import exchange
from tests.lib.transfers import body_of, order, send

pytestmark = pytest.mark.django_db
FORM = "application/x-www-form-urlencoded"
SCOPE = "accounts:read balances:read transactions:read statements:read transfers:read transfers:write"


def soup(page):
    return BeautifulSoup(page.content, "html.parser")


def pick(browser, page, *chosen, path="/oauth/authorize", ticks=("transfers:write",)):
    """Ticks exactly these accounts on the consent page."""
    values = [choice if isinstance(choice, str) else str(choice.pk) for choice in chosen]
    fields = [
        *form_fields(page.content).items(),
        *((f"allow-{tick}", "yes") for tick in ticks),
        *(("choice-0", value) for value in values),
        ("decision", "allow"),
    ]
    return browser.post(path, urlencode(fields), content_type=FORM)


@pytest.fixture
def tokens_of(browser, token_endpoint):
    def of(client, *chosen, **parameters):
        parameters.setdefault("scope", SCOPE)
        answer = pick(browser, browser.get(authorization_url(client, **parameters)), *chosen)
        return token_endpoint.redeem(client, callback(answer)["code"]).json()

    return of


def seen_by(app):
    return {row["id"] for row in app.get("/api/v1/accounts").json()["data"]}


def test_the_accounts_of_today_are_ticked_with_their_balances_and_future_ones_are_not(
    browser, mobile_app, current, savings
):
    page = browser.get(authorization_url(mobile_app, scope=SCOPE))
    boxes = {box["value"]: box.has_attr("checked") for box in soup(page).select("[name=choice-0]")}
    assert boxes == {str(current.pk): True, str(savings.pk): True, "all": False}
    text = soup(page).select_one("fieldset").get_text(" ", strip=True)
    assert "All accounts, also future ones" in text
    assert "Current account" in text
    assert "£100.00" in text


def test_an_app_without_scopes_of_accounts_is_not_asked_about(browser, mobile_app, current):
    assert not soup(browser.get(authorization_url(mobile_app, scope="openid profile"))).select("fieldset")


def test_what_is_picked_is_all_that_the_api_shows(tokens_of, mobile_app, current, savings, api):
    answer = tokens_of(mobile_app, current)
    [detail] = answer["authorization_details"]
    assert (detail["type"], detail["accounts"]) == ("account_access", [str(current.pk)])
    app = api(answer["access_token"])
    assert seen_by(app) == {str(current.pk)}
    for path in ("", "/balances", "/transactions", "/statements"):
        assert app.get(f"/api/v1/accounts/{current.pk}{path}").status_code == 200, path
        assert app.get(f"/api/v1/accounts/{savings.pk}{path}").status_code == 404, path
    assert app.get("/api/v1/consent").json()["accounts"] == [str(current.pk)]


def test_money_leaves_only_what_is_picked(tokens_of, mobile_app, current, savings, of_bob, api):
    app = api(tokens_of(mobile_app, savings)["access_token"])
    assert send(app, body_of(current, of_bob, 1)).status_code == 404
    assert order(app, current, of_bob, first_on=bank_day.today().isoformat()).status_code == 404
    allowed = api(tokens_of(mobile_app, current, savings)["access_token"])
    paid = send(allowed, body_of(current, savings, 1), "another-key-of-16")
    assert paid.status_code == 201, paid.json()


def test_a_narrowed_an_exchanged_and_a_refreshed_token_keep_the_pick(
    tokens_of, mobile_app, current, savings, token_endpoint, api
):
    service = make_client("service", allowed_scopes=[*SCOPE.split()])
    service.grant_types = ["urn:ietf:params:oauth:grant-type:token-exchange"]
    service.secret = service.issue_secret()
    service.save()
    service.exchange_from.set([mobile_app])
    first = tokens_of(mobile_app, current)
    refreshed = token_endpoint.refresh(mobile_app, first["refresh_token"], scope="accounts:read").json()
    exchanged = exchange(token_endpoint, service, first["access_token"]).json()
    for answer in (refreshed, exchanged):
        assert seen_by(api(answer["access_token"])) == {str(current.pk)}


def test_what_is_unticked_is_over_in_each_authorization_of_the_app(
    tokens_of, browser, web_app, current, savings, token_endpoint, api
):
    """ASVS 10.7.3: an app gets another authorization with each login without a page."""
    first = tokens_of(web_app, current, savings)
    silent = token_endpoint.redeem(web_app, callback(browser.get(authorization_url(web_app, scope=SCOPE)))["code"])
    again = tokens_of(web_app, "all", prompt="consent", scope="accounts:read")
    assert "authorization_details" not in again
    given = Authorization.objects.order_by("pk")
    assert given.count() == 3
    page = f"/oauth/apps/{given[0].pk}/0"
    body = urlencode([("choice-0", str(current.pk)), ("decision", "save")])
    assert browser.post(page, body, content_type=FORM).status_code == 303
    for tokens in (first, silent.json(), again):
        now = token_endpoint.refresh(web_app, tokens["refresh_token"]).json()
        assert seen_by(api(now["access_token"])) == {str(current.pk)}
        old = Browser().post(
            "/oauth/introspect",
            urlencode(
                {"token": tokens["access_token"], "client_id": web_app.client_id, "client_secret": web_app.secret}
            ),
            content_type=FORM,
        )
        assert old.json() == {"active": False}


def test_what_is_added_or_kept_changes_no_other_authorization(tokens_of, browser, web_app, current, savings):
    tokens_of(web_app, current, scope="accounts:read")
    tokens_of(web_app, savings, scope="balances:read", prompt="consent")
    first, second = Authorization.objects.order_by("pk")
    for chosen in ([current], [current, savings], [savings]):
        body = urlencode([*(("choice-0", str(one.pk)) for one in chosen), ("decision", "save")])
        assert browser.post(f"/oauth/apps/{first.pk}/0", body, content_type=FORM).status_code == 303
        index = second.status_index
        second.refresh_from_db()
        assert (second.authorization_details[0]["accounts"], second.status_index) == ([str(savings.pk)], index)


def test_introspection_says_what_was_picked(tokens_of, web_app, current, savings):
    answer = tokens_of(web_app, current)
    credentials = base64.b64encode(f"{web_app.client_id}:{web_app.secret}".encode()).decode()
    body = urlencode({"token": answer["access_token"]})
    headers = {"Authorization": f"Basic {credentials}"}
    told = Browser().post("/oauth/introspect", body, content_type=FORM, headers=headers).json()
    assert told["authorization_details"] == answer["authorization_details"]


def test_all_accounts_means_also_future_ones(tokens_of, mobile_app, alice, current, api):
    answer = tokens_of(mobile_app, "all")
    assert "authorization_details" not in answer
    later = funded(alice, "Opened later")
    assert seen_by(api(answer["access_token"])) == {str(current.pk), str(later.pk)}


def test_an_account_of_later_is_not_in_a_pick(tokens_of, mobile_app, alice, current, api):
    app = api(tokens_of(mobile_app, current)["access_token"])
    funded(alice, "Opened later")
    assert seen_by(app) == {str(current.pk)}


def test_a_user_must_pick_at_least_one_account_and_only_own_ones(browser, mobile_app, current, of_bob):
    page = browser.get(authorization_url(mobile_app, scope=SCOPE))
    for chosen in ((), (of_bob,), (current, of_bob), ("user",), ("",)):
        refused = pick(browser, page, *chosen)
        assert refused.status_code == 400, chosen
        says = "One of these accounts is no longer available" if any(chosen) else "Pick at least one account"
        assert says in refused.content.decode()
    assert not Authorization.objects.exists()


def test_a_user_without_an_account_shares_no_later_account_by_default(browser, mobile_app, alice, token_endpoint, api):
    page = browser.get(authorization_url(mobile_app, scope=SCOPE))
    assert "You have no account yet" in page.content.decode()
    answer = token_endpoint.redeem(mobile_app, callback(pick(browser, page))["code"]).json()
    funded(alice, "The first")
    assert seen_by(api(answer["access_token"])) == set()


def test_no_account_limit_is_stored_for_an_unticked_scope(browser, web_app, current):
    page = browser.get(authorization_url(web_app, scope="openid transfers:write"))
    callback(pick(browser, page, current, ticks=()))
    stored = Authorization.objects.get()
    assert (stored.scopes, stored.authorization_details) == (["openid"], [])


def test_a_client_cannot_request_the_detail(browser, mobile_app, current):
    detail = {"type": "account_access", "scopes": ["accounts:read"], "accounts_by": "user"}
    answer = browser.get(authorization_url(mobile_app, authorization_details=json.dumps([detail])))
    assert b"invalid_authorization_details" in answer.content or "invalid_authorization_details" in answer["Location"]


def test_a_client_that_may_have_some_types_only_keeps_its_tokens(browser, mobile_app, current, token_endpoint):
    """ASVS 5.0 10.4.11 limits what a client may request. What a user picks is another limit."""
    mobile_app.authorization_details_types = ["transfer"]
    mobile_app.save()
    code = callback(pick(browser, browser.get(authorization_url(mobile_app, scope=SCOPE)), current))["code"]
    assert token_endpoint.redeem(mobile_app, code).status_code == 200


# --- remembered


def ask(browser, client, **parameters):
    return browser.get(authorization_url(client, **parameters))


def granted_silently(browser, client, **parameters):
    """The accounts that the app gets without a consent page; None means all."""
    answer = ask(browser, client, **parameters)
    assert answer.status_code == 303, "the user was asked"
    assert "code" in callback(answer)
    details = Authorization.objects.latest("created_at").authorization_details
    picked = picked_in(details, "accounts")
    return None if picked is None else {str(pk) for pk in picked.accounts}


@pytest.mark.parametrize("is_fast", [True, False], ids=["fast", "with the locks"])
def test_a_silent_answer_has_the_limits_that_the_user_saw(settings, browser, web_app, alice, current, savings, is_fast):
    settings.OAUTH = {**settings.OAUTH, "FAST_PATH": is_fast}
    pick(browser, ask(browser, web_app, scope=SCOPE), current)
    funded(alice, "Opened later")
    assert granted_silently(browser, web_app, scope=SCOPE) == {str(current.pk)}
    assert granted_silently(browser, web_app, scope="accounts:read") == {str(current.pk)}
    first, *others = Authorization.objects.order_by("created_at")
    assert {one.authorization_details[0]["identifier"] for one in others}.isdisjoint(
        {first.authorization_details[0]["identifier"]}
    )


def test_a_silent_answer_within_limits_takes_three_statements(settings, browser, web_app, current):
    """One more statement than without limits, which reads the accounts that are still open."""
    settings.OAUTH = {**settings.OAUTH, "FAST_PATH": True}
    pick(browser, ask(browser, web_app, scope="accounts:read"), current)
    assert granted_silently(browser, web_app, scope="accounts:read") == {str(current.pk)}
    with CaptureQueriesContext(connection) as captured:
        ask(browser, web_app, scope="accounts:read")
    assert len(captured) == 3, [query["sql"] for query in captured]
    [first, *others] = Consent.objects.order_by("pk")
    assert len(others) == 2
    assert all([*one.accounts.all()] == [*first.accounts.all()] == [current] for one in others)


def test_an_answer_that_is_not_written_leaves_no_consent(settings, browser, web_app, current):
    settings.OAUTH = {**settings.OAUTH, "FAST_PATH": True}
    pick(browser, ask(browser, web_app, scope="accounts:read"), current)
    assert granted_silently(browser, web_app, scope="accounts:read") == {str(current.pk)}
    models.QuerySet(Client).filter(pk=web_app.pk).update(name="Another name")  # by another process
    assert ask(browser, web_app, scope="accounts:read").status_code == 200
    assert Consent.objects.count() == 2


def test_a_narrower_pick_later_counts_for_every_earlier_decision(browser, web_app, current, savings):
    pick(browser, ask(browser, web_app, scope="accounts:read balances:read"), "all", ticks=())
    pick(browser, ask(browser, web_app, scope="accounts:read", prompt="consent"), savings, ticks=())
    assert granted_silently(browser, web_app, scope="accounts:read") == {str(savings.pk)}
    assert ask(browser, web_app, scope="accounts:read balances:read").status_code == 200
    assert granted_silently(browser, web_app, scope="balances:read") is None


def test_a_wider_answer_later_counts_too(browser, web_app, current, savings):
    pick(browser, ask(browser, web_app, scope="accounts:read"), savings, ticks=())
    pick(browser, ask(browser, web_app, scope="accounts:read", prompt="consent"), "all", ticks=())
    assert granted_silently(browser, web_app, scope="accounts:read") is None


def test_accounts_changed_on_the_page_of_apps_are_asked_about_again(browser, web_app, current, savings):
    pick(browser, ask(browser, web_app, scope="accounts:read"), current, ticks=())
    grant = Authorization.objects.get()
    body = urlencode({"choice-0": str(savings.pk), "decision": "save"})
    assert browser.post(f"/oauth/apps/{grant.pk}/0", body, content_type=FORM).status_code == 303
    assert ask(browser, web_app, scope="accounts:read").status_code == 200


def test_a_decision_whose_accounts_are_all_gone_is_asked_again(browser, web_app, alice, current, savings):
    pick(browser, ask(browser, web_app, scope="accounts:read"), savings, ticks=())
    Account.objects.filter(pk=savings.pk).update(status=Account.Status.CLOSED)
    assert ask(browser, web_app, scope="accounts:read").status_code == 200


def test_a_frozen_account_stays_in_a_silent_answer(browser, web_app, current, savings):
    """Otherwise the app would lose it for good: later answers repeat this one."""
    pick(browser, ask(browser, web_app, scope="accounts:read"), current, savings, ticks=())
    Account.objects.filter(pk=savings.pk).update(status=Account.Status.FROZEN)
    assert granted_silently(browser, web_app, scope="accounts:read") == {str(current.pk), str(savings.pk)}


def test_an_account_that_is_no_longer_ones_own_is_in_no_silent_answer(browser, web_app, bob, alice, of_bob, savings):
    AccountAccess.objects.create(account=of_bob, user=alice, role="delegate")
    pick(browser, ask(browser, web_app, scope="accounts:read"), of_bob, savings, ticks=())
    AccountAccess.objects.filter(account=of_bob, user=alice).delete()
    assert granted_silently(browser, web_app, scope="accounts:read") == {str(savings.pk)}


# --- changed, managed, ended


def test_an_app_with_all_accounts_can_be_limited_later(
    tokens_of, browser, mobile_app, current, savings, token_endpoint, api
):
    tokens = tokens_of(mobile_app, "all")
    page = browser.get(f"/oauth/apps/{mobile_app.pk}")
    [link] = [one["href"] for one in soup(page).select("main a.button.small")]
    assert soup(browser.get(link)).select_one("[value=all]").has_attr("checked")
    assert browser.post(link, urlencode({"choice-0": "all", "decision": "save"}), content_type=FORM).status_code == 303
    assert api(tokens["access_token"]).get("/api/v1/accounts").status_code == 200  # nothing was changed
    browser.post(link, urlencode({"choice-0": str(savings.pk), "decision": "save"}), content_type=FORM)
    caches.clear()
    assert api(tokens["access_token"]).get("/api/v1/accounts").status_code == 401
    fresh = token_endpoint.refresh(mobile_app, tokens["refresh_token"]).json()
    assert seen_by(api(fresh["access_token"])) == {str(savings.pk)}
    browser.post(link, urlencode({"choice-0": "all", "decision": "save"}), content_type=FORM)
    fresh = token_endpoint.refresh(mobile_app, fresh["refresh_token"]).json()
    assert seen_by(api(fresh["access_token"])) == {str(current.pk), str(savings.pk)}


def test_a_frozen_account_can_be_kept_when_an_app_with_all_accounts_is_limited(
    tokens_of, browser, mobile_app, current, savings
):
    tokens_of(mobile_app, "all")
    Account.objects.filter(pk=savings.pk).update(status=Account.Status.FROZEN)
    page = f"/oauth/apps/{Authorization.objects.get().pk}/0"
    assert {box["value"] for box in soup(browser.get(page)).select("[name=choice-0]")} == {
        str(current.pk), str(savings.pk), "all",
    }  # fmt: skip
    body = urlencode([("choice-0", str(current.pk)), ("choice-0", str(savings.pk)), ("decision", "save")])
    assert browser.post(page, body, content_type=FORM).status_code == 303
    [detail] = Authorization.objects.get().authorization_details
    assert detail["accounts"] == sorted([str(current.pk), str(savings.pk)])


@pytest.mark.parametrize("is_limited_first", [True, False])
def test_an_update_of_a_grant_neither_widens_nor_narrows_what_was_there(
    browser, current, savings, signing_keys, token_endpoint, api, is_limited_first
):
    """FAPI Grant Management §5.4: the new permissions are added, and each keeps its own accounts."""
    client = make_client("web")
    client.secret = client.issue_secret()
    client.save()
    before, added = (current, "all") if is_limited_first else ("all", current)
    pick(browser, ask(browser, client, scope="accounts:read", grant_management_action="create"), before, ticks=())
    grant = Authorization.objects.get()
    page = ask(browser, client, scope="balances:read", grant_management_action="update", grant_id=str(grant.pk))
    code = callback(pick(browser, page, added, ticks=()))["code"]
    app = api(token_endpoint.redeem(client, code, scope="accounts:read balances:read").json()["access_token"])
    grant.refresh_from_db()
    everything, one = {current.pk, savings.pk}, {current.pk}
    details = grant.authorization_details
    of = Account.objects.of_user(grant.user_id)
    seen = {action: set(of.named_by(details, action).values_list("pk", flat=True)) for action in SCOPES_OF_ACTIONS}
    expected = (one, everything) if is_limited_first else (everything, one)
    assert (seen["accounts"], seen["balances"]) == expected
    assert seen["payments"] == seen["transactions"] == set()
    assert app.get(f"/api/v1/accounts/{savings.pk}/balances").status_code == (200 if is_limited_first else 404)


def test_an_account_that_ends_leaves_the_app_its_login(
    tokens_of, mobile_app, bob, alice, current, of_bob, api, token_endpoint
):
    AccountAccess.objects.create(account=of_bob, user=alice, role="delegate")
    refresh_token = tokens_of(mobile_app, of_bob, scope=f"openid {SCOPE}")["refresh_token"]
    end_access(of_bob.pk, alice.pk, by=bob.pk)
    grant = Authorization.objects.get()
    assert grant.is_live
    assert grant.authorization_details[0]["accounts"] == []
    AccountAccess.objects.create(account=of_bob, user=alice, role="delegate")
    assert not Account.objects.of_user(alice.pk).named_by(grant.authorization_details).exists()
    app = api(token_endpoint.refresh(mobile_app, refresh_token).json()["access_token"])
    assert seen_by(app) == set()
    assert app.get(f"/api/v1/accounts/{current.pk}").status_code == 404


def test_of_many_accounts_the_token_names_the_consent_only(tokens_of, mobile_app, alice, api):
    accounts = [funded(alice, f"Account {number}", amount_minor=0) for number in range(21)]
    answer = tokens_of(mobile_app, *accounts)
    [detail] = answer["authorization_details"]
    assert detail["accounts_by"] == "consent"
    assert "accounts" not in detail
    assert len(seen_by(api(answer["access_token"]))) == 21
    end_consents(alice.pk, accounts[0].pk)
    assert len(seen_by(api(answer["access_token"]))) == 20


# --- elsewhere


def test_a_device_gets_what_is_picked(browser, current, savings, signing_keys, api):
    client = make_client("device", allowed_scopes=["openid", "accounts:read"])
    client.save()
    started = device.begin(client).json()
    page = device.type_code(browser, started["user_code"])
    assert "Current account" in page.content.decode()
    assert pick(browser, page, path="/oauth/device").status_code == 400
    assert "allowed" in pick(browser, page, savings, path="/oauth/device").content.decode().lower()
    assert seen_by(api(device.poll(client, started["device_code"]).json()["access_token"])) == {str(savings.pk)}


def test_a_backchannel_request_gets_what_is_picked(browser, call_centre, current, savings, token_endpoint, api):
    asked = ciba.ask(call_centre).json()
    page = browser.get("/oauth/requests")
    assert "Current account" in page.content.decode()
    pick(browser, page, path="/oauth/requests")
    assert not Authorization.objects.exists()
    pick(browser, page, savings, path="/oauth/requests")
    answer = ciba.poll(token_endpoint, call_centre, asked["auth_req_id"]).json()
    assert seen_by(api(answer["access_token"])) == {str(savings.pk)}


def test_a_decision_about_a_device_is_not_remembered_and_narrows_what_is(browser, web_app, current, savings):
    pick(browser, ask(browser, web_app, scope="accounts:read"), "all", ticks=())
    session = Authorization.objects.get().session
    decision.allow_scopes(web_app, session, scopes=("accounts:read",), resources=(), chosen={0: [str(current.pk)]})
    assert ask(browser, web_app, scope="accounts:read").status_code == 200
    assert RememberedConsent.objects.count() == 1


def test_an_order_of_an_app_that_lost_its_account_is_on_hold(tokens_of, browser, mobile_app, current, savings, api):
    app = api(tokens_of(mobile_app, current, savings)["access_token"])
    assert order(app, current, savings, first_on=bank_day.today().isoformat()).status_code == 201
    grant = Authorization.objects.get()
    body = urlencode({"choice-0": str(savings.pk), "decision": "save"})
    browser.post(f"/oauth/apps/{grant.pk}/0", body, content_type=FORM)
    assert orders.run_due() == 0
    assert ScheduledTransfer.objects.get().held_reason == "app_narrowed"


def test_every_scope_that_opens_an_account_is_limited():
    """Each new scope of the bank must be added here, to decide whether it is about accounts."""
    others = {
        "openid", "profile", "email", "offline_access", "party:read", "payees:read", "payees:write", "webhooks:manage",
        "grant_management_query", "grant_management_revoke",
    }  # fmt: skip
    assert set(Scope.objects.values_list("name", flat=True)) - others == SCOPES_OF_ACCOUNTS


def test_a_webhook_is_about_what_is_picked(browser, web_app, current, savings, token_endpoint, api, monkeypatch):
    monkeypatch.setattr("oauth.infrastructure.outbound.check_url", lambda url: None)
    web_app.allowed_scopes = [*web_app.allowed_scopes, "webhooks:manage"]
    web_app.save()
    scope = "accounts:read transactions:read webhooks:manage"
    code = callback(pick(browser, ask(browser, web_app, scope=scope), current, ticks=("webhooks:manage",)))["code"]
    app = api(token_endpoint.redeem(web_app, code).json()["access_token"])
    body = {"url": "https://hooks.example/bank", "events": [Event.TRANSACTION_BOOKED]}
    made = app.post("/api/v1/webhooks", body, format="json")
    assert made.status_code == 201, made.content
    assert Webhook.objects.get().accounts == [current.pk]


def test_a_login_without_a_page_elsewhere_is_not_asked_to_share(mobile_app):
    """Somebody who is not logged in sees the login page first."""
    assert Browser().get(authorization_url(mobile_app)).status_code == 303


def test_the_token_says_it_in_the_words_of_the_scopes(tokens_of, mobile_app, current):
    [detail] = decoded(tokens_of(mobile_app, current, scope="accounts:read balances:read")["access_token"])[
        "authorization_details"
    ]
    assert detail["scopes"] == ["accounts:read", "balances:read"]
