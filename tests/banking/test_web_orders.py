"""Payment orders in the web bank are set up, changed, paused, resumed and cancelled by the same rules as in the API."""

from datetime import UTC, date, datetime, timedelta
from urllib.parse import unquote

import pytest
import time_machine
from django.test import Client as Browser

from banking.account_life import closing
from banking.models import Account, AccountAccess, Payee, Role, ScheduledTransfer
from banking.notation import bank_day
from banking.orders import run_due
from tests.lib.ledger import funded
from tests.lib.login import logged_in
from tests.lib.oauth_client import PASSWORD
from tests.lib.pages import check as check_page
from tests.lib.web_bank import filled, new_payee, soup, text

pytestmark = pytest.mark.django_db
ELSEWHERE = {"to": "new", "name": "Dora Demir", "iban": "DE89 3704 0044 0532 0130 00"}


def asked(source, to="new", **fields):
    days = {"frequency": "monthly", "interval": "1", "first_on": f"{bank_day.today() + timedelta(days=3)}",
            "last_on": "", "execution_rule": "same_day"}  # fmt: skip
    return filled(source, to, **{**days, **fields})


def begin(browser, source, **fields):
    answer = browser.post("/bank/orders/new", asked(source, **fields))
    assert answer.status_code == 303, text(answer)
    return answer["Location"]


def set_up(browser, source, **fields):
    where = begin(browser, source, **fields)
    made = browser.post(where)
    assert made.status_code == 303, text(made)
    return made["Location"], ScheduledTransfer.objects.latest("id")


def test_a_standing_order_is_filled_in_looked_at_and_set_up(browser, current, of_bob):
    check_page(browser.get("/bank/orders/new"))
    where = begin(browser, current, **new_payee(of_bob), interval="2", execution_rule="following")
    page = browser.get(where)
    check_page(page)
    for said in ("£12.50", "Every 2 months", "Bob Baker", "Rent", "and so on, until you cancel it"):
        assert said in text(page)
    assert not ScheduledTransfer.objects.exists()
    here = browser.post(where)["Location"]
    made = ScheduledTransfer.objects.get()
    assert here == f"/bank/orders/{made.pk}"
    assert (made.frequency, made.interval, made.execution_rule) == ("monthly", 2, "following")
    assert (made.amount_minor, made.payee_iban, made.client_id) == (1250, of_bob.iban, "web bank")
    check_page(browser.get(here))
    assert "Bob Baker" in text(browser.get("/bank/orders"))


def test_the_days_that_are_shown_are_those_that_it_pays_on(browser, current, of_bob):
    fields = {"first_on": "2027-01-31", "last_on": "2027-04-30", "execution_rule": "same_day"}
    with time_machine.travel(datetime(2026, 12, 1, 12, tzinfo=UTC)):
        today = Browser()
        today.post("/accounts/login/", {"login": "alice@example.test", "password": PASSWORD})
        page = text(today.get(begin(today, current, **new_payee(of_bob), **fields)))
    for day in ("31 Jan 2027", "28 Feb 2027", "31 Mar 2027", "30 Apr 2027"):
        assert day in page, page
    assert "and so on" not in page


def test_an_order_for_today_is_not_confirmed_tomorrow(current, of_bob):
    """A daily order would otherwise pay twice on its first day. One that was confirmed in time is shown again."""
    browser = Browser()
    with time_machine.travel(datetime(2026, 12, 1, 23, 50, tzinfo=UTC)):
        browser.post("/accounts/login/", {"login": "alice@example.test", "password": PASSWORD})
        fields = {"first_on": "2026-12-01", "frequency": "daily"}
        confirmed = begin(browser, current, **new_payee(of_bob), **fields)
        made = browser.post(confirmed)["Location"]
        late = begin(browser, current, **new_payee(of_bob), **fields)
    with time_machine.travel(datetime(2026, 12, 2, 0, 5, tzinfo=UTC)):
        assert browser.post(confirmed)["Location"] == made
        for answer in (browser.get(late), browser.post(late)):
            assert answer["Location"] == "/bank/orders/new"
        assert "This form has expired" in text(browser.get("/bank/orders/new"))
    assert ScheduledTransfer.objects.count() == 1


def test_pressing_twice_or_coming_back_sets_up_one(browser, current, of_bob):
    where = begin(browser, current, **new_payee(of_bob))
    first, second = browser.post(where)["Location"], browser.post(where)["Location"]
    assert first == second == browser.get(where)["Location"]
    assert ScheduledTransfer.objects.count() == 1


