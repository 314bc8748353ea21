"""Each payment of an order must meet every rule of a transfer. If the reason for a refusal may be temporary, the
payment is tried again on the same bank day.
"""

from datetime import UTC, date, datetime, timedelta

import pytest
import time_machine
from django.core import mail
from procrastinate.contrib.django.models import ProcrastinateJob

from banking import notices, orders, tasks
from banking.accounts.personal_data import export
from banking.ledger import in_transaction
from banking.models import Account, AccountAccess, Payee, ScheduledTransfer, Transfer
from banking.notices import email
from banking.orders import due
from oauth.infrastructure import clock
from tests.lib.ledger import FUNDS_MINOR, balances, funded, move
from tests.lib.transfers import ELSEWHERE, KEY, body_of, order, send

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def on_the_day():
    with time_machine.travel(datetime(2026, 11, 24, 12, tzinfo=UTC)):
        yield


@pytest.fixture
def told(monkeypatch):
    seen = []
    monkeypatch.setattr(notices, "enqueue_notice", lambda kind, about: seen.append((str(kind), about)))
    return seen


@pytest.fixture
def to_bob(of_bob):
    return {"scheme": "iban", "identifier": of_bob.iban, "name": "Bob Baker"}


def run(at):
    """Runs the background worker at that time; a date means noon."""
    moment = datetime.fromisoformat(f"{at}:00Z" if "T" in at else f"{at}T12:00:00Z")
    with time_machine.travel(moment, tick=False):
        return orders.run_due()


def the_order():
    return ScheduledTransfer.objects.get()


def outcomes():
    return [(one.due_on.isoformat(), one.status, one.status_reason) for one in Transfer.objects.order_by("due_on")]


def set_status(account, status):
    Account.objects.filter(pk=account.pk).update(status=status)


def closed(account):
    other = funded(account.holder, "Elsewhere", amount_minor=0)
    move(account, other, Account.objects.get(pk=account.pk).posted_minor)
    set_status(account, "closed")


# --- the rules of a transfer


def test_an_order_to_a_stranger_is_refused_like_the_transfer(alice, alice_api, to_bob):
    """A payment of £15,000 to somebody who is not a stored payee."""
    rich = funded(alice, "Rich", amount_minor=2_000_000)
    refused = send(alice_api, body_of(rich, to_bob, 1_500_000))
    assert (refused.status_code, refused.json()["code"]) == (422, "limit_exceeded")
    ordered = order(alice_api, rich, to_bob, f"{KEY}-2", 1_500_000)
    assert (ordered.status_code, ordered.json()["code"]) == (422, "limit_exceeded")
    assert not ScheduledTransfer.objects.exists()


def test_a_stored_payee_gets_more_from_the_day_that_it_is_no_longer_new(alice, alice_api, to_bob, of_bob):
    rich = funded(alice, "Rich", amount_minor=2_000_000)
    Payee.objects.create(user=alice, name="Bob", iban=of_bob.iban)
    assert order(alice_api, rich, to_bob, KEY, 1_500_000, first_on="2026-11-25").status_code == 422
    assert order(alice_api, rich, to_bob, f"{KEY}-2", 1_500_000, first_on="2026-11-26").status_code == 201
    assert run("2026-11-26") == 1
    assert outcomes() == [("2026-11-26", "posted", "")]


def test_a_payee_that_was_removed_is_a_stranger_again(alice, alice_api, to_bob, of_bob):
    rich = funded(alice, "Rich", amount_minor=2_000_000)
    payee = Payee.objects.create(user=alice, name="Bob", iban=of_bob.iban, created_at=datetime(2026, 1, 1, tzinfo=UTC))
    order(alice_api, rich, to_bob, KEY, 1_500_000)
    payee.removed_at = datetime(2026, 11, 30, tzinfo=UTC)
    payee.save()
    assert (run("2026-12-01"), run("2026-12-02")) == (0, 1)
    assert outcomes() == [("2026-12-01", "rejected", "limit_exceeded")]


