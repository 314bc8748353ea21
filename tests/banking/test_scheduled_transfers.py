"""Scheduled transfers and standing orders are paid on their day, once."""

from datetime import UTC, date, datetime, timedelta

import pytest
import time_machine
from hypothesis import given
from hypothesis import strategies as st

from banking import orders
from banking.ledger import audit
from banking.models import AccountAccess, IdempotencyRecord, ScheduledTransfer, Transfer, Webhook, WebhookDelivery
from banking.orders.due import NotAllMade
from oauth.models import Authorization
from tests.lib.ledger import FUNDS_MINOR, balances
from tests.lib.threads import in_parallel
from tests.lib.transfers import ELSEWHERE, KEY, UNKNOWN, body_of, order

pytestmark = pytest.mark.django_db
TODAY = date(2026, 11, 24)


@pytest.fixture(autouse=True)
def on_the_day():
    with time_machine.travel(datetime(2026, 11, 24, 12, tzinfo=UTC)):
        yield


def run(day):
    """Runs the background worker at noon of that day."""
    with time_machine.travel(datetime.fromisoformat(f"{day}T12:00:00Z"), tick=False):
        return orders.run_due()


def test_it_is_made_on_its_day_and_then_done(alice_api, current, savings):
    made = order(alice_api, current, savings)
    assert (made.status_code, made.json()["next_on"]) == (201, "2026-12-01")
    assert balances(savings) == [0]
    assert (run("2026-11-30"), run("2026-12-01"), run("2026-12-01"), run("2027-12-01")) == (0, 1, 0, 0)
    assert balances(savings) == [1000]
    shown = alice_api.get(made["Location"]).json()
    assert (shown["status"], shown["next_on"]) == ("completed", None)
    [transfer] = alice_api.get("/api/v1/transfers").json()["data"]
    assert transfer["scheduled_transfer_id"] == shown["id"]
    assert alice_api.get("/api/v1/scheduled-transfers").json()["data"] == [shown]


def test_a_standing_order_repeats_until_its_last_day(alice_api, current, savings):
    order(alice_api, current, savings, first_on="2026-11-30", frequency="weekly", last_on="2026-12-14")
    assert [run(day) for day in ("2026-11-30", "2026-12-07", "2026-12-14", "2026-12-21")] == [1, 1, 1, 0]
    days = [one.due_on.isoformat() for one in Transfer.objects.order_by("due_on")]
    assert days == ["2026-11-30", "2026-12-07", "2026-12-14"]
    assert ScheduledTransfer.objects.get().status == "completed"


@given(st.dates(date(2026, 1, 1), date(2027, 12, 31)), st.integers(1, 40))
def test_monthly_stays_on_its_day_of_the_month(first, months):
    scheduled = ScheduledTransfer(frequency="monthly", first_on=first)
    day = first
    for number in range(1, months + 1):
        day = scheduled.day_after(day)
        assert (day.year * 12 + day.month) - (first.year * 12 + first.month) == number
        assert day.day == first.day or (day.day < first.day and (day + timedelta(days=1)).day == 1)


def test_a_refusal_is_recorded_and_the_next_one_is_tried(alice_api, current, savings):
    order(alice_api, current, savings, amount_minor=FUNDS_MINOR, frequency="monthly", first_on="2026-12-01")
    assert [run(day) for day in ("2026-12-01", "2027-01-01", "2027-01-02")] == [1, 0, 1]
    first, second = Transfer.objects.order_by("due_on")
    assert (first.status, second.status, second.status_reason) == ("posted", "rejected", "insufficient_funds")
    assert ScheduledTransfer.objects.get().next_on == date(2027, 2, 1)


def test_to_another_bank_it_becomes_a_pending_transfer(alice_api, current):
    order(alice_api, current, ELSEWHERE)
    run("2026-12-01")
    assert Transfer.objects.get().status == "pending"


def test_a_cancelled_one_is_not_made(alice_api, current, savings):
    made = order(alice_api, current, savings)
    url = f"{made['Location']}/cancel"
    assert alice_api.post(url, {}, format="json").json()["status"] == "cancelled"
    again = alice_api.post(url, {}, format="json")
    assert (again.status_code, again.json()["code"]) == (409, "scheduled_transfer_not_active")
    assert run("2027-01-01") == 0


def test_the_order_of_a_user_who_may_no_longer_pay_is_rejected(access_token, api, bob, of_bob, current):
    access = AccountAccess.objects.create(account=current, user=bob, role="holder")
    order(api(access_token(bob, "transfers:write")), current, of_bob)
    access.delete()
    run("2026-12-01")
    assert (Transfer.objects.get().status, balances(current)) == ("rejected", [FUNDS_MINOR])


def test_a_deactivated_user_pays_no_more(alice, alice_api, current, savings):
    order(alice_api, current, savings)
    alice.is_active = False
    alice.save()
    assert run("2026-12-01") == 0
    held = ScheduledTransfer.objects.get()
    assert (held.status, held.held_reason, Transfer.objects.count()) == ("held", "inactive", 0)


