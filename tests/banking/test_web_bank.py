"""The web bank has the same rules as the API, for a user at a browser."""

import csv
import re
import secrets
from datetime import timedelta
from io import StringIO

import pytest
import time_machine
from django.db import transaction
from django.test import Client as Browser
from django.utils import timezone

from banking.accounts.opening import internal_account
from banking.ledger import post
from banking.models import Account, AccountAccess, Payee, Role, ScheduledTransfer, Transfer
from banking.payments import PaymentOrder, idempotency, make
from banking.payments.idempotency import IdempotentRequest
from tests.lib.database import limited
from tests.lib.ledger import funded
from tests.lib.oauth_client import PASSWORD
from tests.lib.pages import check as check_page
from tests.lib.threads import in_parallel
from tests.lib.web_bank import begin, filled, new_payee, soup, text

pytestmark = pytest.mark.django_db


@pytest.fixture
def of_bobs_browser(bob):
    browser = Browser()
    browser.post("/accounts/login/", {"login": bob.email, "password": PASSWORD})
    return browser


# --- looking


def test_accounts_stand_there_with_their_balances_on_the_home_page_too(browser, current, savings, of_bob):
    for path in ("/bank/", "/"):
        page = browser.get(path)
        check_page(page)
        assert "£100.00" in text(page)
        assert of_bob.name not in text(page)


def test_every_page_needs_a_log_in_and_is_kept_by_no_cache_nor_frame(browser, client, current):
    paths = ["/bank/", f"/bank/accounts/{current.pk}", f"/bank/accounts/{current.pk}/statements", "/bank/transfer",
             "/bank/payees", "/bank/orders"]  # fmt: skip
    for path in paths:
        assert client.get(path)["Location"].startswith("/accounts/login/?next=/bank/")
        page = browser.get(path)
        check_page(page)
        assert page["Cache-Control"] == "private, no-store"
        assert "frame-ancestors 'none'" in page["Content-Security-Policy"]


def test_the_account_of_another_user_is_not_found(browser, of_bob):
    """API1 of the OWASP API list: exactly as what does not exist."""
    for tail in ("", "/statements", "/statements/2026-01", "/statements/2026-01.csv"):
        assert browser.get(f"/bank/accounts/{of_bob.pk}{tail}").status_code == 404
    assert browser.get(f"/bank/accounts/{current_uuid()}").status_code == 404


def current_uuid():
    import uuid

    return uuid.uuid4()


def test_a_history_is_searched_and_read_part_by_part(browser, current):
    for number in range(65):
        post([(current, -1), (internal_account("GBP", "Clearing"), 1)], description=f"Coffee {number:02}", kind="card")
    address = f"/bank/accounts/{current.pk}"
    seen, url = [], address
    while url:
        page = soup(browser.get(url))
        seen += [row.get_text(" ", strip=True) for row in page.select(".rows li > span:first-child > a > bdi")]
        older = page.find("a", string="Older")
        url = older and older["href"]
    assert len(seen) == 66
    assert len(set(seen)) == 66
    found = text(browser.get(f"{address}?q=coffee+07"))
    assert "Coffee 07" in found
    assert "Coffee 08" not in found
    assert "Opening" in text(browser.get(f"{address}?direction=in"))
    assert "Coffee" not in text(browser.get(f"{address}?direction=in"))
    tomorrow = timezone.localdate() + timedelta(days=1)
    assert "Nothing found" in text(browser.get(f"{address}?since={tomorrow}"))


@pytest.mark.parametrize(
    "query",
    [
        "q=%22%3E%3Cscript%3Ealert(1)%3C/script%3E",
        "since=yesterday",
        "direction=up",
        "before=x",
        "before=%2B1",
        "until=0000-00-00",
    ],
)
def test_a_search_of_nonsense_is_answered_and_shown_as_text(browser, current, query):
    page = browser.get(f"/bank/accounts/{current.pk}?{query}")
    assert page.status_code == 200
    assert "<script>alert" not in page.content.decode()