def test_a_payment_on_one_later_day_ignores_what_applies_to_repeated_ones(browser, current, savings):
    fields = {"frequency": "once", "interval": "x", "last_on": "2020-01-01"}
    where, made = set_up(browser, current, to=f"account:{savings.pk}", **fields)
    assert (made.interval, made.last_on, made.payee_iban) == (1, None, "")
    assert "Pays once" not in text(browser.get(where))
    assert run_due(today=made.first_on) == 1
    made.refresh_from_db()
    assert made.status == "completed"
    page = text(browser.get(where))
    assert "Completed" in page
    assert browser.get(f"{where}/change").status_code == 404
    assert "Rent" not in text(browser.get("/bank/orders"))
    assert "Rent" in text(browser.get("/bank/orders?show=ended"))


def test_to_a_payee_and_to_another_bank(browser, alice, current):
    payee = Payee.objects.create(user=alice, name="Dora Demir", iban="DE89370400440532013000")
    _where, made = set_up(browser, current, to=f"payee:{payee.pk}")
    assert (made.payee_iban, made.destination) == (payee.iban, None)
    _where, made = set_up(browser, current, **ELSEWHERE)
    assert made.payee_iban == payee.iban
    assert text(browser.get("/bank/orders")).count("Dora Demir") == 2


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"first_on": "2020-01-01"}, "Choose today or a day within the next two years."),
        ({"first_on": "2036-01-01"}, "Choose today or a day within the next two years."),
        ({"first_on": "soon"}, "Enter a valid date."),
        ({"last_on": "2020-01-01"}, "The last day must not be before the first."),
        ({"interval": "0"}, "greater than or equal to 1"),
        ({"interval": "367"}, "less than or equal to 366"),
        ({"frequency": "hourly"}, "Select a valid choice"),
        ({"execution_rule": "never"}, "Select a valid choice"),
        ({"amount": "0"}, "The amount must be more than zero."),
        ({"iban": "GB00"}, "This is not a valid IBAN"),
    ],
)
def test_the_form_shows_a_mistake_and_keeps_the_input(browser, current, of_bob, changed, told):
    answer = browser.post("/bank/orders/new", asked(current, **{**new_payee(of_bob), **changed}))
    assert answer.status_code == 400
    assert told in text(answer)
    assert soup(answer).select_one("#id_reference")["value"] == "Rent"
    assert not ScheduledTransfer.objects.exists()


def test_setting_one_up_needs_a_fresh_log_in_and_leads_back_to_it(browser, current, of_bob):
    """SCA-RTS art. 14, as in the API, for any amount."""
    where = begin(browser, current, **new_payee(of_bob), amount="0.01")
    with time_machine.travel(datetime.now(UTC) + timedelta(minutes=11)):
        assert "log in again" in text(browser.get(where))
        to_prove = browser.post(where)["Location"]
        assert to_prove.startswith("/accounts/reauthenticate/")
        assert where in unquote(to_prove)
        assert not ScheduledTransfer.objects.exists()
        browser.post(to_prove, {"password": PASSWORD})
        browser.post(where)
    assert ScheduledTransfer.objects.count() == 1


def test_a_refusal_is_told_and_nothing_is_set_up(browser, current, of_bob, settings):
    where = begin(browser, current, **new_payee(of_bob))
    settings.BANK_MOST_ORDERS = 0
    answer = browser.post(where)
    assert answer.status_code == 409
    assert "maximum number of orders" in text(answer)
    assert not ScheduledTransfer.objects.exists()


def test_an_account_that_was_taken_away_in_between_gets_no_order(browser, current, of_bob, alice, bob):
    access = AccountAccess.objects.create(account=of_bob, user=alice, role=Role.HOLDER)
    where = begin(browser, of_bob, to=f"account:{current.pk}")
    access.delete()
    for answer in (browser.get(where, follow=True), browser.post(where, follow=True)):
        assert answer.request["PATH_INFO"] == "/bank/orders/new"
        assert "You can no longer pay from this account" in text(answer)
    assert not ScheduledTransfer.objects.exists()


def test_a_new_payee_gets_no_more_than_the_limit(browser, current, of_bob, settings):
    settings.NEW_PAYEE_LIMIT_MINOR = {"GBP": 1000}
    fields = {"first_on": f"{bank_day.today()}"}
    answer = browser.post(begin(browser, current, **new_payee(of_bob), **fields))
    assert answer.status_code == 422
    assert "New payees together" in text(answer)