def test_an_order_of_an_iban_that_became_the_users_own_is_an_own_payment(alice, alice_api, to_bob, of_bob, settings):
    """As for a transfer to that IBAN, the limit for new payees does not apply, and no payee is stored."""
    rich = funded(alice, "Rich", amount_minor=2_000_000)
    order(alice_api, rich, to_bob, KEY, 500_000)
    AccountAccess.objects.create(account=of_bob, user=alice, role="holder")
    settings.NEW_PAYEE_LIMIT_MINOR = {"GBP": 1}
    settings.NEW_PAYEE_PERIOD = -timedelta(days=36_500)  # the user has held the account for longer than that
    assert run("2026-12-01") == 1
    assert outcomes() == [("2026-12-01", "posted", "")]
    assert Transfer.objects.get().payee_iban == ""


def test_two_orders_share_the_limit_of_new_payees(alice, alice_api, to_bob):
    rich = funded(alice, "Rich", amount_minor=5_000_000)
    for number, to in enumerate((to_bob, ELSEWHERE)):
        assert order(alice_api, rich, to, f"{KEY}-{number}", 600_000).status_code == 201
    assert run("2026-12-01") == 1
    assert Transfer.objects.count() == 1


def test_an_account_that_is_no_longer_joint_is_not_paid_as_an_own_one(alice, alice_api, of_bob, current, told):
    """This account was never stored as a payee, so a transfer to it is refused, too."""
    access = AccountAccess.objects.create(account=of_bob, user=alice, role="holder")
    assert order(alice_api, current, of_bob, frequency="weekly").status_code == 201
    access.delete()
    assert send(alice_api, body_of(current, of_bob), f"{KEY}-2").json()["code"] == "payee_unreachable"
    assert (run("2026-12-01"), run("2026-12-08")) == (1, 0)
    assert (the_order().status, the_order().end_reason) == ("cancelled", "access_ended")
    assert balances(of_bob) == [FUNDS_MINOR]
    assert told[-1] == ("order_ended", the_order().pk)


def test_a_user_without_access_to_the_paying_account_pays_no_more(access_token, api, bob, of_bob, current):
    access = AccountAccess.objects.create(account=current, user=bob, role="holder")
    order(api(access_token(bob, "transfers:write")), current, of_bob, frequency="daily")
    access.delete()
    assert (run("2026-12-01"), run("2026-12-02")) == (1, 0)
    assert (the_order().status, the_order().end_reason) == ("cancelled", "access_ended")


def test_an_account_without_money_is_closed_and_its_orders_end(alice_api, current, savings, told):
    order(alice_api, current, savings, frequency="daily")
    closed(current)
    assert (run("2026-12-01"), run("2026-12-02")) == (1, 0)
    assert outcomes() == [("2026-12-01", "rejected", "account_not_open")]
    shown = alice_api.get(f"/api/v1/scheduled-transfers/{the_order().pk}").json()
    assert (shown["status"], shown["end_reason"], shown["next_on"]) == ("cancelled", "account_closed", None)
    assert told[-1] == ("order_ended", the_order().pk)


def test_an_order_to_an_account_that_was_closed_ends(alice_api, current, to_bob, of_bob):
    order(alice_api, current, to_bob, frequency="daily")
    closed(of_bob)
    assert run("2026-12-01") == 1
    assert (the_order().status, the_order().end_reason) == ("cancelled", "payee_closed")


def test_a_frozen_account_sets_up_no_order(alice_api, current, savings):
    set_status(current, "frozen")
    answer = order(alice_api, current, savings)
    assert (answer.status_code, answer.json()["code"]) == (409, "account_not_open")


def test_a_user_who_was_deactivated_finds_the_order_on_hold(alice, alice_api, current, savings):
    order(alice_api, current, savings)
    alice.is_active = False
    alice.save()
    assert run("2026-12-01") == 0
    assert (the_order().status, the_order().held_reason) == ("held", "inactive")


# --- the same bank day


def test_missing_money_is_tried_again_the_same_day(alice_api, current, savings, told):
    order(alice_api, current, savings, amount_minor=FUNDS_MINOR + 1)
    assert [run(f"2026-12-01T{time}") for time in ("08:00", "08:10", "09:59")] == [0, 0, 0]
    shown = alice_api.get(f"/api/v1/scheduled-transfers/{the_order().pk}").json()
    assert (shown["refusal"], shown["retry_at"]) == ("insufficient_funds", "2026-12-01T10:00:00Z")
    assert (shown["status"], shown["next_on"]) == ("active", "2026-12-01")
    assert run("2026-12-01T10:00") == 0
    assert the_order().retry_at == datetime(2026, 12, 1, 12, tzinfo=UTC)
    move(funded(current.holder, "Wages", amount_minor=1), current, 1)
    assert run("2026-12-01T12:00") == 1
    assert outcomes() == [("2026-12-01", "posted", "")]
    assert (the_order().status, the_order().refusal, the_order().retry_at) == ("completed", "", None)
    assert [kind for kind, _ in told if kind != "new_order"] == ["order_not_paid"], "told once a day"


