"""Every endpoint of the API against every kind of token (OWASP API1, API5).

Generated from the URLconf: an endpoint or a method without a row here fails.
"""

import json
from types import SimpleNamespace

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import User
from banking import direct_debits
from banking.account_life.access import end_access
from banking.models import Account, AccountAccess, Consent, Payee, Role, ScheduledTransfer, Webhook
from banking.payments.scheme import IncomingCollection, NewMandate
from oauth.models import Authorization
from tests.lib import shared_rows
from tests.lib.access_tokens import api_with, signed
from tests.lib.bank_endpoints import ENDPOINTS, patterns
from tests.lib.error_ids import without_error_id
from tests.lib.exchanges import ask_quote, set_rate, take
from tests.lib.ledger import funded
from tests.lib.registered import make_user
from tests.lib.transfers import ELSEWHERE, UNKNOWN, body_of, send

pytestmark = pytest.mark.django_db
SCOPES = {
    "accounts:read", "balances:read", "transactions:read", "statements:read", "transfers:read", "transfers:write",
    "payees:read", "payees:write", "webhooks:manage", "party:read", "funds:confirm", "direct-debits:read",
    "direct-debits:write",
}  # fmt: skip
#: What the owner is told with every scope, where it is not success.
FOR_THE_OWNER = {("get", "statement"): 404, ("post", "webhooks"): 403}
METHODS = ("get", "post", "put", "patch", "delete")

CASES = pytest.mark.parametrize(("method", "name"), ENDPOINTS, ids=lambda part: part)
NAMING = [(method, name) for (method, name), row in ENDPOINTS.items() if row[1]]


def test_every_endpoint_and_method_has_a_row():
    there = {
        (method, name)
        for name, pattern in patterns().items()
        for method in METHODS
        if hasattr(pattern.callback.cls, method)
    }
    assert there == set(ENDPOINTS)


@pytest.fixture(scope="module")
def rows(module_rows):
    """Creates one row of everything for Alice, to which Bob has no access. It is written once for all tests."""
    with module_rows.unblock():
        made = one_of_everything(make_user("alice@example.test", "Alice Archer"))
        make_user("bob@example.test", "Bob Baker")
        shared_rows.settle()
    return made


def one_of_everything(alice):
    account, other = funded(alice, "Everyday"), funded(alice, "Savings")
    of_alice = api_with(signed(alice, " ".join(SCOPES), client_id="matrix"))
    pending = send(of_alice, body_of(account, ELSEWHERE, 100)).json()["id"]
    posted = send(of_alice, body_of(account, other, 100), "another-key-of-16").json()
    scheduled = ScheduledTransfer.objects.create(
        user=alice, client_id="matrix", source=account, destination=other, currency="GBP", amount_minor=1,
        idempotency_key="k" * 16, reference="x", frequency="once", first_on="2030-01-01", next_on="2030-01-01",
    )  # fmt: skip
    paused = ScheduledTransfer.objects.create(
        user=alice, client_id="matrix", source=account, destination=other, currency="GBP", amount_minor=1,
        idempotency_key="p" * 16, reference="x", frequency="once", first_on="2030-01-01", status="held", held_reason="paused",
    )  # fmt: skip
    payee = Payee.objects.create(user=alice, name="Dora", iban="DE89370400440532013000")
    hook = Webhook.objects.create(
        user=alice, client_id="matrix", authorization_id=Authorization.objects.first().pk, url="https://app.example/",
        events=["transfer.updated"],
    )  # fmt: skip
    mandate = direct_debits.receive_mandate(NewMandate("c", "r", "City Power", "", account.iban))
    collection = direct_debits.receive_collection(IncomingCollection("c-1", "c", "r", 10, "GBP"))
    euro = funded(alice, "Travel", "EUR")
    set_rate()
    quote = ask_quote(of_alice, account, euro, 50).json()["id"]
    done = take(of_alice, ask_quote(of_alice, account, euro, 20).json()["id"], "exchange-key-of-16").json()["id"]
    ids = {
        "quote_id": quote, "exchange_id": done,
        "direct_debit_id": mandate.pk, "collection_id": collection.pk,
        "account_id": account.pk, "transaction_id": posted["transaction_ids"][0], "transfer_id": pending,
        "scheduled_id": scheduled.pk, "payee_id": payee.pk, "webhook_id": hook.pk, "month": "2020-01",
    }  # fmt: skip
    return SimpleNamespace(
        account=account.pk, other=other.pk, euro=euro.pk, ids=ids, paused={**ids, "scheduled_id": paused.pk}
    )


