"""Rich authorization requests (RFC 9396) with the bank's two types: the request, what the user picks, the token, and
what the API enforces.
"""

import base64
import json
import re
import secrets
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from urllib.parse import urlencode
from uuid import UUID

import pytest
from bs4 import BeautifulSoup
from django.db import connection
from django.test import Client as Browser
from django.utils import timezone

from banking.accounts.opening import open_account
from banking.models import Account, Consent, Transfer
from banking.notation import iban
from oauth.conf import conf
from oauth.models import Authorization
from tests.lib.ledger import funded
from tests.lib.oauth_client import CHALLENGE, authorization_url, callback, decoded, form_fields
from tests.lib.registered import make_client

pytestmark = pytest.mark.django_db

READ = {"type": "account_information", "actions": ["accounts", "balances", "transactions"], "valid_for": "P30D"}
FORM = "application/x-www-form-urlencoded"


@pytest.fixture
def accounts(alice):
    return [funded(alice, name) for name in ("Everyday", "Savings", "Secret")]


@pytest.fixture
def pay(of_bob):
    return {
        "type": "transfer", "actions": ["initiate"], "instructed_amount": {"currency": "GBP", "minor_units": 1250},
        "creditor": {"scheme": "iban", "identifier": of_bob.iban, "name": "Bob Baker"}, "reference": "INV 7",
    }  # fmt: skip


def push(token_endpoint, client, details, **parameters):
    """A confidential client's pushed request (ASVS 5.0 10.4.15)."""
    text = details if isinstance(details, str) else json.dumps(details)
    body = {
        "redirect_uri": "https://app.example/callback", "response_type": "code", "state": "the-state",
        "code_challenge": CHALLENGE, "code_challenge_method": "S256", "authorization_details": text, **parameters,
    }  # fmt: skip
    basic = base64.b64encode(f"{client.client_id}:{client.secret}".encode()).decode()
    return Browser().post("/oauth/par", urlencode(body), content_type=FORM, headers={"Authorization": f"Basic {basic}"})


def consent_page(browser, token_endpoint, client, details, **parameters):
    pushed = push(token_endpoint, client, details, **parameters)
    assert pushed.status_code == 201, pushed.content
    query = urlencode({"client_id": client.client_id, "request_uri": pushed.json()["request_uri"]})
    return browser.get(f"/oauth/authorize?{query}")


def decide(browser, page, *chosen, decision="allow"):
    """`chosen` holds (number of the detail, value)."""
    fields = [*form_fields(page.content).items(), ("decision", decision), *((f"choice-{n}", v) for n, v in chosen)]
    return browser.post("/oauth/authorize", urlencode(fields), content_type=FORM)


@pytest.fixture
def tokens(browser, token_endpoint, web_app):
    def issue(details, *chosen, **parameters):
        answer = decide(browser, consent_page(browser, token_endpoint, web_app, details, **parameters), *chosen)
        response = token_endpoint.redeem(web_app, callback(answer)["code"])
        assert response.status_code == 200, response.content
        return response.json()

    return issue


def send(client, body, key=None):
    return client.post(
        "/api/v1/transfers", body, format="json", headers={"Idempotency-Key": key or secrets.token_hex(16)}
    )


def transfer_of(detail, source):
    return {
        "source_account_id": str(source.pk), "destination": detail["creditor"], "amount": detail["instructed_amount"],
        "reference": detail["reference"],
    }  # fmt: skip


# --- which accounts


def test_the_user_picks_accounts_and_the_api_shows_just_those(tokens, accounts, api):
    everyday, savings, secret = accounts
    issued = tokens([READ], (0, str(everyday.pk)), (0, str(savings.pk)))
    [detail] = issued["authorization_details"]
    assert detail["accounts"] == sorted([str(everyday.pk), str(savings.pk)])
    assert decoded(issued["access_token"])["authorization_details"] == [detail]
    assert issued["scope"] == "accounts:read balances:read transactions:read"
    client = api(issued["access_token"])
    assert {row["name"] for row in client.get("/api/v1/accounts").json()["data"]} == {"Everyday", "Savings"}
    for path in ("", "/balances", "/transactions"):
        assert client.get(f"/api/v1/accounts/{everyday.pk}{path}").status_code == 200
        assert client.get(f"/api/v1/accounts/{secret.pk}{path}").status_code == 404