def test_money_says_its_direction_without_colour_and_the_line_has_words(browser, current):
    post([(current, -250), (internal_account("GBP", "Clearing"), 250)], description="Coffee", kind="card")
    page = browser.get(f"/bank/accounts/{current.pk}")
    assert "−£2.50" in text(page)
    assert "+£100.00" in text(page)
    assert "from £97.50 to £97.50" in soup(page).select_one("svg title").text


def test_what_is_older_than_ninety_days_needs_a_fresh_log_in(browser, current, settings):
    """SCA-RTS art. 10, as in the API."""
    with time_machine.travel(timezone.now() + timedelta(days=100)):
        fresh = Browser()
        fresh.post("/accounts/login/", {"login": "alice@example.test", "password": PASSWORD})
        assert "Opening" in text(fresh.get(f"/bank/accounts/{current.pk}"))
        settings.STEP_UP_MAX_AGE = timedelta(seconds=-1)
        page = fresh.get(f"/bank/accounts/{current.pk}")
        assert "Opening" not in text(page)
        [link] = soup(page).find_all("a", string="Log in again")
        assert link["href"].startswith("/accounts/reauthenticate/?next=%2Fbank%2Faccounts%2F")


def test_a_statement_is_read_and_its_csv_has_the_rows_of_the_apis(browser, current, api, access_token, alice):
    Account.objects.filter(pk=current.pk).update(opened_at=timezone.now() - timedelta(days=70))
    month = soup(browser.get(f"/bank/accounts/{current.pk}/statements")).select_one(".rows a")["href"]
    page = browser.get(month)
    check_page(page)
    assert "At the beginning" in text(page)
    ours = b"".join(browser.get(f"{month}.csv").streaming_content)
    german = b"".join(browser.get(f"{month}.csv", headers={"Accept-Language": "de"}).streaming_content).decode()
    theirs = api(access_token(alice, "statements:read")).get(
        f"/api/v1/accounts/{current.pk}/statements/{month.rsplit('/', 1)[1]}", headers={"Accept": "text/csv"}
    )
    plain = b"".join(theirs.streaming_content)
    assert ours == b"\xef\xbb\xbf" + plain  # Excel recognizes UTF-8 by the byte order mark
    rows, of_api = list(csv.reader(StringIO(german), delimiter=";")), list(csv.reader(StringIO(plain.decode())))
    assert [[cell.removeprefix("\ufeff") for cell in rows[0]], len(rows)] == [of_api[0], len(of_api)]
    amount = of_api[0].index("amount")
    assert [row[amount] for row in rows[1:]] == [row[amount].replace(".", ",") for row in of_api[1:]]
    assert german.startswith("\ufeffbooked_at;description;")
    for wrong in ("2999-01", "x", "2020-13"):
        assert browser.get(f"/bank/accounts/{current.pk}/statements/{wrong}").status_code == 404


def test_pages_speak_the_users_language_of_numbers(browser, current):
    page = browser.get("/bank/", headers={"Accept-Language": "de"})
    assert "100,00 £" in text(page).replace("\xa0", " ")


# --- paying


def test_a_transfer_is_filled_in_looked_at_and_made(browser, current, of_bob):
    where = begin(browser, current, **new_payee(of_bob))
    assert not Transfer.objects.exists()
    page = browser.get(where)
    check_page(page)
    for said in ("£12.50", "Bob Baker", "The name matches the account", "Rent", "£87.50", "in 24 hours"):
        assert said in text(page)
    receipt = browser.post(where)
    assert receipt.status_code == 303
    page = browser.get(receipt["Location"])
    check_page(page)
    assert "Paid" in text(page)
    assert Account.objects.get(pk=current.pk).posted_minor == 8750


def test_between_own_accounts_and_to_a_payee(browser, current, savings, of_bob, alice):
    browser.post(begin(browser, current, f"account:{savings.pk}"))
    payee = Payee.objects.create(user=alice, name="Bobby", iban=of_bob.iban)
    browser.post(begin(browser, current, f"payee:{payee.pk}", amount="1"))
    made = Transfer.objects.order_by("id")
    assert [(one.destination_id, one.payee_iban, one.amount_minor) for one in made] == [
        (savings.pk, "", 1250),
        (of_bob.pk, of_bob.iban, 100),
    ]


