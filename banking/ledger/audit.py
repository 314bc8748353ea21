"""The audit of the ledger: it runs the `questions` and records the rows that contradict them.

Most runs check only the rows that are new since the last `checkpoint`. After its questions, an audit extends the chain
of digests, so that later changes of audited rows are found, and writes the next checkpoint.
"""

import logging
import time
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Any

from django.utils import timezone

from banking.ledger import checkpoint, digests
from banking.ledger.asking import ask_all, patient_cursor
from banking.ledger.checkpoint import Checkpoint
from banking.ledger.question import Question
from banking.ledger.questions import QUESTIONS, WITH_NEW
from banking.models import LedgerAudit

logger = logging.getLogger(__name__)

_OUTSIDE = "The digests equal those that were stored outside of the database"
_SIGNED = "Each digest that was stored outside of the database is signed by one of our keys"
_MOST_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Finding:
    """A statement about the ledger, and the rows that contradict it; at most 20 of them."""

    question: str
    rows: tuple[tuple[Any, ...], ...]

    @property
    def is_clean(self) -> bool:
        return not self.rows


class _New:
    """`{new:x}` in a query: the condition that the row `x` is new."""

    def __format__(self, alias: str) -> str:
        return checkpoint.is_new(alias)


_WITH_NEW = WITH_NEW.format(new=_New())


def audit(since: Checkpoint | None = None) -> list[Finding]:
    """Checks the whole ledger, or the rows that are new since a checkpoint. The queries need no common snapshot,
    because each statement must hold at every moment.
    """
    findings = ask_all([partial(_ask, question, since) for question in QUESTIONS])
    since_run = _since_run(since) if since else 0
    return [
        *findings,
        Finding(_OUTSIDE, _first(digests.contradicted(since_run))),
        Finding(_SIGNED, _first(digests.not_signed(since_run))),
    ]


def _ask(question: Question, since: Checkpoint | None) -> Finding:
    with patient_cursor() as cursor:
        if since is None or not question.since:
            cursor.execute(question.whole)
        else:
            cursor.execute(question.since.format(new=_New(), with_new=_WITH_NEW), {"since": str(since.xid)})
        return Finding(question.statement, tuple(cursor.fetchmany(_MOST_SHOWN)))


def _since_run(since: Checkpoint) -> int:
    """The first run whose digests are compared with those outside of the database: one since the checkpoint, or an
    older one that was rewritten."""
    with patient_cursor() as cursor:
        cursor.execute(_OLDEST_RUN.format(new=_New()), {"since": str(since.xid), "run": since.run})
        [(run,)] = cursor.fetchall()
    return int(run)


_OLDEST_RUN = """
SELECT least(%(run)s, (SELECT min(d.run) FROM ledger_digest d WHERE {new:d}),
             (SELECT min(r.run) FROM record_digest r WHERE {new:r}))"""


def audit_and_record(*, whole: bool = False) -> list[Finding]:
    """Runs the audit and stores its findings, for /metrics and the admin. The background worker does this every hour.

    It checks the whole ledger if `whole` is set, once a day (`checkpoint.WHOLE_EVERY`), after an audit that found a
    difference, and whenever a row below the last checkpoint has changed.
    """
    started = time.monotonic()
    last = last_checkpoint()
    with patient_cursor() as cursor:
        mark = checkpoint.take(last, cursor)
    since = last if last and not whole and mark.extends(last) else None
    now = timezone.now()
    findings = audit(since)
    with patient_cursor() as cursor:
        digest = digests.extend(cursor)
        is_clean = all(one.is_clean for one in findings)
        reached = mark.checkpoint(whole_at=since.whole_at if since else now, run=digests.last_run())
        LedgerAudit.objects.create(
            seconds=time.monotonic() - started,
            differences={one.question: [", ".join(map(str, row)) for row in one.rows] for one in findings},
            is_whole=since is None,
            # After an audit with differences, the next one checks the whole ledger.
            checkpoint=reached.signed() if is_clean else "",
            digest=digests.stored(digest),
        )
    digests.write_outside(digest)
    for one in findings:
        if not one.is_clean:
            logger.critical("The audit of the ledger failed: %s (%d rows)", one.question, len(one.rows))
    return findings


def last_checkpoint() -> Checkpoint | None:
    """The checkpoint of the last audit; None if that audit found a difference, or if the checkpoint has no signature of
    ours.
    """
    last = LedgerAudit.objects.order_by("-ended_at").values_list("checkpoint", flat=True).first()
    return checkpoint.verified(last) if last else None


def _first(rows: Iterable[tuple[Any, ...]]) -> tuple[tuple[Any, ...], ...]:
    return tuple(islice(rows, _MOST_SHOWN))