def test_two_workers_try_once(alice_api, current, savings):
    """The second one has read its list before the first one has tried."""
    order(alice_api, current, savings, amount_minor=FUNDS_MINOR + 1)
    assert run("2026-12-01T08:00") == 0
    with time_machine.travel(datetime(2026, 12, 1, 8, 1, tzinfo=UTC), tick=False):
        assert due._make_one(the_order().pk, date(2026, 12, 1)) is False
    assert the_order().retry_at == datetime(2026, 12, 1, 10, tzinfo=UTC)


def test_a_host_whose_clock_is_ahead_pays_on_the_database_s_day(alice_api, current, savings, monkeypatch):
    order(alice_api, current, savings)
    monkeypatch.setattr(clock, "_seconds_ahead", lambda: timedelta(hours=2).total_seconds())
    assert run("2026-12-01T01:00") == 0, "at the database it is 23:00 of the day before"
    assert run("2026-12-01T02:00") == 1


def test_the_day_after_it_is_not_tried_any_more(alice_api, current, savings, told):
    """Money that arrives the next day is not used for the payment of the day before."""
    order(alice_api, current, savings, amount_minor=FUNDS_MINOR + 1, frequency="weekly")
    assert run("2026-12-01T23:50") == 0
    move(funded(current.holder, "Wages"), current, 5_000)
    assert run("2026-12-02T00:00") == 1
    assert outcomes() == [("2026-12-01", "rejected", "insufficient_funds")]
    assert (the_order().next_on, the_order().tried_on) == (date(2026, 12, 8), None)
    assert told[-1] == ("payment_not_made", Transfer.objects.get().pk)


def test_a_frozen_account_pays_when_it_is_open_again(alice_api, current, savings):
    order(alice_api, current, savings)
    set_status(current, "frozen")
    assert run("2026-12-01T08:00") == 0
    set_status(current, "open")
    assert run("2026-12-01T10:00") == 1
    assert outcomes() == [("2026-12-01", "posted", "")]


def test_the_day_ends_in_the_time_zone_of_the_bank(alice_api, current, savings, settings):
    settings.BANK_TIME_ZONE = "Asia/Tokyo"
    order(alice_api, current, savings, amount_minor=FUNDS_MINOR + 1)
    assert run("2026-11-30T15:00") == 0, "1 December in Tokyo"
    assert the_order().tried_on == date(2026, 12, 1)
    assert run("2026-12-01T14:59") == 0
    assert run("2026-12-01T15:00") == 1
    assert outcomes() == [("2026-12-01", "rejected", "insufficient_funds")]


# --- after an outage


def test_after_an_outage_only_the_last_days_are_made_up(alice_api, current, savings, told):
    """After four weeks without a worker, a weekly order is not paid four times."""
    order(alice_api, current, savings, amount_minor=FUNDS_MINOR + 1, frequency="weekly")
    assert run("2026-12-24") == 3
    assert outcomes() == [(f"2026-12-{day:02}", "rejected", "missed") for day in (1, 8, 15)]
    assert (the_order().next_on, the_order().tried_on) == (date(2026, 12, 22), date(2026, 12, 24))
    assert [kind for kind, _ in told if kind != "new_order"] == ["payment_not_made", "order_not_paid"]


def test_a_payment_that_was_missed_for_a_few_days_is_made(alice_api, current, savings, settings):
    settings.BANK_CATCH_UP_DAYS = 2
    order(alice_api, current, savings, frequency="daily")
    assert run("2026-12-05") == 5
    assert [(day[-2:], status) for day, status, _ in outcomes()] == [
        ("01", "rejected"), ("02", "rejected"), ("03", "posted"), ("04", "posted"), ("05", "posted"),
    ]  # fmt: skip


# --- business days


