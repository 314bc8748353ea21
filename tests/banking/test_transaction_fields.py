"""The fields of a transaction besides its amount: ISO 20022 code, merchant, category, and links to its origin."""

from datetime import timedelta
from pathlib import Path

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from banking import ledger
from banking.accounts import personal_data
from banking.accounts.opening import internal_account
from banking.models import Category, Merchant, ScheduledTransfer, Transfer
from banking.notation import bank_transaction_codes
from banking.notation.bank_transaction_codes import code_of
from banking.payments.scheme import Outcome
from banking.payments.settlement import settle
from tests.lib.ledger import move
from tests.lib.transfers import ELSEWHERE, body_of, send

pytestmark = pytest.mark.django_db
SHOP = "GB33BUKB20201555555555"


def listed(api, account, query=""):
    answer = api.get(f"/api/v1/accounts/{account.pk}/transactions?{query}")
    assert answer.status_code == 200, answer.content
    return answer.json()["data"]


@pytest.mark.parametrize(
    ("code", "kind", "facts"),
    [
        ("PMNT-ICDT-BOOK", "transfer", {"is_in": False, "is_within": True}),
        ("PMNT-RCDT-BOOK", "transfer", {"is_in": True, "counterparty_iban": "GB79CSGN20000012345678"}),
        ("PMNT-ICDT-DMCT", "transfer", {"is_in": False, "counterparty_iban": SHOP}),
        ("PMNT-ICDT-XBCT", "transfer", {"is_in": False, "counterparty_iban": "DE89370400440532013000"}),
        ("PMNT-ICDT-ESCT", "transfer", {"is_in": False, "counterparty_iban": "DE89370400440532013000", "currency": "EUR"}),
        ("PMNT-ICDT-XBCT", "transfer", {"is_in": False, "counterparty_iban": "SA0380000000608010167519", "currency": "EUR"}),
        ("PMNT-ICDT-STDO", "transfer", {"is_in": False, "is_within": True, "is_standing": True}),
        ("PMNT-RCDT-BOOK", "transfer", {"is_in": True, "is_within": True, "is_standing": True}),
        ("PMNT-RCDT-DMCT", "credit_transfer", {"is_in": True}),
        ("PMNT-CCRD-POSD", "card", {"is_in": False}),
        ("PMNT-RDDT-PMDD", "direct_debit", {"is_in": False}),
        ("PMNT-ICDT-RRTN", "return", {"is_in": True}),
        ("PMNT-RCDT-RRTN", "reversal", {"is_in": False}),
        ("PMNT-MDOP-OTHR", "something new", {"is_in": False}),
    ],
)  # fmt: skip
def test_the_code_of_iso_20022_says_what_a_transaction_is(code, kind, facts):
    assert code_of(kind, **{"currency": "GBP", **facts}) == code


def test_both_sides_of_a_transfer_say_what_made_it(alice_api, api, access_token, alice, bob, current, of_bob):
    order = ScheduledTransfer.objects.create(
        user=alice, client_id="x", source=current, destination=of_bob, currency="GBP", amount_minor=500,
        idempotency_key="k" * 16, reference="Rent", frequency="monthly", first_on="2026-01-01", next_on="2030-01-01",
    )  # fmt: skip
    Transfer.objects.create(
        user=alice, client_id="x", source=current, destination=of_bob, currency="GBP", amount_minor=500,
        idempotency_key="k" * 16, reference="Rent", status="posted", transaction=move(current, of_bob, 500),
        end_to_end_id="RENT-1", scheduled=order, due_on="2026-01-01",
    )  # fmt: skip
    [paid, _] = listed(alice_api, current)
    assert (paid["bank_transaction_code"], paid["end_to_end_id"]) == ("PMNT-ICDT-STDO", "RENT-1")
    assert (paid["scheduled_transfer_id"], paid["account_id"]) == (str(order.pk), str(current.pk))
    [got, _] = listed(api(access_token(bob, "transactions:read")), of_bob)
    assert (got["bank_transaction_code"], got["end_to_end_id"]) == ("PMNT-RCDT-BOOK", "RENT-1")
    # The payee does not learn in which way the payer has ordered the payment.
    assert got["scheduled_transfer_id"] is None


