"""Closing bank days: in order, each step once, also after a stop and on several machines."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction

from banking import end_of_day, tasks
from banking.accounts.months import Month
from banking.accounts.opening import internal_account
from banking.end_of_day import charges, closing, interest
from banking.end_of_day.charges import rounded
from banking.end_of_day.failure import StepFailed
from banking.ledger import audit
from banking.models import (
    Account,
    AccountCharge,
    BankDay,
    DayStep,
    InterestAccrual,
    LedgerTransaction,
    MonthClosing,
    RecordDigest,
    TrialBalanceLine,
)
from banking.notation import amounts, bank_day
from oauth.infrastructure import clock
from tests.lib.bank_days import NIGHT, at, clearing_account, close_until, keys_since_long, opened, pay
from tests.lib.database import connected_as, site_role
from tests.lib.ledger import no_triggers
from tests.lib.staff import browser_of, staff
from tests.lib.threads import in_parallel

pytestmark = pytest.mark.django_db
UNITS = InterestAccrual.UNITS


@pytest.fixture(autouse=True)
def old_keys(db):
    keys_since_long()


@pytest.fixture
def clearing():
    return clearing_account()


def steps(day):
    return dict(DayStep.objects.filter(day=day).values_list("name", "done_at"))


def test_a_day_is_closed_once_and_missed_days_in_order(alice, clearing):
    account = opened(alice)
    pay(clearing, account, 500, at(date(2026, 10, 5)))
    assert close_until(date(2026, 10, 5)) == [date(2026, 10, 5)]
    assert close_until(date(2026, 10, 5)) == []
    assert BankDay.objects.get(day=date(2026, 10, 6)).status == "open"
    with time_machine.travel(at(date(2026, 10, 9), 24) + NIGHT):
        assert end_of_day.behind() == 4
        assert end_of_day.close_days() == [date(2026, 10, day) for day in (6, 7, 8, 9)]
        assert end_of_day.behind() == 0
    assert set(steps(date(2026, 10, 7))) == {step.name for step in closing.STEPS}
    assert all(steps(date(2026, 10, 7)).values())
    with time_machine.travel(
        at(date(2026, 10, 10), 24) + timedelta(minutes=30)
    ):  # transactions that are open at midnight are booked first
        assert end_of_day.close_days() == []
    assert all(one.is_clean for one in audit())


def test_a_host_whose_clock_is_ahead_closes_no_day_that_has_not_ended(alice, clearing, monkeypatch):
    pay(clearing, opened(alice), 500, at(date(2026, 10, 5)))
    close_until(date(2026, 10, 5))
    monkeypatch.setattr(clock, "_seconds_ahead", lambda: timedelta(hours=3).total_seconds())
    assert close_until(date(2026, 10, 6)) == [], "at the database it is 23:00 of this day"
    assert not BankDay.objects.filter(day=date(2026, 10, 7)).exists()
    monkeypatch.setattr(clock, "_seconds_ahead", lambda: 0)
    assert close_until(date(2026, 10, 6)) == [date(2026, 10, 6)]


def test_a_day_without_an_entry_is_closed_and_has_a_digest(settings, tmp_path):
    """This is true even before the bank has an account."""
    settings.LEDGER_DIGEST_FILE = str(tmp_path / "digests")
    assert close_until(date(2026, 10, 5)) == [date(2026, 10, 5)]
    assert close_until(date(2026, 10, 6)) == [date(2026, 10, 6)]
    assert not TrialBalanceLine.objects.exists()
    kinds = RecordDigest.objects.filter(key="2026-10-05").order_by("kind").values_list("kind", flat=True)
    assert list(kinds) == ["bank_day", "interest"]
    assert len((tmp_path / "digests").read_text().splitlines()) == 1
    assert all(one.is_clean for one in audit())


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        ("Europe/London", date(2026, 3, 29), 23),
        ("Europe/London", date(2026, 10, 25), 25),
        ("Asia/Tokyo", date(2026, 10, 25), 24),
    ],
)
def test_a_day_of_another_length_has_the_interest_of_one_day(settings, alice, clearing, zone, day, hours):
    settings.BANK_TIME_ZONE = zone
    account = opened(alice, since=date(2026, 1, 10), credit_interest_rate=Decimal("3.65"))
    Account.objects.filter(pk=clearing.pk).update(opened_at=at(date(2026, 1, 10)))
    pay(clearing, account, 100_000, bank_day.begins_at(day) + timedelta(minutes=1))
    with time_machine.travel(bank_day.ends_at(day) + NIGHT):
        assert end_of_day.close_days() == [day]
    assert bank_day.ends_at(day) - bank_day.begins_at(day) == timedelta(hours=hours)
    assert InterestAccrual.objects.get().earned_units == 100_000 * 36_500


def test_a_bank_that_moves_to_another_time_zone_closes_each_day_once(settings, alice, clearing):
    """The days before keep their ends; each date has one day of interest."""
    account = opened(alice, credit_interest_rate=Decimal("3.65"))
    pay(clearing, account, 100_000, at(date(2026, 10, 5)))
    close_until(date(2026, 10, 5))
    settings.BANK_TIME_ZONE = "Asia/Tokyo"
    with time_machine.travel(at(date(2026, 10, 6), 18)):  # the 7th in Tokyo, but the 6th was opened until midnight UTC
        assert end_of_day.close_days() == []
    for zone, day in (("Asia/Tokyo", date(2026, 10, 6)), ("America/Los_Angeles", date(2026, 10, 7))):
        settings.BANK_TIME_ZONE = zone
        with time_machine.travel(at(day, 24) + timedelta(hours=10)):
            assert end_of_day.close_days() == [day]
    ends = BankDay.objects.filter(status="closed").order_by("day").values_list("ends_at", flat=True)
    assert [one.isoformat() for one in ends] == [
        "2026-10-06T00:00:00+00:00", "2026-10-07T00:00:00+00:00", "2026-10-07T15:00:00+00:00",
    ]  # fmt: skip
    assert InterestAccrual.objects.count() == 3
    assert all(one.is_clean for one in audit())


@pytest.mark.parametrize(("currency", "written"), [("JPY", "11"), ("KWD", "0.011"), ("BHD", "0.011"), ("GBP", "0.11")])
def test_interest_is_rounded_to_the_minor_unit_of_the_currency(alice, currency, written):
    clearing = clearing_account(currency)
    account = opened(alice, currency=currency, credit_interest_rate=Decimal("3.65"))
    pay(clearing, account, 108_000, at(date(2026, 10, 31)))
    close_until(date(2026, 10, 31))
    charge = AccountCharge.objects.get()
    assert (charge.amount_minor, amounts.with_code(currency, 11).split()[0]) == (11, written)


def test_the_trial_balance_is_of_the_end_of_the_day_and_adds_up(alice, bob, clearing):
    of_alice, of_bob = opened(alice, overdraft_minor=1000), opened(bob)
    pay(clearing, of_bob, 700, at(date(2026, 10, 5)))
    pay(of_alice, of_bob, 300, at(date(2026, 10, 5), 23))
    pay(of_bob, of_alice, 50, at(date(2026, 10, 6), 1))
    close_until(date(2026, 10, 5))
    lines = TrialBalanceLine.objects.filter(day=date(2026, 10, 5)).values_list(
        "group", "name", "debit_minor", "credit_minor"
    )
    assert set(lines) == {
        ("internal", "Clearing", 700, 0),
        ("overdrawn", "Customers overdrawn", 300, 0),
        ("credit", "Customers in credit", 0, 1000),
    }


def test_what_is_booked_across_midnight_is_a_line_of_its_own(alice, bob, clearing):
    """Each entry has the time at which its account was locked, and never an earlier time than the entry before."""
    of_alice, of_bob = opened(alice, overdraft_minor=1000), opened(bob)
    pay(clearing, of_bob, 1, at(date(2026, 10, 6), 1))
    pay(of_alice, of_bob, 300, at(date(2026, 10, 5), 23))
    close_until(date(2026, 10, 5))
    lines = TrialBalanceLine.objects.exclude(credit_minor=0, debit_minor=0)
    assert {line.group: (line.debit_minor, line.credit_minor) for line in lines} == {
        "overdrawn": (300, 0), "transit": (0, 300),
    }  # fmt: skip
    assert all(one.is_clean for one in audit())


def test_a_day_whose_books_differ_is_not_closed_and_says_why(alice, clearing):
    account = opened(alice)
    pay(clearing, account, 500, at(date(2026, 10, 5)))
    with no_triggers(), connection.cursor() as cursor:
        cursor.execute("UPDATE bank_account SET posted_minor = 501 WHERE id = %s", [account.pk])
    for attempts in (1, 2):
        with time_machine.travel(at(date(2026, 10, 6)), tick=False), pytest.raises(CommandError, match="GBP 1"):
            call_command("end_of_day")
        failed = DayStep.objects.get(name="trial_balance")
        assert (failed.attempts, failed.done_at) == (attempts, None)
        assert "differ" in failed.error
    assert BankDay.objects.get(day=date(2026, 10, 5)).status == "closing"
    with no_triggers(), connection.cursor() as cursor:
        cursor.execute("UPDATE bank_account SET posted_minor = 500 WHERE id = %s", [account.pk])
    assert close_until(date(2026, 10, 5)) == [date(2026, 10, 5)]
    assert DayStep.objects.get(name="trial_balance").error == ""


def test_after_a_stop_it_goes_on_where_it_was(alice, bob, clearing, monkeypatch):
    monkeypatch.setattr(interest, "BATCH", 1)
    accounts = [opened(one, credit_interest_rate=Decimal(3)) for one in (alice, bob)]
    for account in accounts:
        pay(clearing, account, 36_500, at(date(2026, 10, 5)))
    work = interest.accrue_some
    calls = []

    def killed(day, reached):
        calls.append(reached)
        if len(calls) == 2:
            raise KeyError("killed")
        return work(day, reached)

    monkeypatch.setattr(closing, "STEPS", tuple(
        closing.Step(one.name, killed if one.name == "interest" else one.work, one.is_exclusive) for one in closing.STEPS
    ))  # fmt: skip
    with time_machine.travel(at(date(2026, 10, 6))), pytest.raises(KeyError):
        end_of_day.close_days()
    assert InterestAccrual.objects.count() == 1
    assert close_until(date(2026, 10, 5)) == [date(2026, 10, 5)]
    assert len(calls) == 4
    assert calls[2] == min(one.pk for one in accounts)
    assert InterestAccrual.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_several_machines_close_a_day_once(alice, clearing):
    account = opened(alice, credit_interest_rate=Decimal(3), monthly_fee_minor=200)
    pay(clearing, account, 365_000, at(date(2026, 10, 31)))
    with time_machine.travel(at(date(2026, 11, 1))):
        results = in_parallel(*[end_of_day.close_days] * 3)
    assert sorted(results, key=len) == [[], [], [date(2026, 10, 31)]]
    assert InterestAccrual.objects.count() == 1
    assert sorted(AccountCharge.objects.values_list("kind", "amount_minor")) == [("fee", -200), ("interest", 30)]
    assert LedgerTransaction.objects.exclude(kind="test").count() == 2
    assert all(one.is_clean for one in audit())


@pytest.mark.django_db(transaction=True)
def test_the_sites_role_closes_days(alice, clearing):
    account = opened(alice, credit_interest_rate=Decimal(3), monthly_fee_minor=200)
    # A day that is over for the database, too: it refuses the end of a month that is not (close_month).
    yesterday = bank_day.today() - timedelta(days=1)
    pay(clearing, account, 365_000, at(yesterday))
    with site_role() as role, connected_as(role):
        with time_machine.travel(at(yesterday, 24) + NIGHT):
            tasks.close_days(timestamp=0)
        assert BankDay.objects.get(status="closed").day == yesterday
        assert InterestAccrual.objects.get().account == account
        for change in ("UPDATE bank_day SET ends_at = now()", "DELETE FROM interest_accrual"):
            with pytest.raises(Exception, match="permission denied"), connection.cursor() as cursor:
                cursor.execute(change)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ("UPDATE bank_day SET closed_at = now() WHERE status = 'closed'", "bank day .* is fixed"),
        ("UPDATE bank_day SET ends_at = now() WHERE status = 'open'", "bank day .* is fixed"),
        (
            "UPDATE bank_day SET status = 'closed', closed_at = now() WHERE status = 'closing'",
            "a day before .* is not closed",
        ),
        (
            "INSERT INTO bank_day (day, ends_at, status, opened_at, closed_at) VALUES ('2026-12-01', now(), 'closed', now(), now())",
            "closed without its steps",
        ),
        (
            "DELETE FROM bank_day_step WHERE day_id = '2026-10-30'",
            "append-only",
        ),
        ("DELETE FROM bank_day WHERE status = 'open'", "."),
        ("UPDATE bank_day_step SET result = 'x'", "."),
        ("UPDATE trial_balance_line SET debit_minor = 1, credit_minor = 0", "."),
        ("DELETE FROM interest_accrual", "."),
        ("UPDATE account_charge SET amount_minor = -1 WHERE kind = 'fee'", "."),
        ("DELETE FROM account_charge", "."),
    ],
)
def test_a_closed_day_cannot_be_changed(alice, clearing, change, reason):
    account = opened(alice, credit_interest_rate=Decimal(3), monthly_fee_minor=200)
    pay(clearing, account, 365_000, at(date(2026, 10, 31)))
    close_until(date(2026, 10, 31))
    BankDay.objects.create(day=date(2026, 10, 30), ends_at=at(date(2026, 10, 31), 0), status="closing")
    BankDay.objects.create(day=date(2026, 11, 2), ends_at=at(date(2026, 11, 3), 0), status="closing")
    for day in (date(2026, 10, 30), date(2026, 11, 2)):
        DayStep.objects.create(day_id=day, name="audit", done_at=at(day))
    with pytest.raises(IntegrityError, match=reason), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(change)


# --- interest and fees


def test_interest_of_a_month_is_of_each_days_end_and_nothing_is_lost(alice, clearing):
    """ACT/365 on 1,000.00 and then 1,500.00 at 3.65 %, which is a hundredth of a percent a day."""
    account = opened(alice, credit_interest_rate=Decimal("3.65"))
    pay(clearing, account, 100_000, at(date(2026, 10, 28)))
    pay(account, clearing, 40_000, at(date(2026, 10, 30), 9))
    pay(clearing, account, 90_003, at(date(2026, 10, 30), 23))
    assert close_until(date(2026, 10, 28))
    assert len(close_until(date(2026, 10, 31))) == 3
    assert list(InterestAccrual.objects.order_by("day").values_list("balance_minor", flat=True)) == [
        100_000, 100_000, 150_003, 150_003,
    ]  # fmt: skip
    charge = AccountCharge.objects.get()
    exact = Decimal(2 * 100_000 + 2 * 150_003) / 10_000
    assert (charge.amount_minor, charge.carried_units) == (50, (exact - 50) * UNITS)
    assert charge.transaction.description == "Interest for October 2026"
    assert charge.transaction.kind == "interest"
    account.refresh_from_db()
    assert account.posted_minor == 150_003 + 50
    assert len(close_until(date(2026, 11, 30))) == 30
    second = AccountCharge.objects.get(month=date(2026, 11, 1))
    exact += Decimal(30 * 150_003 + 29 * 50) / 10_000  # paid in the night to November 1, so it counts from that day
    assert second.amount_minor + charge.amount_minor + Decimal(second.carried_units) / UNITS in (
        exact, exact + Decimal(50) / 10_000,
    )  # fmt: skip
    assert MonthClosing.objects.filter(account=account, month=date(2026, 11, 1)).exists()
    assert all(one.is_clean for one in audit())


def test_an_overdraft_costs_and_what_cannot_be_paid_is_due_until_it_can(alice, clearing):
    account = opened(alice, overdraft_minor=100_000, overdraft_interest_rate=Decimal("36.5"), monthly_fee_minor=500)
    pay(account, clearing, 100_000, at(date(2026, 10, 31)))
    close_until(date(2026, 10, 31))
    due = {one.kind: one for one in AccountCharge.objects.all()}
    assert {kind: (one.status, one.amount_minor, one.reason) for kind, one in due.items()} == {
        "overdraft": ("due", -100, "insufficient_funds"),
        "fee": ("due", -500, "insufficient_funds"),
    }
    pay(clearing, account, 300, at(date(2026, 11, 1)))
    close_until(date(2026, 11, 1))
    assert dict(AccountCharge.objects.values_list("kind", "status")) == {"overdraft": "posted", "fee": "due"}
    pay(clearing, account, 100_000, at(date(2026, 11, 2)))
    Account.objects.filter(pk=account.pk).update(status="frozen")
    close_until(date(2026, 11, 2))
    assert AccountCharge.objects.get(kind="fee").reason == "account_not_open"
    Account.objects.filter(pk=account.pk).update(status="open")
    close_until(date(2026, 11, 3))
    fee = AccountCharge.objects.get(kind="fee")
    assert (fee.status, fee.transaction.description) == ("posted", "Account fee for October 2026")
    assert internal_account("GBP", "Fee income").posted_minor == 500
    assert internal_account("GBP", "Interest income").posted_minor == 100
    close_until(date(2026, 11, 5))
    assert LedgerTransaction.objects.filter(kind__in=["fee", "interest"]).count() == 2


def test_an_account_that_was_closed_has_no_fee_and_interest_that_was_left_is_written_off(alice, clearing):
    """In this release, closing an account pays all of its interest."""
    account = opened(alice, monthly_fee_minor=500, credit_interest_rate=Decimal("3.65"))
    pay(clearing, account, 100_000, at(date(2026, 10, 30)))
    close_until(date(2026, 10, 30))
    pay(account, clearing, 100_000, at(date(2026, 10, 31)))
    Account.objects.filter(pk=account.pk).update(status="closed")
    close_until(date(2026, 10, 31))
    assert list(AccountCharge.objects.values_list("kind", "status")) == [("interest", "waived")]
    charges.charge_some(Month(2026, 11), None)
    assert AccountCharge.objects.count() == 1


def test_interest_is_posted_before_the_fee_that_it_pays(alice, clearing):
    account = opened(alice, credit_interest_rate=Decimal("36.5"), monthly_fee_minor=1)
    pay(clearing, account, 1000, at(date(2026, 10, 31)))
    with time_machine.travel(at(date(2026, 11, 1), 0) + timedelta(minutes=30)):
        pay(account, clearing, 1000, None)
    close_until(date(2026, 10, 31))
    assert dict(AccountCharge.objects.values_list("kind", "status")) == {"interest": "posted", "fee": "posted"}


@pytest.mark.parametrize(
    ("units", "amount_minor"),
    [(0, 0), (UNITS // 2 - 1, 0), (UNITS // 2, 0), (UNITS // 2 + 1, 1), (UNITS * 3 // 2, 2), (-UNITS // 2, 0),
     (-UNITS * 3 // 2, -2), (-UNITS // 2 - 1, -1)],
)  # fmt: skip
def test_interest_is_rounded_half_to_even(units, amount_minor):
    assert rounded(Decimal(units)) == (amount_minor, units - amount_minor * UNITS)


def test_damage_of_charges_and_trial_balances_is_found(alice, clearing):
    account = opened(alice, credit_interest_rate=Decimal(3), monthly_fee_minor=200)
    pay(clearing, account, 365_000, at(date(2026, 10, 31)))
    close_until(date(2026, 10, 31))
    for statement, found_by in (
        ("UPDATE trial_balance_line SET debit_minor = debit_minor + 1 WHERE debit_minor > 0", "Each trial balance"),
        ("UPDATE account_charge SET amount_minor = -1 WHERE kind = 'fee'", "Each charge"),
        ("UPDATE interest_accrual SET earned_units = earned_units + 1", "Each charge"),
        ("UPDATE account_charge SET carried_units = 7 WHERE kind = 'interest'", "Each charge"),
    ):
        with transaction.atomic():
            with no_triggers(), connection.cursor() as cursor:
                cursor.execute(statement)
            assert [one for one in audit() if not one.is_clean and one.question.startswith(found_by)], statement
            transaction.set_rollback(True)


def test_a_failed_audit_keeps_the_day_open(alice, clearing):
    account = opened(alice)
    pay(clearing, account, 500, at(date(2026, 10, 5)))
    with no_triggers(), connection.cursor() as cursor:
        cursor.execute("UPDATE ledger_entry SET balance_after_minor = 7")
    with pytest.raises(StepFailed, match="running balance"):
        close_until(date(2026, 10, 5))
    assert "running balance" in DayStep.objects.get(name="audit").error


def test_a_month_is_charged_once_however_often_it_is_tried(alice, clearing):
    account = opened(alice, monthly_fee_minor=500)
    pay(clearing, account, 5000, at(date(2026, 10, 5)))
    for _ in range(2):
        assert charges.charge_some(Month(2026, 10), None)[0] is None
    assert AccountCharge.objects.count() == 1
    account.refresh_from_db()
    assert account.posted_minor == 4500


def test_an_auditor_sees_days_what_failed_and_the_trial_balance(alice, clearing):
    auditor = browser_of(staff("Auditor"))
    account = opened(alice)
    pay(clearing, account, 12_345, at(date(2026, 10, 5)))
    close_until(date(2026, 10, 5))
    DayStep.objects.create(day_id=date(2026, 10, 6), name="audit", error="The audit found differences")
    page = auditor.get("/admin/banking/bankday/").content.decode()
    assert "Audit of the whole ledger" in page
    page = auditor.get("/admin/banking/bankday/2026-10-05/change/", follow=True).content.decode()
    assert "123.45 GBP = 123.45 GBP" in page
    assert "Customers in credit" in page
    assert "digest run" in page
    assert "trial-balance.csv" in page
    lines = auditor.get("/admin/banking/bankday/2026-10-05/trial-balance.csv").content.decode().splitlines()
    assert lines[1:] == [
        "2026-10-05,GBP,credit,,Customers in credit,1,0.00,123.45",
        f"2026-10-05,GBP,internal,{clearing.pk},Clearing,1,123.45,0.00",
    ]
    assert auditor.get("/admin/banking/accountcharge/").status_code == 200