def test_an_action_that_was_not_asked_for_is_not_done_even_with_its_scope(tokens, accounts, api):
    issued = tokens([{**READ, "actions": ["accounts"]}], (0, str(accounts[0].pk)), scope="balances:read")
    client = api(issued["access_token"])
    assert client.get(f"/api/v1/accounts/{accounts[0].pk}").status_code == 200
    assert client.get(f"/api/v1/accounts/{accounts[0].pk}/balances").status_code == 404


def test_the_page_says_what_is_enforced(browser, token_endpoint, web_app, accounts):
    """ASVS 5.0 10.7.2: also the types, the lifetime and the start of the history."""
    page = consent_page(browser, token_endpoint, web_app, [{**READ, "history_from": "2026-01-31"}])
    text = BeautifulSoup(page.content, "html.parser").get_text(" ", strip=True)
    assert "Which accounts?" in text
    assert "History since" in text
    assert re.search(r"31 \w+\.? 2026|\w+\.? 31, 2026", text), text
    assert all(account.name in text for account in accounts)
    assert accounts[0].iban not in text
    assert "See your accounts" not in text  # the request is not for all accounts
    wider = consent_page(browser, token_endpoint, web_app, [READ], scope="transfers:write").content.decode()
    assert "Make transfers from your accounts" in wider


def test_a_user_sees_what_they_picked_and_takes_it_back(browser, tokens, web_app, accounts, pay, api):
    """ASVS 5.0 10.7.3: the page names the accounts and the transfer, not what the scope would mean without details."""
    token = tokens([READ, pay], (0, accounts[0].pk), (1, accounts[1].pk))["access_token"]
    page = browser.get(f"/oauth/apps/{web_app.pk}")
    text = BeautifulSoup(page.content, "html.parser").select_one("main").get_text(" ", strip=True)
    assert all(said in text for said in ("that you picked", "Everyday", "Make this transfer, once", "£12.50", "INV 7"))
    assert "Secret" not in text
    assert "Make transfers from your accounts" not in text
    browser.post("/oauth/apps", urlencode({"client_id": web_app.client_id}), content_type=FORM)
    assert send(api(token), transfer_of(pay, accounts[1])).status_code == 401


def test_picking_nothing_or_somebody_elses_account_asks_again(browser, token_endpoint, web_app, accounts, of_bob):
    page = consent_page(browser, token_endpoint, web_app, [READ])
    for chosen in ([], [(0, str(of_bob.pk))], [(0, "nonsense")], [(0, str(accounts[0].pk)), (0, str(of_bob.pk))]):
        answer = decide(browser, page, *chosen)
        assert answer.status_code == 400
        says = b"One of these accounts is no longer available" if chosen else b"Pick at least one account"
        assert says in answer.content
    assert not Consent.objects.exists()
    assert not Authorization.objects.exists()
    assert decide(browser, page, (0, str(accounts[0].pk))).status_code == 303


def test_what_was_allowed_ends_when_the_detail_says(tokens, accounts):
    tokens([READ], (0, str(accounts[0].pk)))
    authorization = Authorization.objects.get()
    assert (authorization.expires_at - authorization.created_at).days in (29, 30)


def test_history_before_the_day_is_not_there(tokens, accounts, api):
    account = accounts[0]
    issued = tokens([{**READ, "history_from": "2999-01-01"}], (0, str(account.pk)))
    client = api(issued["access_token"])
    assert client.get(f"/api/v1/accounts/{account.pk}/transactions").json()["data"] == []
    entry = account.entries.get()
    assert client.get(f"/api/v1/accounts/{account.pk}/transactions/{entry.transaction_id}").status_code == 404