def test_pressing_twice_or_coming_back_makes_one(browser, current, of_bob):
    where = begin(browser, current, **new_payee(of_bob))
    first, second, third = browser.post(where), browser.post(where), browser.post(where)
    assert first["Location"] == second["Location"] == third["Location"]
    assert Transfer.objects.count() == 1
    from banking.models import IdempotencyRecord

    IdempotencyRecord.objects.all().delete()  # as cleanup does after a week
    assert browser.post(where)["Location"] == first["Location"]
    assert Transfer.objects.count() == 1


def press_beside(browser: Browser, where: str) -> str:
    """Confirms in a second request of the same browser. Returns the URL of the redirect."""
    twin = Browser()
    twin.cookies = browser.cookies
    return str(twin.post(where)["Location"])


@pytest.mark.django_db(transaction=True)
def test_a_double_click_that_arrives_at_once_makes_one(browser, current, of_bob):
    where = begin(browser, current, **new_payee(of_bob))

    places = set(in_parallel(*[lambda: press_beside(browser, where)] * 4))
    assert len(places) == 1
    assert Transfer.objects.count() == 1


def test_what_is_confirmed_is_what_was_shown(browser, current, of_bob):
    """A tampered confirmation: changed form fields have no effect, and neither has a key that this session did not
    create.
    """
    where = begin(browser, current, **new_payee(of_bob))
    browser.post(where, {"amount": "9999", "amount_minor": "9999", "to": "new", "iban": "GB00"})
    assert Transfer.objects.get().amount_minor == 1250
    for key in (secrets.token_urlsafe(24), "x", "%00"):
        assert browser.post(f"/bank/transfer/{key}").status_code in (303, 400)
    assert Transfer.objects.count() == 1


def test_a_user_cannot_confirm_a_transfer_of_another_user(browser, of_bobs_browser, current, of_bob):
    where = begin(browser, current, **new_payee(of_bob))
    assert of_bobs_browser.post(where)["Location"] == "/bank/transfer"
    assert not Transfer.objects.exists()


def test_an_account_that_was_taken_away_in_between_pays_nothing(browser, current, of_bob, bob, alice):
    shared = funded(bob, "Ours")
    access = AccountAccess.objects.create(account=shared, user=alice, role=Role.HOLDER)
    where = begin(browser, shared, f"account:{current.pk}")
    access.delete()
    for answer in (browser.get(where, follow=True), browser.post(where, follow=True)):
        assert answer.request["PATH_INFO"] == "/bank/transfer"
        assert "You can no longer pay from this account. No money was moved." in text(answer)
    assert not Transfer.objects.exists()


def test_a_payee_that_is_gone_in_between_is_not_paid(browser, current, of_bob, alice):
    payee = Payee.objects.create(user=alice, name="Bobby", iban=of_bob.iban)
    where = begin(browser, current, f"payee:{payee.pk}")
    Payee.objects.update(removed_at=timezone.now())
    for answer in (browser.get(where, follow=True), browser.post(where, follow=True)):
        assert "No payment can be made" in text(answer)
    assert not Transfer.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_press_while_the_first_is_still_worked_on_is_told_to_wait(browser, current, of_bob, alice):
    where = begin(browser, current, **new_payee(of_bob))
    key = where.rsplit("/", 1)[1]
    with limited(lock_timeout="100ms"), transaction.atomic():
        first = IdempotentRequest("web bank", str(alice.pk), "POST /transfers", key, b"first")
        idempotency.claim(first, Transfer)

        assert in_parallel(lambda: press_beside(browser, where)) == [where]
        transaction.set_rollback(True)
    assert not Transfer.objects.exists()


def test_money_that_is_not_there_is_not_moved_and_it_says_so(browser, current, of_bob):
    where = begin(browser, current, **new_payee(of_bob))
    begun = begin(browser, current, amount="99.00", **new_payee(of_bob))
    browser.post(begun)
    answer = browser.post(where)
    assert answer.status_code == 422
    assert "does not have enough money" in text(answer)
    assert not soup(answer).select("main form button")
    assert Account.objects.get(pk=current.pk).posted_minor == 100