def test_the_form_of_another_user_or_of_a_transfer_makes_no_order(browser, bob, current, of_bob):
    where = begin(browser, current, **new_payee(of_bob))
    of_bobs = Browser()
    of_bobs.post("/accounts/login/", {"login": bob.email, "password": PASSWORD})
    assert of_bobs.post(where)["Location"] == "/bank/orders/new"
    transfer = browser.post("/bank/transfer", filled(current, **new_payee(of_bob)))["Location"]
    assert browser.post(transfer.replace("/transfer/", "/orders/new/"))["Location"] == "/bank/orders/new"
    assert browser.post(where.replace("/orders/new/", "/transfer/"))["Location"] == "/bank/transfer"
    assert not ScheduledTransfer.objects.exists()


def test_an_order_is_changed(browser, current, of_bob):
    where, made = set_up(browser, current, **new_payee(of_bob))
    check_page(browser.get(f"{where}/change"))
    last = made.first_on + timedelta(days=100)
    change = {"amount": "20.00", "reference": "Rent and heating", "last_on": f"{last}", "execution_rule": "preceding"}
    assert browser.post(f"{where}/change", change)["Location"] == where
    made.refresh_from_db()
    assert (made.amount_minor, made.reference, made.last_on) == (2000, "Rent and heating", last)
    assert made.execution_rule == "preceding"
    browser.post(f"{where}/change", {**change, "last_on": ""})
    made.refresh_from_db()
    assert made.last_on is None
    for wrong in ({"amount": "0"}, {"amount": "0.001"}, {"last_on": "2020-01-01"}, {"reference": ""}):
        assert browser.post(f"{where}/change", {**change, **wrong}).status_code in (400, 422)
    made.refresh_from_db()
    assert made.amount_minor == 2000


def test_changing_needs_a_fresh_log_in_and_what_was_typed_stays(browser, current, of_bob):
    where, made = set_up(browser, current, **new_payee(of_bob))
    change = {"amount": "20.00", "reference": "Heating", "last_on": "", "execution_rule": "same_day"}
    with time_machine.travel(datetime.now(UTC) + timedelta(minutes=11)):
        to_prove = browser.post(f"{where}/change", change)["Location"]
        assert to_prove.startswith("/accounts/reauthenticate/")
        made.refresh_from_db()
        assert made.amount_minor == 1250
        browser.post(to_prove, {"password": PASSWORD})
        page = soup(browser.get(f"{where}/change"))
    assert page.select_one("#id_amount")["value"] == "20.00"
    assert page.select_one("#id_reference")["value"] == "Heating"


def shown_on(page):
    """The values of the form's fields on the page."""
    form = soup(page).select_one("form[action$=change]")
    fields = {one["name"]: one.get("value", "") for one in form.select("input[name]")}
    return fields | {one["name"]: one.select_one("[selected]")["value"] for one in form.select("select")}


@pytest.mark.parametrize("is_fresh", [True, False])
def test_an_older_page_changes_only_what_its_user_changed(browser, current, of_bob, is_fresh):
    """Two tabs: the amount was raised in the other one. Here, the user corrects the reference."""
    where, made = set_up(browser, current, **new_payee(of_bob))
    older = shown_on(browser.get(f"{where}/change"))
    browser.post(f"{where}/change", {**older, "amount": "20.00", "last_on": "2030-01-01"})
    change = {**older, "reference": "Heating"}
    if is_fresh:
        browser.post(f"{where}/change", change)
    else:
        with time_machine.travel(datetime.now(UTC) + timedelta(minutes=11)):
            browser.post(browser.post(f"{where}/change", change)["Location"], {"password": PASSWORD})
            browser.post(f"{where}/change", shown_on(browser.get(f"{where}/change")) | {"reference": "Heating"})
    made.refresh_from_db()
    assert (made.amount_minor, made.reference, made.last_on) == (2000, "Heating", date(2030, 1, 1))


def test_a_page_that_does_not_say_what_it_showed_changes_all_that_it_sends(browser, current, of_bob):
    where, made = set_up(browser, current, **new_payee(of_bob))
    older = shown_on(browser.get(f"{where}/change"))
    browser.post(f"{where}/change", {**older, "amount": "20.00", "reference": "Heating"})
    browser.post(f"{where}/change", {name: value for name, value in older.items() if not name.startswith("shown-")})
    made.refresh_from_db()
    assert (made.amount_minor, made.reference) == (1250, "Rent")