def test_many_accounts_stay_in_the_table_and_the_token_small(tokens, alice, api, accounts, django_assert_num_queries):
    many = [open_account(alice, name=f"Pot {number}", currency="GBP") for number in range(25)]
    issued = tokens([READ], *((0, str(account.pk)) for account in many))
    [detail] = issued["authorization_details"]
    assert detail["accounts_by"] == "consent"
    assert "accounts" not in detail
    assert len(issued["access_token"]) < 2048
    client = api(issued["access_token"])
    client.get("/api/v1/accounts")  # reads the status list, which is then cached for seconds
    with django_assert_num_queries(1):
        listed = client.get("/api/v1/accounts").json()["data"]
    assert {row["name"] for row in listed} == {account.name for account in many}
    assert client.get(f"/api/v1/accounts/{accounts[0].pk}").status_code == 404


def test_an_account_that_changed_hands_falls_out(tokens, accounts, api, bob):
    issued = tokens([READ], (0, str(accounts[0].pk)))
    Account.objects.filter(pk=accounts[0].pk).update(holder=bob)
    assert api(issued["access_token"]).get("/api/v1/accounts").json()["data"] == []


def test_it_is_asked_each_time_and_never_silently(browser, tokens, token_endpoint, web_app, accounts):
    tokens([READ], (0, str(accounts[0].pk)))
    assert consent_page(browser, token_endpoint, web_app, [READ]).status_code == 200
    silent = consent_page(browser, token_endpoint, web_app, [READ], prompt="none")
    assert callback(silent)["error"] == "consent_required"


# --- one transfer


def test_a_transfer_is_made_once_as_the_user_saw_it(browser, tokens, token_endpoint, web_app, accounts, pay, api):
    page = consent_page(browser, token_endpoint, web_app, [pay])
    text = BeautifulSoup(page.content, "html.parser").get_text(" ", strip=True)
    assert all(shown in text for shown in ("£12.50", "Bob Baker", iban.grouped(pay["creditor"]["identifier"]), "INV 7"))
    issued = tokens([pay], (0, str(accounts[1].pk)))
    assert issued["authorization_details"][0]["debtor_account"] == str(accounts[1].pk)
    client = api(issued["access_token"])
    key = secrets.token_hex(16)
    made = send(client, transfer_of(pay, accounts[1]), key)
    assert made.status_code == 201, made.content
    assert send(client, transfer_of(pay, accounts[1]), key).json() == made.json()  # a retry, not a second transfer
    again = send(client, transfer_of(pay, accounts[1]))
    assert (again.status_code, again.json()["code"]) == (409, "authorization_already_used")
    assert Transfer.objects.count() == 1


@pytest.mark.parametrize(
    "change",
    [
        {"amount": {"currency": "GBP", "minor_units": 1251}},
        {"reference": "INV 8"},
        {"source_account_id": 0},
        {"destination": {"name": "Mallory"}},
        {"destination": {"account_id": 0}},
    ],
)
def test_another_transfer_is_refused(tokens, accounts, pay, api, change):
    issued = tokens([pay], (0, str(accounts[1].pk)), scope="transfers:write")
    body = transfer_of(pay, accounts[1])
    for name, value in change.items():
        if value == 0:
            value = str(accounts[0].pk)
        elif "account_id" in (value if isinstance(value, dict) else {}):
            value = {"account_id": str(accounts[0].pk)}
        elif name == "destination":
            value = {**body[name], **value}
        body[name] = value
    answer = send(api(issued["access_token"]), body)
    assert (answer.status_code, answer.json()["code"]) == (403, "insufficient_authorization")
    assert answer["Content-Type"] == "application/problem+json"
    assert not Transfer.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_sixteen_at_once_make_one_transfer(signing_keys, tokens, accounts, pay, api):
    issued = tokens([pay], (0, str(accounts[0].pk)))

    def make(_):
        try:
            return send(api(issued["access_token"]), transfer_of(pay, accounts[0])).status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(make, range(16)))
    assert sorted(statuses) == [201] + [409] * 15
    assert Transfer.objects.count() == 1


