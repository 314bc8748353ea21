"""The interest of a day, computed from the balance that each account had at its end (ACT/365: a 365th of the yearly
rate a day, in leap years too)."""

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any
from uuid import UUID

from django.db import connection

from banking.end_of_day.balances import BALANCE
from banking.models import Account, BankDay, InterestAccrual
from banking.notation import bank_day

#: Accounts in one transaction.
BATCH = 5000
_NIL = UUID(int=0)

# The rate is in percent with four decimals; times 10,000 it is in millionths.
_ACCRUE = """
WITH batch AS MATERIALIZED (
  SELECT a.id, {balance} AS balance, coalesce(p.credit_interest_rate, 0) * 10000 AS earning,
         coalesce(p.overdraft_interest_rate, 0) * 10000 AS owing
    FROM bank_account a JOIN product p ON p.id = a.product_id
   WHERE a.id > %(reached)s AND a.kind = 'customer' ORDER BY a.id LIMIT %(batch)s
), accrued AS (
  INSERT INTO interest_accrual (id, account_id, day, balance_minor, earned_units, owed_units)
    SELECT gen_random_uuid(), id, %(day)s, balance, greatest(balance, 0) * earning, greatest(-balance, 0) * owing
      FROM batch WHERE greatest(balance, 0) * earning > 0 OR greatest(-balance, 0) * owing > 0
  ON CONFLICT (account_id, day) DO NOTHING RETURNING 1)
SELECT (SELECT id FROM batch ORDER BY id DESC LIMIT 1), (SELECT count(*) FROM batch), (SELECT count(*) FROM accrued)
"""


def accrue_some(day: BankDay, reached: UUID | None) -> tuple[UUID | None, str]:
    """The next BATCH accounts. Returns where to continue, None after the last one."""
    values: dict[str, Any] = {"ends": day.ends_at, "day": day.day, "reached": reached or _NIL, "batch": BATCH}
    with connection.cursor() as cursor:
        cursor.execute(_ACCRUE.format(balance=BALANCE), values)
        last, count, accrued = cursor.fetchone()
    return (last if count == BATCH else None), f"{accrued} accounts in the last batch"


# Like _ACCRUE, for one account and several days.
_NOT_ACCRUED = """
WITH ended AS (
  SELECT u.day, coalesce(b.ends_at, u.ends) AS ends_at
    FROM unnest(%(days)s::date[], %(ends)s::timestamptz[]) AS u (day, ends) LEFT JOIN bank_day b ON b.day = u.day
), had AS (
  SELECT ended.day, coalesce((SELECT balance_minor FROM last_entry_before(a.id, ended.ends_at)), 0) AS balance,
         coalesce(p.credit_interest_rate, 0) * 10000 AS earning, coalesce(p.overdraft_interest_rate, 0) * 10000 AS owing
    FROM bank_account a JOIN product p ON p.id = a.product_id, ended WHERE a.id = %(account)s)
SELECT day, balance, greatest(balance, 0) * earning, greatest(-balance, 0) * owing FROM had
 WHERE (balance * earning > 0 OR balance * owing < 0)
   AND NOT EXISTS (SELECT FROM interest_accrual i WHERE i.account_id = %(account)s AND i.day = had.day)
 ORDER BY day
"""


def not_accrued(account: Account, days: Sequence[date]) -> Iterator[InterestAccrual]:
    """The interest that the account earned or owes for days without interest so far. Stores nothing."""
    values: dict[str, Any] = {
        "account": account.pk,
        "days": list(days),
        "ends": [bank_day.ends_at(day) for day in days],
    }
    with connection.cursor() as cursor:
        cursor.execute(_NOT_ACCRUED, values)
        for day, balance_minor, earned, owed in cursor.fetchall():
            yield InterestAccrual(
                account=account, day=day, balance_minor=balance_minor, earned_units=earned, owed_units=owed
            )