def test_what_was_refused_is_paid_once_there_is_enough_money(browser, current, of_bob):
    """The confirmation page shows the balance of now, so its button must not repeat the refusal of before."""
    where = begin(browser, current, **new_payee(of_bob))
    browser.post(begin(browser, current, amount="99.00", **new_payee(of_bob)))
    assert browser.post(where).status_code == 422
    post([(of_bob, -9_900), (current, 9_900)], description="Back", kind="transfer")
    answer = browser.post(where)
    assert "/bank/transfers/" in answer["Location"]
    assert browser.post(where)["Location"] == answer["Location"]
    assert Transfer.objects.count() == 2


def test_a_new_payee_gets_no_more_than_the_limit(browser, current, of_bob, settings):
    where = begin(browser, current, **new_payee(of_bob))
    settings.NEW_PAYEE_LIMIT_MINOR = {"GBP": 1_000}
    answer = browser.post(where)
    assert answer.status_code == 422
    assert "New payees together" in text(answer)


def test_a_large_amount_needs_a_fresh_log_in_at_the_moment_of_paying(browser, current, of_bob, settings):
    """RFC 9470, for users of pages: the user reauthenticates and returns to the same confirmation."""
    settings.STEP_UP_AMOUNT_MINOR = {"GBP": 1_000}
    settings.STEP_UP_MAX_AGE = timedelta(seconds=-1)
    where = begin(browser, current, **new_payee(of_bob))
    assert "amount is large" in text(browser.get(where))
    answer = browser.post(where)
    assert answer["Location"] == f"/accounts/reauthenticate/?next={where.replace('/', '%2F')}"
    assert not Transfer.objects.exists()
    settings.STEP_UP_MAX_AGE = timedelta(minutes=10)
    assert "/bank/transfers/" in browser.post(where)["Location"]


def test_proving_it_leads_back_to_the_same_transfer(browser, current, of_bob, settings):
    settings.STEP_UP_AMOUNT_MINOR = {"GBP": 1_000}
    with time_machine.travel(timezone.now() + timedelta(minutes=11)):
        where = begin(browser, current, **new_payee(of_bob))
        to_prove = browser.post(where)["Location"]
        back = browser.post(to_prove, {"password": PASSWORD})
        assert back["Location"] == where
        assert "£12.50" in text(browser.get(where))
        assert "/bank/transfers/" in browser.post(where)["Location"]
    assert Transfer.objects.get().amount_minor == 1250


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"amount": "0"}, "more than zero"),
        ({"amount": "-5"}, "more than zero"),
        ({"amount": "1e3"}, "Write the amount like this"),
        ({"amount": "1.005"}, "no unit that small"),
        ({"amount": "NaN"}, "Write the amount like this: 1,234.50"),
        ({"iban": "GB00CSGN20000000000000"}, "not a valid IBAN"),
        ({"iban": ""}, "not a valid IBAN"),
        ({"name": ""}, "Enter the name of the payee"),
        ({"name": "Bob\u202ereka"}, "invisible character"),
        ({"reference": ""}, "required"),
        ({"to": "account:00000000-0000-0000-0000-000000000000"}, "valid choice"),
        ({"source": "x"}, "valid choice"),
    ],
)
def test_the_form_shows_a_mistake_and_keeps_the_input(browser, current, of_bob, changed, told):
    answer = browser.post("/bank/transfer", filled(current, **new_payee(of_bob)) | changed)
    assert answer.status_code == 400
    assert re.search(told, text(answer))
    assert not Transfer.objects.exists()


def test_the_page_says_that_a_name_does_not_match_and_not_the_right_name(browser, current, of_bob):
    said = text(browser.get(begin(browser, current, **new_payee(of_bob, name="Tax Office"))))
    assert "does not match" in said
    assert "Bob Baker" not in said