def test_accounts_of_another_currency_are_not_offered(browser, token_endpoint, web_app, alice, accounts, pay):
    euros = funded(alice, "Holiday", currency="EUR")
    page = consent_page(browser, token_endpoint, web_app, [pay])
    assert str(euros.pk) not in page.content.decode()
    assert decide(browser, page, (0, str(euros.pk))).status_code == 400


def test_a_dormant_account_is_not_offered_for_a_transfer_and_pays_none(browser, token_endpoint, web_app, accounts, pay):
    dormant, later = accounts[0], accounts[1]
    Account.objects.filter(pk=dormant.pk).update(dormant_since=timezone.now())
    hinted = {**pay, "debtor_account": str(dormant.pk)}
    page = consent_page(browser, token_endpoint, web_app, [hinted])
    assert str(dormant.pk) not in page.content.decode()
    assert str(later.pk) in page.content.decode()
    Account.objects.filter(pk=later.pk).update(dormant_since=timezone.now())  # while the page is open
    for one in (dormant, later):
        assert decide(browser, page, (0, str(one.pk))).status_code == 400
    read = consent_page(browser, token_endpoint, web_app, [READ])
    assert str(dormant.pk) in read.content.decode()
    assert not Consent.objects.exists()


# --- the protocol


@pytest.mark.parametrize(
    "wrong",
    [
        "", "{}", "[]", "[1]", "nonsense", '[{"type": "account_information"}]', '[{"type": "nonsense"}]', '[{}]',
        '[{"type": ["account_information"], "actions": ["accounts"]}]',
        '[{"type": "account_information", "actions": ["accounts"], "more": 1}]',
        '[{"type": "account_information", "actions": ["accounts", "delete"]}]',
        '[{"type": "account_information", "actions": ["accounts"], "valid_for": "P0D"}]',
        '[{"type": "account_information", "actions": ["accounts"], "history_from": "2026-02-31"}]',
        '[{"type": "account_information", "actions": ["accounts"], "locations": ["https://other.example"]}]',
        '[{"type": "account_information", "type": "transfer", "actions": ["accounts"]}]',
        '[{"type": "account_information", "actions": ["accounts"], "identifier": "x"}]',
        '[{"type": "account_information\\u0000", "actions": ["accounts"]}]',
        "[" * 3000, json.dumps([READ] * 11),
    ],
)  # fmt: skip
def test_an_invalid_authorization_detail_is_refused(token_endpoint, web_app, wrong):
    """RFC 9396 §5."""
    answer = push(token_endpoint, web_app, wrong)
    expected = "invalid_scope" if not wrong else "invalid_authorization_details"  # an empty array counts as absent
    assert (answer.status_code, answer.json()["error"]) == (400, expected), answer.content


@pytest.mark.parametrize("minor_units", [0, -1, 12.5, "1250", True, 10**16])
def test_amounts_are_positive_integers(token_endpoint, web_app, pay, minor_units):
    wrong = {**pay, "instructed_amount": {"currency": "GBP", "minor_units": minor_units}}
    assert push(token_endpoint, web_app, [wrong]).json()["error"] == "invalid_authorization_details"


def test_asvs_10_4_15_a_confidential_client_cannot_send_details_through_the_browser(
    browser, web_app, mobile_app, accounts
):
    details = json.dumps([READ])
    answer = browser.get(authorization_url(web_app, authorization_details=details))
    assert callback(answer)["error"] == "invalid_request"
    assert browser.get(authorization_url(mobile_app, authorization_details=details)).status_code == 200


def test_a_client_asks_only_for_its_types_and_scopes(token_endpoint, web_app, pay, accounts):
    web_app.authorization_details_types = ["account_information"]
    web_app.save()
    assert push(token_endpoint, web_app, [pay]).json()["error"] == "invalid_authorization_details"
    assert push(token_endpoint, web_app, [READ]).status_code == 201
    web_app.allowed_scopes = ["accounts:read"]
    web_app.save()
    refused = push(token_endpoint, web_app, [READ]).json()
    assert refused["error"] == "invalid_scope"
    # The client sent no scope, so the answer names what its details lack.
    assert (
        "authorization_details need scopes that this client may not have: balances:read" in refused["error_description"]
    )