@pytest.fixture
def bank(rows, db, settings):
    # rate limits write their counts from time to time, with additional statements
    settings.OAUTH = {**settings.OAUTH, "THROTTLE_SCALE": 1000}
    return SimpleNamespace(
        account=Account.objects.get(pk=rows.account), other=Account.objects.get(pk=rows.other), ids=rows.ids,
        accounts=list(Account.objects.filter(pk__in=[rows.account, rows.other, rows.euro])),
        paused=rows.paused, euro=rows.euro,
        client_for=lambda user, scopes=SCOPES, **claims: api_with(signed(user, " ".join(scopes), client_id="matrix", **claims)),
    )  # fmt: skip


@pytest.fixture
def alice(bank):
    return User.objects.get(email="alice@example.test")


@pytest.fixture
def bob(bank):
    return User.objects.get(email="bob@example.test")


def call(client, bank, method, name, *, ids=None, source=None):
    route = str(patterns()[name].pattern)
    named = ids or (bank.paused if name == "scheduled-transfer-resume" else bank.ids)
    for parameter, value in named.items():
        route = route.replace(f"<str:{parameter}>", str(value))
    body = {
        "payees": {**ELSEWHERE, "identifier": "FR7630006000011234567890189"},
        "payee-checks": ELSEWHERE,
        "funds-confirmations": {
            "account_id": str(getattr(source or bank.account, "pk", source)),
            "amount": {"currency": "GBP", "minor_units": 1},
        },
        "exchange-quotes": {
            "source_account_id": str(getattr(source or bank.account, "pk", source)),
            "destination_account_id": str(bank.euro), "amount": {"currency": "GBP", "minor_units": 10},
        },
        "exchanges": {"quote_id": str(named["quote_id"])},
        "transfers": body_of(source or bank.account, bank.other, 1),
        "transfer-rehearsals": body_of(source or bank.account, bank.other, 1),
        "scheduled-transfers": {
            **body_of(source or bank.account, bank.other, 1), "first_on": timezone.localdate().isoformat(), "frequency": "once",
        },
        "scheduled-transfer": {"reference": "y"},
        "collection-refund": {"reason": "disputed"},
        "webhooks": {"url": "https://app.example/hook", "events": ["consent.revoked"]},
    }.get(name, {})  # fmt: skip
    headers = {"Idempotency-Key": "a-key-of-the-matrix"}
    if method == "get":
        return client.get(f"/{route}")
    return getattr(client, method)(f"/{route}", json.dumps(body), content_type="application/json", headers=headers)


@CASES
def test_each_endpoint_accepts_only_its_own_scope(bank, alice, method, name):
    """OWASP API5."""
    scope = ENDPOINTS[method, name][0]
    expected = FOR_THE_OWNER.get((method, name))
    if scope is None:
        assert call(bank.client_for(alice, {"openid"}), bank, method, name).status_code < 300
        return
    without = call(bank.client_for(alice, SCOPES - {scope}), bank, method, name)
    assert (without.status_code, without.json()["code"]) == (403, "insufficient_scope")
    assert f'scope="{scope}"' in without["WWW-Authenticate"]
    answer = call(bank.client_for(alice, {scope}), bank, method, name)
    assert answer.status_code == expected or answer.status_code < 300, answer.content
    if expected == 403:
        assert answer.json()["code"] == "confidential_clients_only"


@CASES
def test_a_request_without_a_token_is_refused(client, bank, method, name):
    answer = call(client, bank, method, name)
    assert answer.status_code == 401
    assert "WWW-Authenticate" in answer


@pytest.mark.parametrize(("method", "name"), NAMING)
def test_an_object_of_another_user_is_answered_as_one_that_does_not_exist(bank, bob, method, name):
    """OWASP API1: the same status, body and number of queries as for an id that does not exist."""
    of_bob = bank.client_for(bob)
    answers, queries = [], []
    unknown = dict.fromkeys(bank.ids, UNKNOWN) | {"month": bank.ids["month"]}
    for ids, source in ((bank.ids, bank.account), (unknown, UNKNOWN)):
        with CaptureQueriesContext(
            connection,
        ) as context:
            answers.append(call(of_bob, bank, method, name, ids=ids, source=source))
        queries.append(len(context))
    assert [answer.status_code for answer in answers] == [404, 404]
    assert without_error_id(answers[0]) == without_error_id(answers[1])
    assert queries[0] == queries[1]


@CASES
def test_a_reader_of_an_account_may_only_read(bank, bob, method, name):
    for account in bank.accounts:
        AccountAccess.objects.create(account=account, user=bob, role=Role.READER)
    assert call(bank.client_for(bob), bank, method, name).status_code == ENDPOINTS[method, name][2]