def test_a_reader_cannot_pay_in_the_web_bank(browser, current, bob, alice):
    """Readers see the account but cannot pay from it."""
    looked_after = funded(bob, "Grandmother's")
    AccountAccess.objects.create(account=looked_after, user=alice, role=Role.READER)
    page = browser.get(f"/bank/accounts/{looked_after.pk}")
    assert "You can read, not pay" in text(page)
    assert "Make a transfer" not in text(page)
    answer = browser.post("/bank/transfer", filled(looked_after, f"account:{current.pk}"))
    assert answer.status_code == 400
    assert str(looked_after.pk) not in {
        option["value"] for option in soup(browser.get("/bank/transfer")).select("#id_source option")
    }


def test_joint_holders_see_and_pay(browser, bob, alice, current):
    joint = funded(bob, "Household")
    AccountAccess.objects.create(account=joint, user=alice, role=Role.HOLDER)
    assert "Joint account" in text(browser.get("/bank/"))
    browser.post(begin(browser, joint, f"account:{current.pk}"))
    assert Account.objects.get(pk=joint.pk).posted_minor == 8750


def test_only_users_who_may_pay_can_cancel_a_pending_transfer(browser, of_bobs_browser, alice, current):
    elsewhere = "DE89370400440532013000"
    order = PaymentOrder(user_id=alice.pk, client_id="web bank", key="k" * 20, source=current, payee_name="X", payee_iban=elsewhere,
                  amount_minor=100, currency="GBP", reference="R")  # fmt: skip
    transfer = make(order)
    address = f"/bank/transfers/{transfer.pk}"
    assert "On its way" in text(browser.get(address))
    assert of_bobs_browser.get(address).status_code == 404
    assert of_bobs_browser.post(f"{address}/cancel").status_code == 404
    assert browser.get(f"{address}/cancel").status_code == 405
    browser.post(f"{address}/cancel")
    assert "Not paid" in text(browser.get(address))
    assert "no longer pending" in text(browser.post(f"{address}/cancel", follow=True))


# --- payees and orders


def test_payees_are_added_once_and_removed(browser, of_bobs_browser, alice, of_bob):
    given = {"name": "Bob", "iban": of_bob.iban}
    assert browser.post("/bank/payees", given).status_code == 303
    assert "already" in text(browser.post("/bank/payees", given, follow=True))
    payee = Payee.objects.get()
    assert (payee.user, payee.iban) == (alice, of_bob.iban)
    assert "New" in text(browser.get("/bank/payees"))
    assert browser.post("/bank/payees", {**given, "iban": "GB1"}).status_code == 400
    assert of_bobs_browser.post(f"/bank/payees/{payee.pk}/remove").status_code == 404
    browser.post(f"/bank/payees/{payee.pk}/remove")
    assert not Payee.objects.current().exists()


def test_only_users_who_may_pay_can_cancel_standing_orders(browser, of_bobs_browser, alice, current, savings):
    order = ScheduledTransfer.objects.create(
        user=alice, client_id="app", idempotency_key="k" * 20, source=current, destination=savings, currency="GBP",
        amount_minor=100, reference="Saving", frequency="monthly", first_on=timezone.localdate(),
        next_on=timezone.localdate(),
    )  # fmt: skip
    assert "Saving" in text(browser.get("/bank/orders"))
    assert "Saving" not in text(of_bobs_browser.get("/bank/orders"))
    assert of_bobs_browser.post(f"/bank/orders/{order.pk}/cancel").status_code == 404
    browser.post(f"/bank/orders/{order.pk}/cancel")
    order.refresh_from_db()
    assert order.status == "cancelled"


def test_every_form_needs_its_token(browser, current, savings, of_bob):
    """CSRF."""
    strict = Browser(enforce_csrf_checks=True)
    strict.cookies = browser.cookies
    where = begin(browser, current, f"account:{savings.pk}")
    some_id = current.pk
    for path in (where, "/bank/transfer", "/bank/payees", f"/bank/payees/{some_id}/remove", f"/bank/orders/{some_id}/cancel",
                 f"/bank/transfers/{some_id}/cancel"):  # fmt: skip
        assert strict.post(path, {}).status_code == 403, path
    assert not Transfer.objects.exists()
