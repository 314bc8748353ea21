"""The final charges of an account that closes: the interest until the day before, charges that are due, and the fees of
months that have ended. The fee of the month in which it closes is not charged.

The days and months that are charged here are skipped by the steps that close them later.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal

from banking.accounts.months import Month
from banking.end_of_day.charges import Kind, Status, rounded, settle
from banking.end_of_day.days import not_closed
from banking.end_of_day.interest import not_accrued
from banking.models import Account, AccountCharge, InterestAccrual
from banking.notation import bank_day
from oauth.infrastructure import clock


@dataclass(frozen=True, slots=True)
class FinalCharges:
    """`charges` are in the order of posting: first the credits, then the debits."""

    accruals: tuple[InterestAccrual, ...]
    charges: tuple[AccountCharge, ...]

    @property
    def amount_minor(self) -> int:
        """The total amount that the account gets; negative if it pays."""
        return sum(charge.amount_minor for charge in self.charges)


def final_charges(account: Account) -> FinalCharges:
    """The charges that `post_final_charges` would post now. Stores nothing."""
    days = not_closed(clock.now())
    accruals = tuple(not_accrued(account, days))
    this_month = Month.of(bank_day.today())
    due = AccountCharge.objects.filter(account=account, status=Status.DUE).order_by("month", "pk")
    charges = [*due, *_interest(account, accruals, this_month)]
    charges += _fees(account, {Month.of(day) for day in days} - {this_month})
    return FinalCharges(accruals, tuple(sorted(charges, key=lambda charge: charge.amount_minor <= 0)))


def post_final_charges(account: Account, final: FinalCharges, *, are_waived: bool = False) -> int:
    """Posts and stores the charges, under the lock of the account. Returns the new balance. The account pays from its
    balance, never from an overdraft. Charges that the balance does not cover stay due, or are waived if `are_waived`.
    """
    # The step of the night may be storing the same days, with the same values, in a transaction that has not ended.
    InterestAccrual.objects.bulk_create(final.accruals, ignore_conflicts=True)
    balance_minor = account.posted_minor
    for charge in final.charges:
        charge.account = account
        if balance_minor + charge.amount_minor >= 0:
            settle(charge)
            balance_minor += charge.amount_minor
        else:
            charge.status = Status.WAIVED if are_waived else Status.DUE
            charge.reason = "" if are_waived else "insufficient_funds"
        charge.save()
    return balance_minor


def _interest(account: Account, accruals: Iterable[InterestAccrual], until: Month) -> Iterator[AccountCharge]:
    """The charges of each month that is not charged yet, and of the current month."""
    stored = InterestAccrual.objects.filter(account=account)
    for kind, which, sign in ((Kind.INTEREST, "earned_units", 1), (Kind.OVERDRAFT, "owed_units", -1)):
        last = AccountCharge.objects.filter(account=account, kind=kind).order_by("-month").first()
        since = Month.of(last.month).next if last else Month.of(account.opened_at)
        units: dict[Month, Decimal] = defaultdict(Decimal)
        for day, value in stored.filter(day__gte=since.first_day).values_list("day", which):
            units[Month.of(day)] += sign * value
        for accrual in accruals:
            units[Month.of(accrual.day)] += sign * getattr(accrual, which)
        month, carried = since, last.carried_units if last else Decimal(0)
        while month <= until:
            amount_minor, carried = rounded(units[month] + carried)
            if amount_minor or carried:
                yield _charge(account, month, kind, amount_minor, carried)
            month = month.next


def _fees(account: Account, months: Iterable[Month]) -> Iterator[AccountCharge]:
    fee_minor = account.product.monthly_fee_minor if account.product else None
    charged = set(AccountCharge.objects.filter(account=account, kind=Kind.FEE).values_list("month", flat=True))
    for month in sorted(months):
        if fee_minor and month.first_day not in charged and account.opened_at < month.ends_at:
            yield _charge(account, month, Kind.FEE, -fee_minor, Decimal(0))


def _charge(
    account: Account, month: Month, kind: AccountCharge.Kind, amount_minor: int, carried: Decimal
) -> AccountCharge:
    return AccountCharge(
        account=account, month=month.first_day, kind=kind, amount_minor=amount_minor, carried_units=carried
    )