@pytest.mark.parametrize(("method", "name"), [case for case in NAMING if ENDPOINTS[case][1] in ("account", "body")])
def test_an_account_that_was_not_picked_is_not_there(bank, alice, method, name):
    """RFC 9396: the list in the token restricts what the user may see even further."""
    detail = {
        "type": "account_information", "actions": ["accounts", "balances", "transactions", "statements"],
        "identifier": UNKNOWN, "accounts": [str(bank.other.pk)],
    }  # fmt: skip
    client = bank.client_for(alice, authorization_details=(detail,))
    assert call(client, bank, method, name).status_code == 404


def test_a_token_that_names_an_account_of_another_user_shows_nothing(bank, bob):
    detail = {
        "type": "account_information", "actions": ["accounts"], "identifier": UNKNOWN,
        "accounts": [str(bank.account.pk)],
    }  # fmt: skip
    assert bank.client_for(bob, authorization_details=(detail,)).get("/api/v1/accounts").json()["data"] == []


def test_removing_one_account_stops_its_money_at_once(bank, alice, of_bob):
    """Payments stop even though the token that names the account is still valid."""
    consent = Consent.objects.create(user=alice, client_id="matrix", type="account_information", detail={})
    consent.accounts.set([bank.account])
    detail = {
        "type": "account_information", "actions": ["accounts"], "identifier": str(consent.pk),
        "accounts_by": "consent",
    }  # fmt: skip
    client = bank.client_for(alice, authorization_details=(detail,))
    to_bob = body_of(bank.account, {"scheme": "iban", "identifier": of_bob.iban, "name": "Bob"}, 1)
    assert send(client, to_bob, "matrix-key-of-sixteen-1").status_code == 201
    consent.accounts.clear()
    assert call(client, bank, "get", "account").status_code == 404
    assert send(client, to_bob, "matrix-key-of-sixteen-2").status_code == 404


def test_nothing_is_left_to_a_client_that_acts_for_itself(bank):
    for method, name in NAMING:
        answer = call(bank.client_for(None), bank, method, name)
        assert answer.status_code == 404, (method, name, answer.content)
    assert Account.objects.get(pk=bank.account.pk).posted_minor == 10_000 - 100 - 10 - 20


#: The answers to a delegate where a joint holder gets another one: only the holder of both accounts may make a transfer
#: between own accounts, and only a holder may ask for a refund.
NOT_FOR_DELEGATES = {
    ("post", "transfers"): 422,
    ("post", "transfer-rehearsals"): 422,
    ("post", "scheduled-transfers"): 422,
    ("post", "exchange-quotes"): 422,
    ("post", "collection-refund"): 404,
}
#: Others who may pay from the account can stop an order, but only its user can make it pay, or pay more.
FOR_THE_USER_OF_THE_ORDER = {("patch", "scheduled-transfer"), ("post", "scheduled-transfer-resume")}
#: Endpoints for objects of a user, not of an account.
OF_A_USER = {case for case in NAMING if ENDPOINTS[case][1] in ("person", "client")}


@pytest.mark.parametrize("role", [Role.HOLDER, Role.DELEGATE])
@CASES
def test_a_holder_or_delegate_may_do_what_the_owner_may(bank, bob, method, name, role):
    """Except for the cases above. Data of the owner, such as payees, are not visible to others."""
    for account in bank.accounts:
        AccountAccess.objects.create(account=account, user=bob, role=role)
    answer = call(bank.client_for(bob), bank, method, name)
    if (method, name) in OF_A_USER:
        assert answer.status_code == 404
    elif (method, name) in FOR_THE_USER_OF_THE_ORDER:
        assert answer.status_code == 403
    elif role == Role.DELEGATE and (method, name) in NOT_FOR_DELEGATES:
        assert answer.status_code == NOT_FOR_DELEGATES[method, name]
    else:
        assert answer.status_code == FOR_THE_OWNER.get((method, name)) or answer.status_code < 300, answer.content


@pytest.mark.parametrize(("method", "name"), [case for case in NAMING if ENDPOINTS[case][1] in ("account", "body")])
def test_a_delegate_whose_access_has_ended_is_a_stranger(bank, bob, alice, method, name):
    for account in bank.accounts:
        AccountAccess.objects.create(account=account, user=bob, role=Role.DELEGATE)
    client = bank.client_for(bob)
    for account in bank.accounts:
        end_access(account.pk, bob.pk, by=alice.pk)
    assert call(client, bank, method, name).status_code == 404