def test_one_is_paused_resumed_and_cancelled(browser, current, of_bob):
    where, made = set_up(browser, current, **new_payee(of_bob))
    for act, status in (("pause", "held"), ("resume", "active"), ("cancel", "cancelled")):
        assert browser.post(f"{where}/{act}")["Location"] == where
        made.refresh_from_db()
        assert made.status == status
    assert "Cancelled" in text(browser.get(where))


def test_an_order_that_is_resumed_after_its_last_day_is_said_to_have_ended(browser, current, of_bob):
    where, made = set_up(browser, current, **new_payee(of_bob), last_on=f"{bank_day.today() + timedelta(days=9)}")
    browser.post(f"{where}/pause")
    with time_machine.travel(datetime.now(UTC) + timedelta(days=20)):
        web = logged_in(made.user)
        page = text(web.post(f"{where}/resume", follow=True))
    assert "so it has ended" in page
    assert "Resumed" not in page
    made.refresh_from_db()
    assert made.status == "completed"


def test_pressing_twice_is_no_mistake(browser, current, of_bob):
    """The second click finds the order as its user wants it."""
    set_up(browser, current, **new_payee(of_bob))
    order = ScheduledTransfer.objects.get()
    for act, told in (("pause", "Paused."), ("resume", "Resumed."), ("cancel", "Cancelled.")):
        answers = [browser.post(f"/bank/orders/{order.pk}/{act}", follow=True) for _ in range(2)]
        assert told in str(list(answers[0].context["messages"])[-1])
        assert not list(answers[1].context["messages"])
    answer = browser.post(f"/bank/orders/{order.pk}/pause", follow=True)
    assert str(list(answer.context["messages"])[-1]) == "The order is not active."


def test_who_only_looks_sees_it_and_changes_nothing(browser, bob, current, of_bob):
    where, made = set_up(browser, current, **new_payee(of_bob))
    of_bobs = Browser()
    of_bobs.post("/accounts/login/", {"login": bob.email, "password": PASSWORD})
    assert of_bobs.get(where).status_code == 404
    AccountAccess.objects.create(account=current, user=bob, role=Role.READER)
    page = of_bobs.get(where)
    assert "Rent" in text(page)
    assert "/change" not in page.content.decode()
    # The same holds for an order that Bob set up while he could pay.
    for user in (made.user, bob):
        ScheduledTransfer.objects.update(user=user)
        assert of_bobs.get(f"{where}/change").status_code == 404
        for act in ("change", "pause", "cancel", "resume"):
            assert of_bobs.post(f"{where}/{act}", {"amount": "1"}).status_code == 404
    made.refresh_from_db()
    assert (made.status, made.amount_minor) == ("active", 1250)


def test_orders_of_a_frozen_and_of_a_closed_account_are_shown(browser, alice, current, savings, of_bob):
    where, _made = set_up(browser, current, **new_payee(of_bob))
    empty = funded(alice, "Old", amount_minor=0)
    ended, _made = set_up(browser, empty, to=f"account:{current.pk}")
    closing.close(empty.pk, by=alice.pk, is_proven=True)
    Account.objects.filter(pk=current.pk).update(status=Account.Status.FROZEN)
    for path in ("/bank/orders", "/bank/orders?show=ended", where, ended, f"{where}/change"):
        check_page(browser.get(path))


def test_ten_thousand_ended_orders_are_read_page_by_page(browser, alice, current, savings):
    ScheduledTransfer.objects.bulk_create(
        ScheduledTransfer(
            user=alice, source=current, destination=savings, currency="GBP", amount_minor=1, reference=f"Order {number}.",
            client_id="web bank", idempotency_key=f"{number}", first_on=date(2026, 1, 1), status="cancelled", frequency="once",
        )
        for number in range(120)
    )  # fmt: skip
    seen, url = set(), "/bank/orders?show=ended"
    while url:
        page = soup(browser.get(url))
        seen |= {row.get_text() for row in page.select(".rows small bdi")}
        more = page.find("a", string="More")
        url = more and f"/bank/orders{more['href']}"
    assert len(seen) == 120
    for nonsense in ("x", "0", "99999999999999999999"):
        assert browser.get(f"/bank/orders?show=ended&page={nonsense}").status_code == 200
