"""The audit of the ledger: four statements that must hold, each with a query that finds what contradicts it."""

import logging
import time
from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction

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
}
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
    """Runs the four queries. They need no common snapshot, because each statement must hold at every moment."""
    with connection.cursor() as cursor:
        findings = []
        for question, sql in _CHECKS.items():
            cursor.execute(sql)
            findings.append(Finding(question, tuple(cursor.fetchmany(_MOST_SHOWN))))
        return findings


def audit_and_record() -> list[Finding]:
    """Runs the audit and stores its findings, for /metrics and the admin. The background worker does this every
    hour."""
    started = time.monotonic()
    with transaction.atomic():
        with connection.cursor() as cursor:
            # The audit of a large ledger takes longer than a request may.
            cursor.execute("SET LOCAL statement_timeout = '10min'")
        findings = audit()
    LedgerAudit.objects.create(
        seconds=time.monotonic() - started,
        differences={one.question: [", ".join(map(str, row)) for row in one.rows] for one in findings},
    )
    for one in findings:
        if not one.is_clean:
            logger.critical("The audit of the ledger failed: %s (%d rows)", one.question, len(one.rows))
    return findings
