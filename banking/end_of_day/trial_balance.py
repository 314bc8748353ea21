"""The trial balance of a day: each account of the bank, and all customers together. A day is closed only if debits
equal credits in each currency.
"""

from collections import defaultdict
from decimal import Decimal
from uuid import UUID

from django.db import connection

from banking.end_of_day.balances import BALANCE
from banking.end_of_day.failure import StepFailed
from banking.models import BankDay, TrialBalanceLine

# A single statement, so that all balances are from the same moment.
_BALANCES = """
SELECT b.currency, CASE WHEN b.kind = 'internal' THEN 'internal' WHEN b.balance < 0 THEN 'overdrawn' ELSE 'credit' END,
       CASE WHEN b.kind = 'internal' THEN b.id END, CASE WHEN b.kind = 'internal' THEN b.name ELSE '' END,
       count(*), sum(b.balance)
  FROM (SELECT a.id, a.currency, a.kind, a.name, {balance} AS balance FROM bank_account a
         WHERE a.last_seq > 0) b
 GROUP BY 1, 2, 3, 4
"""
# Each entry of a transaction is booked when its account is locked, so the two may be on different sides of midnight.
_IN_TRANSIT = """
WITH cut AS MATERIALIZED (
  SELECT a.id, CASE WHEN a.last_booked_at < %(ends)s THEN a.last_seq
                    ELSE coalesce((SELECT seq FROM last_entry_before(a.id, %(ends)s)), 0) END AS seq
    FROM bank_account a WHERE a.last_seq > 0
), late AS (
  SELECT DISTINCT e.transaction_id FROM cut JOIN ledger_entry e ON e.account_id = cut.id AND e.account_seq > cut.seq)
SELECT e.currency, sum(e.amount_minor) FROM late JOIN ledger_entry e ON e.transaction_id = late.transaction_id
  JOIN cut ON cut.id = e.account_id AND e.account_seq <= cut.seq
 GROUP BY e.currency HAVING sum(e.amount_minor) <> 0
"""
_ZERO = Decimal(0)
_NAMES = {
    TrialBalanceLine.Group.CUSTOMERS_IN_CREDIT: "Customers in credit",
    TrialBalanceLine.Group.CUSTOMERS_OVERDRAWN: "Customers overdrawn",
}


def store_trial_balance(day: BankDay) -> int:
    """Stores the lines of the day and returns how many. Raises StepFailed if debits and credits differ."""
    with connection.cursor() as cursor:
        cursor.execute(_BALANCES.format(balance=BALANCE), {"ends": day.ends_at})
        lines = [
            _line(day, currency, group, name or _NAMES[group], balance, account_id=account_id, accounts=accounts)
            for currency, group, account_id, name, accounts, balance in cursor.fetchall()
        ]
        if any(_sums(lines).values()):
            cursor.execute(_IN_TRANSIT, {"ends": day.ends_at})
            lines += [
                _line(day, currency, TrialBalanceLine.Group.IN_TRANSIT, "Booked across midnight", -amount)
                for currency, amount in cursor.fetchall()
            ]
    wrong = [f"{currency} {difference}" for currency, difference in _sums(lines).items() if difference]
    if wrong:
        raise StepFailed(f"Debits and credits differ, in minor units: {', '.join(wrong)}.")
    return len(TrialBalanceLine.objects.bulk_create(lines))


def _line(
    day: BankDay, currency: str, group: str, name: str, balance: Decimal, *, account_id: UUID | None = None,
    accounts: int = 0,
) -> TrialBalanceLine:  # fmt: skip
    return TrialBalanceLine(
        day=day, currency=currency, group=group, account_id=account_id, name=name, accounts=accounts,
        debit_minor=max(-balance, _ZERO), credit_minor=max(balance, _ZERO),
    )  # fmt: skip


def _sums(lines: list[TrialBalanceLine]) -> dict[str, Decimal]:
    """Credits less debits by currency."""
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for line in lines:
        sums[line.currency] += line.credit_minor - line.debit_minor
    return sums