def test_a_transfer_says_when_it_changed(alice_api, current, savings, settings):
    settings.PAYMENT_SCHEME = "tests.banking.test_transaction_fields.Rejects"
    posted = send(alice_api, body_of(current, savings, 100), "a-key-of-16-chars").json()
    assert posted["updated_at"] == posted["created_at"] == posted["settled_at"]
    pending = send(alice_api, body_of(current, ELSEWHERE, 100), "b-key-of-16-chars").json()
    assert pending["updated_at"] == pending["created_at"]
    settle(pending["id"])
    rejected = alice_api.get(f"/api/v1/transfers/{pending['id']}").json()
    assert (rejected["status"], rejected["settled_at"]) == ("rejected", None)
    assert rejected["updated_at"] > rejected["created_at"]
    made = Transfer.objects.get(pk=posted["id"])
    undone = ledger.reverse(made.transaction)
    back = alice_api.get(f"/api/v1/transfers/{posted['id']}").json()
    assert back["reversed_by"] == str(undone.pk)
    assert back["updated_at"] > posted["updated_at"]
    [reversal, *_] = listed(alice_api, current)
    assert (reversal["reverses"], reversal["kind"]) == (posted["transaction_ids"][0], "reversal")


class Rejects:
    def pay(self, payment):
        return Outcome(reason="AC04")


@pytest.fixture
def card(current):
    def pay(text, amount_minor=100, *, iban=""):
        return ledger.post(
            [(current, -amount_minor), (internal_account("GBP", "Card payments"), amount_minor)],
            description=text, kind="card", counterparty=(text, iban) if iban else None,
        )  # fmt: skip

    return pay


def test_staff_name_merchants_and_what_they_sell(alice_api, current, card):
    card("Greenway Grocers")
    card("Unknown shop")
    card("Payment", iban=SHOP)
    Merchant.objects.create(
        counterparty="greenway grocers ", name="Greenway", category=Category.GROCERIES, category_code="5411"
    )
    Merchant.objects.create(counterparty="GB33 BUKB 2020 1555 5555 55", name="The Bank", category=Category.FEES)
    by_iban, unknown, by_text, _ = listed(alice_api, current)
    assert (by_iban["category"], by_iban["merchant"]) == ("fees", {"name": "The Bank", "category_code": None})
    assert (unknown["category"], unknown["merchant"]) == (None, None)
    assert (by_text["category"], by_text["merchant"]) == ("groceries", {"name": "Greenway", "category_code": "5411"})
    assert [row["id"] for row in listed(alice_api, current, "category=groceries")] == [by_text["id"]]
    assert listed(alice_api, current, "category=travel") == []


def test_nobody_becomes_a_merchant_by_a_name(alice_api, current, card):
    """Most names and texts are written by the payer, so they must not decide on the merchant."""
    Merchant.objects.create(counterparty="Greenway Grocers", name="Greenway", category=Category.GROCERIES)
    card("Greenway Grocers", iban="DE89370400440532013000")
    others = internal_account("GBP", "Incoming payments")
    ledger.post([(others, -1), (current, 1)], description="Greenway Grocers", kind="incoming_payment")
    assert [row["merchant"] for row in listed(alice_api, current)] == [None, None, None]
    assert listed(alice_api, current, "category=groceries") == []


def test_a_merchant_is_one_whatever_its_letters():
    Merchant.objects.create(counterparty="Café Lindenhof", name="x", category=Category.OTHER)
    with pytest.raises(IntegrityError), transaction.atomic():
        Merchant.objects.create(counterparty="café lindenhof", name="y", category=Category.OTHER)


def test_a_statement_does_not_change_with_what_staff_call_a_merchant(access_token, api, alice, current, card):
    """The statement of a closed month must stay the same, byte for byte."""
    Merchant.objects.create(counterparty="Greenway Grocers", name="Greenway", category=Category.GROCERIES)
    at = timezone.now() - timedelta(days=40)
    type(current).objects.filter(pk=current.pk).update(opened_at=at - timedelta(days=40))
    card("Greenway Grocers")
    month = (timezone.now() - timedelta(days=40)).strftime("%Y-%m")
    body = api(access_token(alice, "statements:read")).get(f"/api/v1/accounts/{current.pk}/statements/{month}")
    assert b"".join(body.streaming_content).find(b"merchant") == -1


def test_the_file_of_a_users_data_has_the_references(alice, current, savings, alice_api):
    send(alice_api, body_of(current, savings, 100, end_to_end_id="E2E-7"))
    rows = [row for name, section in personal_data.export(alice) for row in section if name == "transactions"]
    assert [row["transaction__transfer__end_to_end_id"] for row in rows if row["amount_minor"] == -100] == ["E2E-7"]
    assert all(row["value_date"] for row in rows)


def test_the_document_names_every_code():
    written = (Path(__file__).resolve().parents[2] / "docs/api.md").read_text()
    for out, into in [*bank_transaction_codes.BY_KIND.values(), bank_transaction_codes.OTHER]:
        assert f"| `{out}` | `{into}` |" in written