def test_an_order_waits_for_the_next_business_day(alice_api, current, savings):
    made = order(alice_api, current, savings, first_on="2026-11-28", frequency="weekly", execution_rule="following")
    assert made.json()["next_on"] == "2026-11-30"
    assert [run(f"2026-11-{day}") for day in (28, 29, 30)] == [0, 0, 1]
    assert outcomes() == [("2026-11-28", "posted", "")]
    assert the_order().next_on == date(2026, 12, 5), "the rhythm stays"


def test_an_order_pays_on_the_business_day_before(alice_api, current, savings):
    made = order(alice_api, current, savings, first_on="2026-11-29", execution_rule="preceding")
    assert made.json()["next_on"] == "2026-11-27"
    assert [run(f"2026-11-{day}") for day in (26, 27, 28)] == [0, 1, 0]
    assert outcomes() == [("2026-11-29", "posted", "")]


def test_an_order_whose_business_day_has_passed_shows_the_day_on_which_it_pays(
    alice, access_token, api, current, savings
):
    """It is set up on Saturday for Sunday, to pay on the business day before, which was Friday."""
    with time_machine.travel(datetime(2026, 11, 28, 12, tzinfo=UTC)):
        app = api(access_token(alice, "transfers:read transfers:write"))
        made = order(app, current, savings, first_on="2026-11-29", execution_rule="preceding")
        assert made.json()["next_on"] == "2026-11-30"
        assert f"{the_order().pays_on}" == "2026-11-30"
    assert [run(f"2026-11-{day}") for day in (28, 29, 30)] == [0, 0, 1]


@pytest.mark.parametrize(
    ("resumed_on", "next_on"),
    [("2026-11-28", "2026-11-28"), ("2026-11-29", "2026-11-28"), ("2026-11-30", "2026-11-28"),
     ("2026-12-01", "2026-12-05")],
)  # fmt: skip
def test_a_payment_that_waits_for_the_next_business_day_is_not_skipped_by_a_pause(
    alice_api, current, savings, resumed_on, next_on
):
    """The order is due on Saturday and pays on Monday. Its day has passed once it is Tuesday."""
    order(alice_api, current, savings, first_on="2026-11-28", frequency="weekly", execution_rule="following")
    press(alice_api, "pause")
    with time_machine.travel(datetime.fromisoformat(f"{resumed_on}T09:00:00Z")):
        in_transaction(lambda: orders.resume(the_order().pk, by=the_order().user_id, is_proven=True))
    assert the_order().next_on == date.fromisoformat(next_on)
    run("2026-11-30")
    assert outcomes() == ([("2026-11-28", "posted", "")] if next_on == "2026-11-28" else [])


# --- changed, paused, resumed


def change(api, **changes):
    return api.patch(f"/api/v1/scheduled-transfers/{the_order().pk}", changes, format="json")


def press(api, what):
    return api.post(f"/api/v1/scheduled-transfers/{the_order().pk}/{what}", {}, format="json")


def test_an_order_is_changed(alice_api, current, savings):
    order(alice_api, current, savings, frequency="monthly")
    changed = change(
        alice_api, amount={"currency": "GBP", "minor_units": 1_234}, reference="Less", last_on="2027-01-31",
        execution_rule="following",
    )  # fmt: skip
    assert changed.status_code == 200
    assert (changed.json()["amount"]["minor_units"], changed.json()["reference"]) == (1_234, "Less")
    assert (changed.json()["last_on"], changed.json()["execution_rule"]) == ("2027-01-31", "following")
    assert change(alice_api, last_on=None).json()["last_on"] is None
    assert run("2026-12-01") == 1
    assert Transfer.objects.get().amount_minor == 1_234


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [({}, 400, "malformed_request"), ({"frequency": "daily"}, 400, "unknown_member"),
     ({"destination": {}}, 400, "unknown_member"), ({"reference": ""}, 400, "malformed_request"),
     ({"amount": {"currency": "EUR", "minor_units": 1}}, 422, "currency_mismatch"),
     ({"amount": {"currency": "GBP", "minor_units": 0}}, 422, "amount_out_of_range"),
     ({"amount": {"currency": "GBP", "minor_units": 10**16}}, 422, "amount_out_of_range"),
     ({"amount": {"currency": "GBP", "minor_units": 1_000_001}}, 422, "limit_exceeded"),
     ({"last_on": "2026-11-30"}, 422, "scheduled_transfer_without_a_day")],
)  # fmt: skip
def test_a_change_that_cannot_be_changes_nothing(alice_api, current, to_bob, changes, status, code):
    order(alice_api, current, to_bob, frequency="monthly")
    before = ScheduledTransfer.objects.values().get()
    answer = change(alice_api, **changes)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert ScheduledTransfer.objects.values().get() == before