def test_a_retry_is_one_order(alice_api, current, savings):
    first, second = order(alice_api, current, savings), order(alice_api, current, savings)
    assert second.json() == first.json()
    IdempotencyRecord.objects.all().delete()  # after a week
    third = order(alice_api, current, savings)
    assert (third.status_code, third.json()) == (201, first.json())
    assert second["Idempotent-Replayed"] == third["Idempotent-Replayed"] == "true"
    assert ScheduledTransfer.objects.count() == 1


@pytest.mark.parametrize("is_known", [True, False], ids=["within a week", "after a week"])
def test_a_retry_on_a_later_day_is_the_same_order(alice_api, access_token, api, alice, current, savings, is_known):
    """The first response was lost just before midnight. Its first day is over when the app tries again."""
    first = order(alice_api, current, savings, first_on="2026-11-24")
    if not is_known:
        IdempotencyRecord.objects.all().delete()
    with time_machine.travel(datetime(2026, 11, 25, 0, 5, tzinfo=UTC)):
        app = api(access_token(alice, "transfers:read transfers:write"))
        again = order(app, current, savings, first_on="2026-11-24")
        assert (again.status_code, again.json()) == (201, first.json())
        assert again["Idempotent-Replayed"] == "true"
        refused = order(app, current, savings, f"{KEY}-2", first_on="2026-11-24")
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (400, "/first_on")
    assert ScheduledTransfer.objects.count() == 1


@pytest.mark.parametrize(
    "when",
    [{"first_on": "2026-11-23"}, {"first_on": "2029-01-01"}, {"first_on": "01.12.2026"}, {"first_on": 7},
     {"frequency": "yearly"}, {"interval": 2}, {"frequency": "daily", "interval": 0},
     {"frequency": "daily", "interval": 367}, {"frequency": "daily", "interval": True},
     {"frequency": "daily", "interval": "2"}, {"execution_rule": "never"}, {"last_on": "2026-12-24"}, {"frequency": "weekly", "last_on": "2026-11-30"},
     {"end_to_end_id": "x"}],
)  # fmt: skip
def test_a_day_that_does_not_fit_is_400(alice_api, current, savings, when):
    assert order(alice_api, current, savings, **when).status_code == 400


def test_the_orders_of_another_user_are_not_found(access_token, api, bob, alice_api, current, savings, of_bob):
    location = order(alice_api, current, savings)["Location"]
    of_another = api(access_token(bob, "transfers:read transfers:write"))
    assert of_another.get(location).status_code == 404
    assert of_another.post(f"{location}/cancel", {}, format="json").status_code == 404
    assert order(of_another, current, of_bob).status_code == 404
    assert order(of_another, UNKNOWN, of_bob, f"{KEY}-2").status_code == 404


def test_a_consent_for_one_transfer_orders_none(access_token, api, alice, current, savings):
    detail = {"type": "transfer", "debtor_account": str(current.pk), "identifier": UNKNOWN}
    token = access_token(alice, "transfers:write", authorization_details=(detail,))
    answer = order(api(token), current, savings)
    assert (answer.status_code, answer.json()["code"]) == (403, "insufficient_authorization")


@pytest.mark.django_db(transaction=True)
def test_eight_workers_make_each_payment_once(alice_api, current, savings):
    order(alice_api, current, savings, frequency="daily", last_on="2026-12-15")
    with time_machine.travel(datetime(2026, 12, 4, 12, tzinfo=UTC)):
        made = in_parallel(*[orders.run_due] * 8)
    assert sum(made) == 4, made
    assert balances(current, savings) == [FUNDS_MINOR - 4000, 4000]
    assert all(finding.is_clean for finding in audit())


def test_nobody_can_take_the_key_of_what_will_be_made(alice_api, current, savings):
    order_id = order(alice_api, current, savings).json()["id"]
    for key in (f"scheduled:{order_id}:2026-12-01", f"scheduled {order_id} 2026-12-01"):
        alice_api.post(
            "/api/v1/transfers", body_of(current, savings, 1), format="json", headers={"Idempotency-Key": key}
        )
    assert run("2026-12-01") == 1


def test_one_broken_order_keeps_no_other_waiting(alice_api, current, savings):
    """The order here is broken because another transfer has its key."""
    broken = order(alice_api, current, savings, first_on="2026-11-30").json()["id"]
    order(alice_api, current, savings, key="another-key-of-16", amount_minor=7)
    Transfer.objects.create(
        user=current.holder, client_id=ScheduledTransfer.objects.get(pk=broken).client_id, source=current,
        destination=savings, currency="GBP", amount_minor=1, status="rejected",
        idempotency_key=f"scheduled {broken} 2026-11-30",
    )  # fmt: skip
    with pytest.raises(NotAllMade):
        run("2026-12-01")
    assert balances(savings) == [7]


def test_an_order_that_is_refused_is_told(alice_api, current, savings, alice):
    order(alice_api, current, savings, amount_minor=FUNDS_MINOR + 1)
    authorization = Authorization.objects.get()
    Webhook.objects.create(
        user=alice,
        client_id="x",
        authorization_id=authorization.pk,
        url="https://app.example/",
        events=["transfer.updated"],
    )
    assert (run("2026-12-01"), run("2026-12-02")) == (0, 1)
    assert [one.event for one in WebhookDelivery.objects.all()] == ["transfer.updated"]
