"""The page of an account: its transactions, their details and notes, and downloads of any days."""

import csv
from datetime import UTC, date, datetime, timedelta
from io import StringIO

import pytest
import time_machine
from django.test import Client as Browser
from django.urls import reverse
from django.utils import timezone

from banking.accounts.opening import internal_account
from banking.accounts.personal_data import export
from banking.ledger import post
from banking.ledger import reverse as give_back
from banking.models import Account, AccountAccess, LedgerEntry, Merchant, Role, TransactionNote, Transfer
from banking.notation import iban
from tests.lib.ledger import funded
from tests.lib.oauth_client import PASSWORD
from tests.lib.pages import check as check_page
from tests.lib.web_bank import begin, new_payee, soup, text

pytestmark = pytest.mark.django_db


def logged_in(user):
    browser = Browser()
    browser.post("/accounts/login/", {"login": user.email, "password": PASSWORD})
    return browser


def pay_by_card(account, amount_minor, shop):
    other = internal_account(account.currency, "Clearing")
    return post([(account, -amount_minor), (other, amount_minor)], description=shop, kind="card")


def page_of(account, transaction_id):
    return f"/bank/accounts/{account.pk}/transactions/{transaction_id}"


@pytest.fixture
def coffee(current):
    return pay_by_card(current, 350, "Corner Café")


def test_a_transaction_has_a_page_with_all_that_is_known(browser, current, of_bob):
    where = begin(browser, current, **new_payee(of_bob))
    browser.post(where)
    made = Transfer.objects.get()
    url = page_of(current, made.transaction_id)
    assert url in browser.get(f"/bank/accounts/{current.pk}").content.decode()
    page = browser.get(url)
    check_page(page)
    for said in ("−£12.50", "Bob Baker", iban.grouped(of_bob.iban), "£87.50", str(made.transaction_id), "Receipt"):
        assert said in text(page), said
    [booked_at] = LedgerEntry.objects.filter(account=current, transaction=made.transaction_id).values_list("booked_at")[
        0
    ]
    assert f"{timezone.localtime(booked_at):%H:%M:%S}" in text(page)


def test_the_app_that_ordered_it_is_named(browser, alice_api, current, of_bob):
    body = {"source_account_id": str(current.pk), "amount": {"currency": "GBP", "minor_units": 100}, "reference": "App",
            "destination": {"scheme": "iban", "identifier": of_bob.iban, "name": "Bob Baker"}}  # fmt: skip
    made = alice_api.post("/api/v1/transfers", body, format="json", headers={"Idempotency-Key": "k" * 20}).json()
    [transfer] = Transfer.objects.filter(pk=made["id"])
    name = "Example mobile"
    for url in (page_of(current, transfer.transaction_id), f"/bank/transfers/{transfer.pk}"):
        page = text(browser.get(url))
        assert "Ordered by" in page, page
        assert name in page, page


def test_the_payees_page_does_not_name_the_payers_app_or_order(bob, alice_api, current, of_bob):
    body = {"source_account_id": str(current.pk), "amount": {"currency": "GBP", "minor_units": 100}, "reference": "App",
            "destination": {"scheme": "iban", "identifier": of_bob.iban, "name": "Bob Baker"}}  # fmt: skip
    alice_api.post("/api/v1/transfers", body, format="json", headers={"Idempotency-Key": "k" * 20})
    page = text(logged_in(bob).get(page_of(of_bob, Transfer.objects.get().transaction_id)))
    assert "+£1.00" in page
    assert "Ordered by" not in page
    assert "Receipt" not in page


def test_what_was_given_back_and_its_reversal_lead_to_each_other(browser, current, coffee):
    back = give_back(coffee)
    assert page_of(current, back.pk) in browser.get(page_of(current, coffee.pk)).content.decode()
    assert page_of(current, coffee.pk) in browser.get(page_of(current, back.pk)).content.decode()


def test_the_transactions_of_another_user_are_not_found(browser, bob, current, of_bob, coffee):
    other = pay_by_card(of_bob, 100, "Bob's shop")
    assert browser.get(page_of(of_bob, other.pk)).status_code == 404
    assert browser.get(page_of(current, other.pk)).status_code == 404
    assert browser.post(f"{page_of(current, other.pk)}/note", {"note": "x"}).status_code == 404
    assert logged_in(bob).get(page_of(current, coffee.pk)).status_code == 404


def test_an_old_transaction_needs_a_fresh_log_in(alice, current, coffee):
    """SCA-RTS art. 10."""
    with time_machine.travel(timezone.now() + timedelta(days=100)):
        browser = logged_in(alice)
        assert browser.get(page_of(current, coffee.pk)).status_code == 200
        with time_machine.travel(timezone.now() + timedelta(minutes=11)):
            answer = browser.get(page_of(current, coffee.pk))
            assert answer["Location"].startswith("/accounts/reauthenticate/")
            long = browser.post(f"{page_of(current, coffee.pk)}/note", {"note": "x" * 281})
            assert long.status_code == 404, "a mistake shows nothing of it, either"