@pytest.mark.parametrize("where", ["reference", "name", "identifier"])
@pytest.mark.parametrize("space", [" ", "\u2007"])
def test_a_transfer_that_the_api_would_never_accept_is_not_asked_for(token_endpoint, web_app, pay, where, space):
    """The API removes spaces at the ends, so its transfer would always differ from the details."""
    about = pay if where == "reference" else pay["creditor"]
    text = about[where]
    for about[where] in (f"{text}{space}", f"{space}{text}"):
        assert push(token_endpoint, web_app, [pay]).json()["error"] == "invalid_authorization_details"


def test_a_refresh_carries_them_and_may_only_narrow(tokens, token_endpoint, web_app, accounts):
    """RFC 9396 §6."""
    issued = tokens([READ], *((0, str(account.pk)) for account in accounts[:2]))
    refreshed = token_endpoint.refresh(web_app, issued["refresh_token"]).json()
    assert refreshed["authorization_details"] == issued["authorization_details"]
    less = json.dumps([{"type": "account_information", "actions": ["accounts"], "accounts": [str(accounts[0].pk)]}])
    [narrow] = token_endpoint.refresh(web_app, issued["refresh_token"], authorization_details=less).json()[
        "authorization_details"
    ]
    assert (narrow["actions"], narrow["accounts"]) == (["accounts"], [str(accounts[0].pk)])
    for more in (
        {"type": "account_information", "actions": ["statements"]},
        {"type": "account_information", "accounts": [str(accounts[2].pk)]},
        {"type": "account_information", "accounts": []},
        {"type": "account_information", "accounts_by": "consent"},
        {"type": "transfer"},
        {},
    ):
        answer = token_endpoint.refresh(web_app, issued["refresh_token"], authorization_details=json.dumps([more]))
        assert answer.json()["error"] == "invalid_authorization_details", more
    again = token_endpoint.refresh(web_app, issued["refresh_token"]).json()
    # the next refresh may request all of it again
    assert again["authorization_details"] == issued["authorization_details"]


def test_introspection_and_metadata_say_so(tokens, token_endpoint, web_app, accounts, client):
    """RFC 9396 §9.2, §10."""
    issued = tokens([READ], (0, str(accounts[0].pk)))
    basic = base64.b64encode(f"{web_app.client_id}:{web_app.secret}".encode()).decode()
    for name in ("access_token", "refresh_token"):
        answer = client.post(
            "/oauth/introspect", urlencode({"token": issued[name]}), content_type=FORM,
            headers={"Authorization": f"Basic {basic}"},
        )  # fmt: skip
        assert answer.json()["authorization_details"] == issued["authorization_details"]
    metadata = client.get("/.well-known/oauth-authorization-server").json()
    assert set(metadata["authorization_details_types_supported"]) == set(conf.AUTHORIZATION_DETAILS_TYPES)


def test_an_exchanged_token_keeps_the_details(tokens, token_endpoint, web_app, accounts):
    """Without the details, the token would cover every account of the user."""
    web_app.grant_types = [*web_app.grant_types, "urn:ietf:params:oauth:grant-type:token-exchange"]
    web_app.save()
    issued = tokens([READ], (0, str(accounts[0].pk)))
    answer = token_endpoint.post(
        web_app, grant_type="urn:ietf:params:oauth:grant-type:token-exchange", subject_token=issued["access_token"],
        subject_token_type="urn:ietf:params:oauth:token-type:access_token",
    )  # fmt: skip
    assert decoded(answer.json()["access_token"])["authorization_details"] == issued["authorization_details"]


def test_where_they_cannot_be_honoured_they_are_refused(token_endpoint, service, client, device_app):
    details = json.dumps([READ])
    answer = token_endpoint.post(service, grant_type="client_credentials", authorization_details=details)
    assert answer.json()["error"] == "invalid_authorization_details"
    body = urlencode({"client_id": device_app.client_id, "scope": "accounts:read", "authorization_details": details})
    answer = client.post("/oauth/device_authorization", body, content_type=FORM)
    assert answer.json()["error"] == "invalid_authorization_details"


