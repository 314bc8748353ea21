"""The point up to which an audit has checked the ledger, so that the next one checks only what is new.

PostgreSQL stores in each row the number of the transaction that wrote it (`xmin`). A checkpoint holds a transaction
number below which every transaction had ended and, for each table whose rows never change, the number of older rows. If
a later audit counts the same numbers of rows, no audited row was changed or deleted, because every change of a row
gives it a newer number. If the numbers differ, or the checkpoint has no signature of ours, the whole ledger is audited
at once.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.core import signing
from django.utils import timezone

#: The whole ledger is audited at least this often.
WHOLE_EVERY = timedelta(days=1)
#: PostgreSQL can compare only transaction numbers that are within 2^31 of each other.
_MOST_TRANSACTIONS = 1_000_000_000
_SALT = "banking.ledger.checkpoint"

#: For each table, the condition for rows that never change again.
FINAL = {
    "ledger_entry": "true",
    "ledger_transaction": "true",
    "ledger_seal": "true",
    "ledger_digest": "true",
    "record_digest": "true",
    "account_act": "true",
    "month_closing": "true",
    # A payment to another bank can still come back.
    "transfer": "status <> 'pending' AND (status <> 'posted' OR destination_id IS NOT NULL)",
    "scheme_message": "status <> 'to_return'",
    "mandate": "status <> 'active'",
    "direct_debit_refund": "status NOT IN ('claimed', 'refunded')",
    "trial_balance_line": "true",
    "interest_accrual": "true",
    "account_charge": "status <> 'due'",
    "settlement_file": "true",
    "settlement_match": "true",
    "settlement_difference": "true",
    "hold": "status <> 'pending'",
    "exchange": "true",
    "exchange_rate": "status <> 'open'",
}

# One statement has one snapshot, so it counts exactly the rows of transactions that had ended before `upper`.
_TAKE = """
WITH mark AS MATERIALIZED (
  SELECT s.xid, age(s.xid::xid) AS upper, age(%(since)s::text::xid8::xid) AS lower,
         pg_snapshot_xmax(pg_current_snapshot())::text::numeric AS next
    FROM (SELECT pg_snapshot_xmin(pg_current_snapshot()) AS xid) s)
SELECT (SELECT xid::text FROM mark), (SELECT next FROM mark)::bigint,
       (SELECT system_identifier::text FROM pg_control_system()) || ' ' || 'public.ledger_entry'::regclass::oid,
       {counts}
"""
_COUNT = """ARRAY(SELECT unnest(ARRAY[count(*) FILTER (WHERE age(x.xmin) > (SELECT upper FROM mark)),
                                       count(*) FILTER (WHERE age(x.xmin) > (SELECT lower FROM mark))])
               FROM {table} x WHERE {final})"""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """`xid` is the transaction number, `cluster` the database that it belongs to, `counts` the rows below it by table,
    `whole_at` when the whole ledger was last audited, `run` the last one of the digests."""

    xid: int
    cluster: str
    counts: dict[str, int]
    whole_at: datetime
    run: int

    def signed(self) -> str:
        """Signed with the site's SECRET_KEY, which the owner of the tables does not have."""
        values = [self.xid, self.cluster, self.counts, self.whole_at.isoformat(), self.run]
        return signing.dumps(values, salt=_SALT)


def verified(text: str) -> Checkpoint | None:
    """The checkpoint; None if it has no signature of ours."""
    try:
        xid, cluster, counts, whole_at, run = signing.loads(text, salt=_SALT)
    except signing.BadSignature:
        return None
    return Checkpoint(xid, cluster, counts, datetime.fromisoformat(whole_at), run)


@dataclass(frozen=True, slots=True)
class Mark:
    """The start of an audit: the checkpoint that it will write, and the number of rows below the last one."""

    xid: int
    next_xid: int
    cluster: str
    counts: dict[str, int]
    counts_since: dict[str, int]

    def extends(self, last: Checkpoint) -> bool:
        """Whether an audit of the rows since `last` is enough, because no row below that checkpoint has changed."""
        is_comparable = last.cluster == self.cluster and 0 <= self.next_xid - last.xid < _MOST_TRANSACTIONS
        is_recent = timedelta(0) <= timezone.now() - last.whole_at < WHOLE_EVERY
        return is_comparable and is_recent and last.counts == self.counts_since

    def checkpoint(self, *, whole_at: datetime, run: int) -> Checkpoint:
        return Checkpoint(self.xid, self.cluster, self.counts, whole_at, run)


def take(last: Checkpoint | None, cursor: Any) -> Mark:
    """Reads the tables once, without their indexes: some seconds for a hundred million rows."""
    since = last.xid if last else 3  # the first number of a normal transaction
    counts = ", ".join(_COUNT.format(table=table, final=final) for table, final in FINAL.items())
    cursor.execute(_TAKE.format(counts=counts), {"since": str(since)})
    xid, next_xid, cluster, *pairs = cursor.fetchone()
    upper, lower = zip(*pairs, strict=True)
    return Mark(int(xid), next_xid, cluster, dict(zip(FINAL, upper, strict=True)), dict(zip(FINAL, lower, strict=True)))


def is_new(alias: str) -> str:
    """The condition that a row was written by a transaction that had not ended at the checkpoint `%(since)s`."""
    return f"age({alias}.xmin) <= (SELECT age(%(since)s::text::xid8::xid))"