def test_a_note_is_its_users_alone(browser, alice, bob, current, coffee):
    AccountAccess.objects.create(account=current, user=bob, role=Role.HOLDER)
    where = page_of(current, coffee.pk)
    assert browser.post(f"{where}/note", {"note": "With Dora"})["Location"] == where
    assert soup(browser.get(where)).select_one("#id_note")["value"] == "With Dora"
    listed = f"/bank/accounts/{current.pk}"
    assert "With Dora" in text(browser.get(listed))
    assert "Corner Café" in text(browser.get(f"{listed}?q=dora"))
    of_bobs = logged_in(bob)
    assert "With Dora" not in of_bobs.get(where).content.decode()
    assert "With Dora" not in text(of_bobs.get(listed))
    assert "Corner Café" not in text(of_bobs.get(f"{listed}?q=dora"))
    [exported] = dict(export(alice))["transaction notes"]
    assert (exported["transaction_id"], exported["text"]) == (coffee.pk, "With Dora")
    browser.post(f"{where}/note", {"note": ""})
    assert not TransactionNote.objects.exists()


def test_a_note_is_shown_as_text_and_has_no_invisible_characters(browser, current, coffee):
    where = page_of(current, coffee.pk)
    browser.post(f"{where}/note", {"note": "<b>bold</b>"})
    assert "<b>bold" not in browser.get(where).content.decode()
    assert browser.post(f"{where}/note", {"note": "a\u202eb"}).status_code == 400
    assert TransactionNote.objects.get().text == "<b>bold</b>"


def found(browser, account, query):
    page = soup(browser.get(f"/bank/accounts/{account.pk}?{query}"))
    return {row.get_text(strip=True) for row in page.select(".rows li a > bdi")}


def test_transactions_are_found_by_amount_whatever_their_direction(browser, current):
    for amount in (99, 350, 1000):
        pay_by_card(current, amount, f"Shop {amount}")
    assert found(browser, current, "least=3.50") == {"Shop 350", "Shop 1000", "Opening"}
    assert found(browser, current, "least=3.50&most=10.00") == {"Shop 350", "Shop 1000"}
    assert found(browser, current, "most=3.495") == {"Shop 99"}
    assert found(browser, current, "least=3.501&most=3.509") == set()
    assert found(browser, current, "least=nonsense") == set()


def test_transactions_are_found_by_category(browser, current, coffee):
    Merchant.objects.create(counterparty="Corner Café", name="Corner Café Ltd", category="eating_out")
    pay_by_card(current, 100, "Another")
    assert found(browser, current, "category=eating_out") == {"Corner Café"}
    assert found(browser, current, "category=travel") == set()
    assert found(browser, current, "category=nonsense") == set()
    page = text(browser.get(page_of(current, coffee.pk)))
    assert "Corner Café Ltd" in page
    assert "Eating out" in page


def test_what_is_on_its_way_stands_first_and_only_there(browser, current):
    where = begin(browser, current, name="Dora Demir", iban="DE89370400440532013000")
    browser.post(where)
    transfer = Transfer.objects.get()
    listed = f"/bank/accounts/{current.pk}"
    assert transfer.status == "pending"
    page = text(browser.get(listed))
    assert page.index("On their way") < page.index("Dora Demir") < page.index("Opening")
    assert "On their way" not in text(browser.get(f"{listed}?q=dora"))


def test_any_days_are_downloaded_and_old_ones_need_a_fresh_log_in(browser, current, coffee):
    today = timezone.localdate()
    url = f"/bank/accounts/{current.pk}/export"
    answer = browser.get(url, {"since": f"{today}", "until": f"{today}"})
    assert answer["Content-Disposition"] == f'attachment; filename="transactions-{today}-{today}.csv"'
    rows = list(csv.DictReader(StringIO(b"".join(answer.streaming_content).decode("utf-8-sig"))))
    assert [row["description"] for row in rows] == ["Opening balance", "Opening", "Corner Café", "Closing balance"]
    assert (rows[0]["balance_after"], rows[-1]["balance_after"]) == ("0.00", "96.50")
    Account.objects.filter(pk=current.pk).update(opened_at=datetime(2020, 1, 1, tzinfo=UTC))
    with time_machine.travel(timezone.now() + timedelta(minutes=11)):
        old = browser.get(url, {"since": "2020-01-01", "until": f"{today}"})
        assert old["Location"].startswith("/accounts/reauthenticate/")
        assert browser.get(url, {"since": f"{today}", "until": f"{today}"}).status_code == 200


@pytest.mark.parametrize(
    "query", [{}, {"since": "x", "until": "2026-01-01"}, {"since": "2026-02-01", "until": "2026-01-01"}]
)
def test_wrong_days_are_told(browser, current, query):
    answer = browser.get(f"/bank/accounts/{current.pk}/export", query)
    assert answer.status_code == 400
    check_page(answer)


@pytest.mark.parametrize(
    ("since", "until"), [(date.min, date.max), ("0001-01-01", "0001-01-02"), ("9999-12-30", "9999-12-31")]
)
def test_days_before_the_account_and_after_today_are_left_out(browser, current, since, until):
    answer = browser.get(f"/bank/accounts/{current.pk}/export", {"since": f"{since}", "until": f"{until}"})
    assert answer.status_code == 200
    assert len(list(answer.streaming_content)) >= 3


def test_the_details_name_all_holders_and_the_domestic_number(browser, bob, current):
    AccountAccess.objects.create(account=current, user=bob, role=Role.HOLDER)
    page = browser.get(reverse("bank:details", args=[current.pk]))
    check_page(page)
    sort_code, number = iban.domestic(current.iban)
    for said in (iban.grouped(current.iban), sort_code, number, bob.get_full_name()):
        assert said in text(page)


def test_an_account_without_an_iban_has_details(browser, alice):
    bare = funded(alice, "Bare")
    Account.objects.filter(pk=bare.pk).update(iban=None)
    check_page(browser.get(reverse("bank:details", args=[bare.pk])))