def test_a_change_and_resuming_need_a_fresh_login_and_pausing_does_not(
    access_token, api, alice, current, savings, alice_api
):
    """RFC 9470; SCA-RTS art. 14: creating or amending a series."""
    order(alice_api, current, savings, frequency="monthly")
    old = api(access_token(alice, "transfers:write", auth_time=None))
    assert change(old, reference="More").status_code == 401
    assert press(old, "pause").json()["held_reason"] == "paused"
    assert press(old, "resume").status_code == 401
    assert the_order().reference == "Rent"


def test_a_paused_order_pays_nothing_and_skips_its_days(alice_api, current, savings):
    order(alice_api, current, savings, frequency="weekly")
    paused = press(alice_api, "pause").json()
    assert (paused["status"], paused["held_reason"], paused["next_on"]) == ("held", "paused", None)
    assert press(alice_api, "pause").json()["code"] == "scheduled_transfer_not_active"
    assert run("2026-12-08") == 0
    with time_machine.travel(datetime(2026, 12, 9, 12, tzinfo=UTC)):
        in_transaction(lambda: orders.resume(the_order().pk, by=the_order().user_id, is_proven=True, only_paused=True))
    assert (the_order().status, the_order().next_on) == ("active", date(2026, 12, 15))
    assert press(alice_api, "resume").json()["code"] == "scheduled_transfer_not_held"
    assert press(alice_api, "cancel").json()["status"] == "cancelled"
    assert change(alice_api, reference="x").json()["code"] == "scheduled_transfer_not_active"


@pytest.mark.parametrize("reason", ["app_removed", "app_disabled", "staff", "inactive"])
def test_an_app_resumes_only_what_was_paused(alice_api, current, savings, reason):
    order(alice_api, current, savings)
    in_transaction(lambda: orders.hold(the_order().pk, reason))
    assert press(alice_api, "resume").json()["code"] == "scheduled_transfer_not_held"


def test_resuming_a_paused_order_does_not_cut_it_from_its_app(alice, alice_api, current, savings):
    """When the app is removed later, its order is put on hold, whether it was never paused, is paused, or was
    resumed.
    """
    order(alice_api, current, savings, frequency="weekly")
    press(alice_api, "pause")
    press(alice_api, "resume")
    assert the_order().resumed_at is None
    press(alice_api, "pause")
    orders.lifecycle.app_removed(alice.pk, "client-of-the-tests", is_cancelled=False)
    assert the_order().held_reason == "app_removed"


# --- what users see


@pytest.mark.parametrize("kind", ["order_not_paid", "order_ended", "payment_not_made"])
def test_every_outcome_is_said_by_email(alice_api, current, savings, kind):
    order(alice_api, current, savings, amount_minor=FUNDS_MINOR + 1)
    run("2026-12-01")
    about = the_order()
    if kind == "payment_not_made":
        run("2026-12-02")
        about = Transfer.objects.get()
    if kind == "order_ended":
        orders.lifecycle.end(about, "account_closed")
    email.send(kind, str(about.pk))
    said = mail.outbox[-1].body
    assert ("not enough money" in said) is (kind != "order_ended")
    assert ("is closed" in said) is (kind == "order_ended")


@pytest.mark.parametrize(
    ("when", "told"),
    [({"frequency": "once"}, "The order has ended"), ({"frequency": "weekly"}, "goes on with its next day"),
     ({"frequency": "weekly", "last_on": "2026-12-06"}, "The order has ended")],
)  # fmt: skip
def test_the_email_about_a_payment_that_was_not_made_says_whether_the_order_goes_on(
    alice_api, current, savings, when, told
):
    order(alice_api, current, savings, amount_minor=FUNDS_MINOR + 1, **when)
    run("2026-12-01")
    run("2026-12-02")
    email.send("payment_not_made", str(Transfer.objects.get().pk))
    assert told in mail.outbox[-1].body