@pytest.fixture
def device_app(db):
    app = make_client("device")
    app.save()
    return app


def test_a_token_for_one_transfer_sees_and_ends_nothing_else(tokens, accounts, pay, api, access_token, alice):
    """RFC 9396 §2: the user allowed only that transfer, whatever scopes were requested with it."""
    other_app = api(access_token(alice, "transfers:read transfers:write payees:write", client_id="other"))
    elsewhere = {"scheme": "iban", "identifier": "DE89370400440532013000", "name": "Dora Demir"}
    money = {"currency": "GBP", "minor_units": 100}
    body = {"source_account_id": str(accounts[0].pk), "destination": elsewhere, "amount": money, "reference": "x"}
    pending = send(other_app, body).json()["id"]
    order = other_app.post(
        "/api/v1/scheduled-transfers", {**body, "first_on": timezone.localdate().isoformat(), "frequency": "weekly"},
        format="json", headers={"Idempotency-Key": "a-key-of-16-or-more"},
    ).json()["id"]  # fmt: skip
    other_app.post("/api/v1/payees", elsewhere, format="json")
    web_app_scopes = "transfers:read transfers:write payees:read payees:write"
    token = access_token(
        alice, web_app_scopes, client_id="single",
        authorization_details=({**pay, "identifier": str(UUID(int=7)), "debtor_account": str(accounts[0].pk)},),
    )  # fmt: skip
    single = api(token)
    for path in ("transfers", "scheduled-transfers", "payees"):
        assert single.get(f"/api/v1/{path}").json()["data"] == [], path
    for path in (f"transfers/{pending}", f"scheduled-transfers/{order}"):
        assert single.get(f"/api/v1/{path}").status_code == 404
        assert single.post(f"/api/v1/{path}/cancel", {}, format="json").status_code == 404
    assert other_app.post(f"/api/v1/transfers/{pending}/cancel", {}, format="json").status_code == 200


def test_a_transfer_is_shown_to_the_app_that_made_it(tokens, accounts, pay, api):
    answer = tokens([pay], (0, str(accounts[0].pk)), scope="transfers:read")
    app = api(answer["access_token"])
    [detail] = answer["authorization_details"]
    made = send(app, transfer_of(detail, accounts[0])).json()
    assert app.get("/api/v1/transfers").json()["data"] == [made]
    assert app.get(f"/api/v1/transfers/{made['id']}").json() == made


def test_transfers_do_not_circumvent_the_authorization_details(tokens, accounts, api, access_token, alice, of_bob):
    """`GET /transfers` also respects the action `transactions`, `history_from` and the age of the login."""
    everything = api(access_token(alice, "transfers:read transfers:write", client_id="other"))
    to_bob = {"scheme": "iban", "identifier": of_bob.iban, "name": "Bob"}
    money = {"currency": "GBP", "minor_units": 1}
    body = {"source_account_id": str(accounts[0].pk), "destination": to_bob, "amount": money, "reference": "x"}
    made = send(everything, body).json()

    def sees(**detail):
        named = {"type": "account_information", "identifier": str(UUID(int=7)), "accounts": [str(accounts[0].pk)]}
        app = api(
            access_token(alice, "transfers:read", client_id="third", authorization_details=({**named, **detail},))
        )
        return app.get("/api/v1/transfers").json()["data"]

    assert sees(actions=["transactions"]) == [made]
    assert sees(actions=["accounts"]) == []
    assert sees(actions=["transactions"], history_from="2999-01-01") == []
    long_ago = timezone.now() - timedelta(days=91)
    Transfer.objects.update(created_at=long_ago)
    old_log_in = api(
        access_token(alice, "transfers:read", client_id="fourth", auth_time=timezone.now() - timedelta(hours=1))
    )
    for path in ("transfers", f"transfers/{made['id']}"):
        assert old_log_in.get(f"/api/v1/{path}").json()["code"] == "insufficient_user_authentication"
