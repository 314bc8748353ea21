"""Month ends: the database decides when an entry is booked and in which month it is, forever."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest
import time_machine
from django.db import IntegrityError, connection, transaction
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from banking import tasks
from banking.accounts.closing import close_months
from banking.accounts.months import Month
from banking.accounts.opening import SUSPENSE, internal_account, open_account
from banking.accounts.statements import statement_of
from banking.end_of_day.charges import settle
from banking.ledger import post, reverse
from banking.models import Account, AccountCharge, LedgerEntry, MonthClosing
from tests.lib.beside import Beside
from tests.lib.database import connected_as, site_role

pytestmark = pytest.mark.django_db
MONTHS = [Month(2026, month) for month in (7, 8, 9, 10)]
ENDS = [month.ends_at for month in MONTHS]
#: The kinds of bookings: a payment, a reversal, a return by another bank, interest, or a fee.
ACTS = ("pay", "pay", "reverse", "return", "interest", "overdraft", "fee")
#: Seconds around the ends of months, in any order.
MOMENTS = st.lists(
    st.tuples(st.sampled_from(ENDS), st.integers(-2, 2), st.integers(0, 2), st.integers(1, 900), st.sampled_from(ACTS)),
    min_size=1,
    max_size=12,
)
#: A second after the end of July, then a second before it.
OUT_OF_ORDER = [(ENDS[0], 1, 0, 5, "pay"), (ENDS[0], -1, 0, 7, "pay")]
#: Each kind of act before the end of July and after it.
EACH = [(ENDS[0], seconds, 0, 5, act) for seconds in (-1, 1) for act in ACTS]


def opened(alice, *names):
    accounts = [open_account(alice, name=name, currency="GBP", overdraft_minor=10**6) for name in names]
    Account.objects.filter(pk__in=[one.pk for one in accounts]).update(opened_at=MONTHS[0].begins_at)
    world = internal_account("GBP", "Clearing")
    Account.objects.filter(pk=world.pk).update(opened_at=MONTHS[0].begins_at)
    return [*accounts, world]


def booked(source, destination, amount_minor=1, at=None):
    entries = [(source, -amount_minor), (destination, amount_minor)]
    return post(entries, description="x", kind="test", created_at=at)


class Books:
    """Books transactions at the given times, on two accounts and an account of the bank."""

    def __init__(self, accounts):
        self.accounts = accounts
        self.paid = []
        self.done = set()

    def book(self, end, seconds, side, amount_minor, act):
        at = end + timedelta(seconds=seconds)
        with time_machine.travel(at, tick=False):
            if act in ("reverse", "return") and self.paid:
                suspense = internal_account("GBP", SUSPENSE) if act == "return" else None
                reverse(self.paid.pop(), suspense=suspense)
            elif act in AccountCharge.Kind and side < 2:
                self._charge(self.accounts[side], Month.of(at).before, act, amount_minor)
            else:
                source, destination = self.accounts[side], self.accounts[(side + 1) % 3]
                self.paid.append(booked(source, destination, amount_minor, at))

    def _charge(self, account, month, kind, amount_minor):
        if (account.pk, month, kind) not in self.done:
            sign = 1 if kind == "interest" else -1
            charge = AccountCharge(account=account, month=month.first_day, kind=kind, amount_minor=sign * amount_minor)
            settle(charge)
            charge.save()
            assert charge.status == "posted"
            self.done.add((account.pk, month, kind))


def months_add_up(account):
    """Opening + entries = closing, each month begins where the one before ended, and each entry is in one month."""
    made = [statement_of(account.pk, month) for month in MONTHS]
    for one in made:
        amounts = one.entries.values_list("amount_minor", flat=True)
        assert one.opening_minor + sum(amounts) == one.closing_minor
        assert all(one.begins_at <= at < one.ends_at for at in one.entries.values_list("booked_at", flat=True))
    for before, after in pairwise(made):
        assert (before.closing_minor, before.last_seq + 1, before.ends_at) == (
            after.opening_minor, after.first_seq, after.begins_at,
        )  # fmt: skip
    seen = [seq for one in made for seq in one.entries.values_list("account_seq", flat=True)]
    assert seen == list(range(1, made[-1].last_seq + 1))
    return [(one.first_seq, one.last_seq, one.opening_minor, one.closing_minor) for one in made]


@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck), database=None)
@given(moments=MOMENTS, late=MOMENTS, closed_after=st.integers(0, 3))
@example(moments=OUT_OF_ORDER, late=OUT_OF_ORDER, closed_after=0)
@example(moments=EACH, late=EACH, closed_after=1)
def test_each_entry_is_in_one_month_and_each_month_adds_up(alice, moments, late, closed_after):
    """Payments, reversals, returns, interest and fees around month ends, out of order by seconds; then months are
    closed; then more of them, dated before."""
    with transaction.atomic():
        accounts = opened(alice, "one", "two")
        books = Books(accounts)
        for moment in moments:
            books.book(*moment)
        before = {account.pk: months_add_up(account) for account in accounts}
        with time_machine.travel(MONTHS[closed_after].ends_at + timedelta(hours=2)):
            close_months()
        closed = {account.pk: months_add_up(account) for account in accounts}
        assert closed == before
        for moment in late:
            books.book(*moment)
        for account in accounts:
            after = months_add_up(account)
            assert after[: closed_after + 1] == closed[account.pk][: closed_after + 1]
            times = (
                LedgerEntry.objects.filter(account=account).order_by("account_seq").values_list("booked_at", flat=True)
            )
            assert list(times) == sorted(times)
        transaction.set_rollback(True)


def test_nothing_is_booked_into_a_closed_month(alice):
    account, world = opened(alice, "x")
    last_second = MONTHS[0].ends_at - timedelta(seconds=1)
    booked(world, account, 5, last_second)
    with time_machine.travel(MONTHS[0].ends_at + timedelta(hours=2)):
        assert close_months() == 2
        assert close_months() == 0
    entry = booked(world, account, 7, last_second).entries.get(account=account)
    assert (entry.booked_at, entry.value_date) == (MONTHS[0].ends_at, date(2026, 7, 31))
    assert [statement_of(account.pk, month).closing_minor for month in MONTHS[:2]] == [5, 12]


def test_a_month_that_is_closed_stays_and_is_closed_in_order(alice):
    account, _ = opened(alice, "x")
    with time_machine.travel(MONTHS[3].ends_at + timedelta(hours=2)):
        tasks.close_months(timestamp=0)
    rows = MonthClosing.objects.filter(account=account)
    assert list(rows.order_by("month").values_list("month", flat=True)) == [month.first_day for month in MONTHS]
    for change in ("UPDATE month_closing SET closing_minor = 1", "DELETE FROM month_closing"):
        with pytest.raises(IntegrityError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(change)


@pytest.mark.parametrize(("month", "ends"), [("2026-10-01", "2026-10-15"), ("2026-10-02", "2026-11-02")])
def test_a_month_ends_where_the_calendar_says(current, month, ends):
    with pytest.raises(IntegrityError) as refused, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT close_month(%s, %s, %s)", [current.pk, month, f"{ends}T00:00:00Z"])
    assert refused.value.__cause__.diag.constraint_name == "month_of_a_calendar"


@pytest.mark.django_db(transaction=True)
def test_an_entry_that_is_under_way_is_in_the_month_that_it_was_booked_in(alice):
    """Closing waits for the lock of the account."""
    account, world = opened(alice, "x")
    with time_machine.travel(MONTHS[0].ends_at + timedelta(hours=2)):
        closing = Beside(close_months)
        with transaction.atomic():
            booked(world, account, 5, MONTHS[0].ends_at - timedelta(seconds=1))
            closing.start_and_wait()
            assert not closing.results
        closing.join()
    assert MonthClosing.objects.get(account=account).closing_minor == 5


@pytest.mark.django_db(transaction=True)
def test_the_sites_role_gets_the_databases_time_and_closes_no_month_early(current, savings):
    """A process whose clock is wrong, or that an attacker controls, can neither backdate an entry nor close a month
    early.
    """
    long_ago = datetime(2026, 1, 1, tzinfo=UTC)
    with site_role() as role, connected_as(role):
        entry = booked(current, savings, at=long_ago).entries.get(account=current)
        assert abs(entry.booked_at - datetime.now(UTC)) < timedelta(minutes=1)
        with pytest.raises(IntegrityError, match="nothing is booked ahead"):
            booked(current, savings, at=datetime.now(UTC) + timedelta(days=3))
        ahead = Month.of(datetime.now(UTC)).next
        with pytest.raises(IntegrityError) as refused, connection.cursor() as cursor:
            cursor.execute("SELECT close_month(%s, %s, %s)", [current.pk, ahead.first_day, ahead.ends_at])
        assert refused.value.__cause__.diag.constraint_name == "month_not_over"
        close_months()


def test_statements_do_not_change_with_the_time_zone(settings, alice):
    account, world = opened(alice, "x")
    booked(world, account, 5, MONTHS[0].ends_at - timedelta(hours=1))
    with time_machine.travel(MONTHS[1].ends_at + timedelta(hours=2)):
        close_months()
    settings.BANK_TIME_ZONE = "Asia/Tokyo"
    made = statement_of(account.pk, MONTHS[0])
    assert (made.closing_minor, made.ends_at) == (5, datetime(2026, 8, 1, tzinfo=UTC))