def test_the_receipt_says_why_a_payment_of_an_order_was_not_made(browser, alice_api, current, savings):
    order(alice_api, current, savings, amount_minor=FUNDS_MINOR + 1)
    run("2026-12-01")
    run("2026-12-02")
    shown = browser.get(f"/bank/transfers/{Transfer.objects.get().pk}").content.decode()
    assert "Not paid" in shown
    assert "There was not enough money in the account" in shown


def test_the_receipt_of_a_payment_that_ended_its_order_says_why_it_ended(browser, alice_api, current, of_bob, to_bob):
    order(alice_api, current, to_bob, frequency="weekly")
    closed(of_bob)
    run("2026-12-01")
    shown = browser.get(f"/bank/transfers/{Transfer.objects.get().pk}").content.decode()
    assert "The account that is paid is closed" in shown
    assert "frozen" not in shown


SHAPES = [
    {"frequency": frequency, "interval": interval} for frequency in ScheduledTransfer.Frequency for interval in (1, 2)
    if frequency != "once" or interval == 1
]  # fmt: skip


def test_the_page_shows_an_order_of_any_shape(browser, alice, bob, current, savings, of_bob):
    """Orders to an own account, to another user and to another bank; with each rhythm and state, with and without the
    app.
    """
    to = [
        {"destination": savings},
        {"destination": of_bob, "payee_iban": of_bob.iban, "payee_name": "Bob Baker"},
        {"payee_iban": "DE89370400440532013000", "payee_name": "Dora Demir"},
        {"payee_iban": "FR7630006000011234567890189", "payee_name": ""},
        {"destination": None, "payee_iban": "", "payee_name": ""},
    ]
    states = [
        {"status": "active", "next_on": "2026-12-05", "execution_rule": "following"},
        {"status": "active", "next_on": "2026-12-05", "refusal": "insufficient_funds", "tried_on": "2026-12-05"},
        {"status": "active", "next_on": "2026-12-05", "refusal": "a_reason_of_tomorrow"},
        *({"status": "held", "held_reason": reason} for reason in ScheduledTransfer.HeldReason),
        {"status": "held", "held_reason": "unknown"},
    ]
    clients = ["web bank", "client-of-the-tests", "gone"]
    made = [
        ScheduledTransfer(
            user=user, source=current, currency="GBP", amount_minor=100, reference=f"Order {number}",
            client_id=clients[number % 3], idempotency_key=f"{number}", first_on="2026-12-05", **where, **state, **shape,
        )
        for number, (where, state, shape, user) in enumerate(
            (where, state, shape, user) for where in to for state in states for shape in SHAPES[:2] for user in (alice, bob)
        )
    ] + [
        ScheduledTransfer(
            user=alice, source=current, currency="GBP", amount_minor=100, reference="Rhythm", client_id="web bank",
            idempotency_key=f"rhythm-{number}", first_on="2026-12-05", next_on="2026-12-05", destination=savings, **shape,
        )
        for number, shape in enumerate(SHAPES)
    ]  # fmt: skip
    ScheduledTransfer.objects.bulk_create(made)
    for user, role in ((bob, "reader"), (bob, "holder")):
        AccountAccess.objects.update_or_create(account=current, user=user, defaults={"role": role})
    first = browser.get("/bank/orders")
    numbers = range(1, first.context["part"].paginator.num_pages + 1)
    parts = [first, *(browser.get(f"/bank/orders?page={number}") for number in numbers[1:])]
    assert {part.status_code for part in parts} == {200}
    said = "".join(part.content.decode() for part in parts)
    for text in ("Dora Demir", "FR7630006000011234567890189", "Bob Baker", "Savings", "There was not enough money",
                 "The bank refused it", "It is paused"):  # fmt: skip
        assert text in said, text


def test_the_web_bank_pauses_and_resumes(browser, alice_api, current, savings):
    order(alice_api, current, savings, frequency="weekly", interval=2)
    page = browser.get("/bank/orders").content.decode()
    assert "Every 2 weeks" in page
    browser.post(f"/bank/orders/{the_order().pk}/pause")
    assert (the_order().status, the_order().held_reason) == ("held", "paused")
    page = browser.get(f"/bank/orders/{the_order().pk}").content.decode()
    assert "pays on its scheduled days again" in page
    assert "without the app" not in page
    browser.post(f"/bank/orders/{the_order().pk}/resume")
    assert the_order().next_on == date(2026, 12, 1)
    browser.post(f"/bank/orders/{the_order().pk}/cancel")
    browser.post(f"/bank/orders/{the_order().pk}/pause")
    assert the_order().status == "cancelled"


