"""The audit of the ledger: statements that must hold, each with a query that finds what contradicts it.

Then it extends the chain of digests, so that later changes of what was there are found."""

import logging
import time
from dataclasses import dataclass
from itertools import islice
from typing import Any

from django.db import connection, transaction

from banking.ledger import digests
from banking.models import LedgerAudit

logger = logging.getLogger(__name__)

_CHECKS = {
    "The entries of each currency sum to zero": """
        SELECT currency, sum(amount_minor) FROM ledger_entry GROUP BY currency HAVING sum(amount_minor) <> 0""",
    "Each balance is the sum of its entries, what is held that of its holds, each running balance of those before": """
        SELECT a.id, a.posted_minor, e.total FROM bank_account a
          LEFT JOIN (SELECT account_id, sum(amount_minor) AS total FROM ledger_entry GROUP BY account_id) e
            ON e.account_id = a.id
         WHERE a.posted_minor <> coalesce(e.total, 0)
        UNION ALL
        SELECT a.id, a.held_minor, h.total FROM bank_account a
          LEFT JOIN (SELECT account_id, sum(amount_minor) AS total FROM hold
                      WHERE status = 'pending' GROUP BY account_id) h ON h.account_id = a.id
         WHERE a.held_minor <> coalesce(h.total, 0)
        UNION ALL
        SELECT account_id, balance_after_minor, running FROM (
          SELECT account_id, balance_after_minor,
                 sum(amount_minor) OVER (PARTITION BY account_id ORDER BY account_seq) AS running FROM ledger_entry) r
         WHERE balance_after_minor <> running""",
    "Each account's entries are numbered without a gap": """
        SELECT a.id, a.last_seq, count(e.id), coalesce(max(e.account_seq), 0) FROM bank_account a
          LEFT JOIN ledger_entry e ON e.account_id = a.id GROUP BY a.id, a.last_seq
        HAVING a.last_seq <> count(e.id) OR a.last_seq <> coalesce(max(e.account_seq), 0)""",
    "Each transaction is sealed and balanced": """
        SELECT t.id, s.entries, count(e.id), coalesce(sum(e.amount_minor), 0) FROM ledger_transaction t
          LEFT JOIN ledger_seal s ON s.transaction_id = t.id
          LEFT JOIN ledger_entry e ON e.transaction_id = t.id GROUP BY t.id, s.entries
        HAVING s.entries IS NULL OR s.entries <> count(e.id) OR coalesce(sum(e.amount_minor), 0) <> 0""",
    "Each transfer equals its entries and its hold": """
        SELECT t.id, c.wrong FROM transfer t, LATERAL (SELECT transfer_contradiction(t) AS wrong) c
         WHERE c.wrong IS NOT NULL""",
    "Each captured hold is debited from its account": """
        SELECT h.id, c.wrong FROM hold h, LATERAL (SELECT hold_contradiction(h) AS wrong) c
         WHERE h.status = 'captured' AND c.wrong IS NOT NULL""",
    "Each reversal is the opposite of what it reverses": """
        SELECT t.id, c.wrong FROM ledger_transaction t, LATERAL (
          SELECT reversal_contradiction(t.id, t.reverses_id) AS wrong) c
         WHERE t.reverses_id IS NOT NULL AND c.wrong IS NOT NULL""",
    "Each account's state and overdraft are as they were last written down": """
        SELECT a.id, a.status, a.overdraft_minor FROM bank_account a
          LEFT JOIN LATERAL (SELECT status, overdraft_minor FROM account_act
                              WHERE account_id = a.id AND user_id IS NULL ORDER BY id DESC LIMIT 1) w ON true
         WHERE (a.status, a.overdraft_minor)
               IS DISTINCT FROM (coalesce(w.status, 'open'), coalesce(w.overdraft_minor, 0))""",
    "Each access to an account is as it was last written down": """
        SELECT coalesce(x.account_id, w.account_id), coalesce(x.user_id, w.user_id), x.role, w.role
          FROM account_access x
          FULL JOIN (SELECT DISTINCT ON (account_id, user_id) account_id, user_id, role FROM account_act
                      WHERE user_id IS NOT NULL ORDER BY account_id, user_id, id DESC) w
            ON w.account_id = x.account_id AND w.user_id = x.user_id
         WHERE coalesce(x.role, '') <> coalesce(w.role, '')""",
    "Each entry is booked after the one before it, and each closed month is as it was closed": """
        SELECT account_id, account_seq, booked_at FROM (
          SELECT account_id, account_seq, booked_at, value_date,
                 lag(booked_at) OVER (PARTITION BY account_id ORDER BY account_seq) AS before FROM ledger_entry) e
         WHERE value_date IS NOT NULL AND booked_at < before
        UNION ALL
        SELECT c.account_id, c.last_seq, c.ends_at FROM month_closing c
          LEFT JOIN ledger_entry e ON e.account_id = c.account_id AND e.account_seq = c.last_seq
         WHERE c.closing_minor <> coalesce(e.balance_after_minor, 0) OR (c.last_seq > 0 AND e.id IS NULL)
        UNION ALL
        SELECT c.account_id, e.account_seq, e.booked_at FROM month_closing c
          JOIN ledger_entry e ON e.account_id = c.account_id AND e.account_seq = c.last_seq + 1
         WHERE e.booked_at < c.ends_at""",
    "Each entry, its transaction and its transfer are as the last digest has them": """
        SELECT account_id, seq FROM (
          SELECT account_id, seq, digest, lag(seq, 1, 0::bigint) OVER chain AS after, lag(digest) OVER chain AS before
            FROM ledger_digest WINDOW chain AS (PARTITION BY account_id ORDER BY seq)) d
         WHERE digest <> entries_digest(account_id, after, seq, before)
        UNION ALL
        SELECT d.account_id, max(d.seq) FROM ledger_digest d JOIN bank_account a ON a.id = d.account_id
         GROUP BY d.account_id, a.last_seq HAVING max(d.seq) > a.last_seq""",
}
_OUTSIDE = "The digests are those that were written down outside of the database"
_MOST_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Finding:
    """A statement about the ledger, and the rows that contradict it; at most 20 of them."""

    question: str
    rows: tuple[tuple[Any, ...], ...]

    @property
    def is_clean(self) -> bool:
        return not self.rows


def audit() -> list[Finding]:
    """Runs the queries. They need no common snapshot, because each statement must hold at every moment."""
    with connection.cursor() as cursor:
        findings = []
        for question, sql in _CHECKS.items():
            cursor.execute(sql)
            findings.append(Finding(question, tuple(cursor.fetchmany(_MOST_SHOWN))))
        return [*findings, Finding(_OUTSIDE, tuple(islice(digests.contradicted(), _MOST_SHOWN)))]


def audit_and_record() -> list[Finding]:
    """Runs the audit and stores its findings, for /metrics and the admin. The background worker does this every
    hour."""
    started = time.monotonic()
    with transaction.atomic():
        with connection.cursor() as cursor:
            # The audit of a large ledger takes longer than a request may.
            cursor.execute("SET LOCAL statement_timeout = '10min'")
        findings = audit()
        digests.extend()
    LedgerAudit.objects.create(
        seconds=time.monotonic() - started,
        differences={one.question: [", ".join(map(str, row)) for row in one.rows] for one in findings},
    )
    for one in findings:
        if not one.is_clean:
            logger.critical("The audit of the ledger failed: %s (%d rows)", one.question, len(one.rows))
    return findings