def test_an_order_of_somebody_else_is_not_paused(browser, bob, of_bob, api, access_token):
    order(api(access_token(bob, "transfers:write")), of_bob, ELSEWHERE)
    assert browser.post(f"/bank/orders/{the_order().pk}/pause").status_code == 404
    assert the_order().status == "active"


def test_release_n_reads_what_this_release_stores(alice_api, current, savings):
    """Release N inserts a row without the columns of this release."""
    order(alice_api, current, savings)
    old = ScheduledTransfer.objects.values(
        "user_id", "client_id", "source_id", "destination_id", "currency", "amount_minor", "reference", "frequency",
        "first_on", "next_on", "status", "payee_name", "payee_iban", "created_at",
    ).get()  # fmt: skip
    from django.db import connection

    columns = {**old, "id": "01a9b3a4-6f1e-7c3a-9d55-2f1f8e0c1d99", "idempotency_key": "k" * 16}
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO scheduled_transfer ({', '.join(columns)}) VALUES ({', '.join(['%s'] * len(columns))})",
            list(columns.values()),
        )
    assert run("2026-12-01") == 2
    assert timedelta(0) < datetime.now(UTC) - old["created_at"]


# --- orders of today


def jobs_of(order):
    return ProcrastinateJob.objects.filter(task_name=orders.PAY, args={"order_id": str(order.pk)}, status="todo")


def pay_by_job(order):
    [job] = jobs_of(order)
    tasks.pay_order(**job.args)
    ProcrastinateJob.objects.filter(pk=job.pk).update(status="succeeded")


def test_an_order_of_today_pays_at_once(alice_api, current, to_bob):
    """The next regular run may be after midnight."""
    assert order(alice_api, current, to_bob, KEY, 100, first_on="2026-11-24").status_code == 201
    pay_by_job(the_order())
    assert outcomes() == [("2026-11-24", "posted", "")]
    assert the_order().status == "completed"


def test_an_order_of_a_later_day_waits_for_it(alice_api, current, to_bob):
    order(alice_api, current, to_bob, KEY, 100, first_on="2026-11-25")
    assert not jobs_of(the_order()).exists()


def test_an_order_that_is_resumed_on_its_day_pays_on_that_day(alice_api, current, to_bob):
    order(alice_api, current, to_bob, KEY, 100, first_on="2026-11-25")
    in_transaction(lambda: orders.pause(the_order().pk))
    with time_machine.travel(datetime(2026, 11, 25, 23, 58, tzinfo=UTC)):
        in_transaction(lambda: orders.resume(the_order().pk, by=the_order().user_id, is_proven=True))
        pay_by_job(the_order())
    assert outcomes() == [("2026-11-25", "posted", "")]


def test_the_job_of_an_order_that_was_paused_meanwhile_pays_nothing(alice_api, current, to_bob):
    order(alice_api, current, to_bob, KEY, 100, first_on="2026-11-24")
    in_transaction(lambda: orders.pause(the_order().pk))
    pay_by_job(the_order())
    assert outcomes() == []


# --- the user's data


def test_orders_and_transfers_that_moved_no_money_are_in_the_users_data(alice, bob, alice_api, current, savings):
    """GDPR art. 15: a user's orders are data about them, also what was refused or has not been paid yet."""
    made = order(alice_api, current, savings, amount_minor=FUNDS_MINOR + 1)
    run("2026-12-01")
    run("2026-12-02")
    data = {name: list(rows) for name, rows in export(alice)}
    [one] = data["payment orders"]
    assert (str(one["id"]), one["reference"], one["frequency"]) == (made.json()["id"], "Rent", "once")
    [refused] = data["transfers"]
    assert (refused["status"], refused["status_reason"], refused["scheduled_id"]) == (
        "rejected", "insufficient_funds", one["id"],
    )  # fmt: skip
    theirs = {name: list(rows) for name, rows in export(bob)}
    assert (theirs["payment orders"], theirs["transfers"]) == ([], [])
