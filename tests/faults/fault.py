"""One fault of a site under load, and its effects: errors, seconds of errors, and lost or doubled requests."""

import math
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import pytest

from tests.faults.load import INDEPENDENT, Answer, Load
from tests.faults.site import Site
from tests.lib.servers import PATIENCE_SECONDS, wait_until

#: The time from the end of the cause until the last error, on a machine that does nothing else.
RECOVERY_SECONDS = float(os.environ.get("RECOVERY_SECONDS") or 3)
#: The limit for the 95th percentile of requests that need no database, while the database is unreachable.
INDEPENDENT_SECONDS = float(os.environ.get("INDEPENDENT_SECONDS") or 0.05)
#: On a slow machine, requests during the fault may take this many times as long as just before and after it.
SLOWER = 2.0
#: The time without errors before the next fault begins.
QUIET_SECONDS = 3.0
#: If the site has not recovered after this time, the remaining tests fail at once. On a busy machine, a server takes
#: two minutes to start.
MOST_SECONDS_TO_BE_WELL = PATIENCE_SECONDS
LIMITS = (
    f"Limits: {RECOVERY_SECONDS:g} s to recover, {INDEPENDENT_SECONDS * 1000:g} ms without the database or, if that is "
    f"more, {SLOWER:g} times as long as undisturbed."
)
#: The events of a payment: it is made, it is settled, and its transaction is booked.
EVENTS_OF_A_PAYMENT = 3
SECONDS = 6.0


def nothing(_: Site) -> None:
    """Does nothing, for a fault that ends by itself or needs no preparation."""


@dataclass(frozen=True)
class Fault:
    name: str
    begin: Callable[[Site], object]
    end: Callable[[Site], object] = nothing
    #: Returns why the fault cannot be caused on this machine; empty if it can.
    missing: Callable[[Site], str] = lambda _: ""
    #: Whether requests that need no database must succeed all the time.
    spares_independent: bool = False
    #: Whether no request may fail at all.
    spares_all: bool = False
    #: Whether the site may refuse valid requests until the fault ends.
    may_refuse: bool = False
    #: Returns whether the fault has really occurred; otherwise the test would not measure what its name says.
    is_real: Callable[[Site], object] = lambda _: True
    seconds: float = SECONDS


@contextmanager
def happening(site: Site, fault: Fault) -> Iterator[None]:
    try:
        fault.begin(site)
        yield
    finally:
        fault.end(site)


def check(site: Site, load: Load, fault: Fault) -> None:
    """Asserts that nothing is lost or doubled, and that all clients are soon served again."""
    if reason := fault.missing(site):
        pytest.skip(reason)
    _be_well(site, site.is_well)
    calm_since = time.monotonic()
    time.sleep(2)
    began = time.monotonic()
    with happening(site, fault):
        there = time.monotonic()
        time.sleep(fault.seconds)
        assert fault.is_real(site)
        gone = time.monotonic()
    ended = time.monotonic()
    refused = load.refused[:]
    load.refused.clear()
    _be_well(site, lambda: _is_quiet(load, since=ended))
    quiet_since = time.monotonic() - QUIET_SECONDS
    calm = [one for one in list(load.answers) if calm_since <= one.began < began or quiet_since <= one.began]
    answers = [answer for answer in list(load.answers) if began <= answer.began]
    at_fault = [one for one in answers if there <= one.began < gone] if fault.seconds else answers
    result = _result(site, load, fault.name, answers, at_fault=at_fault, calm=calm, ended=ended)
    site.rows.append(result.row())
    errors = [answer for answer in answers if answer.is_error and (fault.spares_all or answer.kind in INDEPENDENT)]
    words = "\n".join(f"{one.kind} at {one.began - began:.1f} s: {one.status} {one.said}" for one in errors[:5])
    if words:
        print(f"{fault.name}: {words}")  # noqa: T201
    result.assert_nothing_is_lost()
    assert fault.may_refuse or not refused, refused[:5]
    assert not load.refused, load.refused[:5]
    assert not load.unseen, load.unseen[:5]
    assert result.seconds <= RECOVERY_SECONDS
    if fault.spares_all:
        assert not result.errors, words
    if fault.spares_independent:
        assert result.independent_errors == 0, words
        assert result.independent_seconds <= most_seconds(result.calm_seconds), result


def most_seconds(calm_seconds: float) -> float:
    """Returns how long a request without the database may take, if it takes `calm_seconds` undisturbed."""
    return max(INDEPENDENT_SECONDS, SLOWER * calm_seconds)


def check_jobs(site: Site, load: Load) -> None:
    """Asserts, after all faults and without load, that each acknowledged request has been completed once."""
    if site.began_with_last_release:
        return
    wait_for_jobs(site)
    [(payments, handed_over, ended_well)] = site.ask(_DONE)
    [(unbalanced,)] = site.ask(_UNBALANCED)
    result = _result(site, load, f"all of these, with the jobs of {payments} payments", load.answers, ended=math.inf)
    site.rows.append(result.row(with_seconds=False))
    result.assert_nothing_is_lost()
    assert payments
    assert payments == handed_over == ended_well
    wrong = site.ask(_NOT_TOLD, site.hooks_received(), EVENTS_OF_A_PAYMENT)
    assert not wrong, wrong[:5]
    assert not unbalanced


def wait_for_jobs(site: Site) -> None:
    """Waits until all payments that exist now are settled, and then until all their events are sent."""
    if site.began_with_last_release:
        return
    for query in (_UNSETTLED, _UNSENT):
        waiting = set(site.ask(query))
        wait_until(
            lambda query=query, waiting=waiting: not waiting & set(site.ask(query)),  # type: ignore[misc]
            or_else=lambda: f"{site.ask(_JOBS)}\n{site.worker.log.read_text()[-3000:]}",
        )


_UNSETTLED = "SELECT id FROM transfer WHERE status = 'pending'"
_UNSENT = "SELECT id FROM webhook_delivery WHERE status = 'pending'"
_JOBS = "SELECT queue_name, status, attempts, count(*) FROM procrastinate_jobs GROUP BY 1, 2, 3"
# The payments to another bank, those that this bank knows of, and those that have ended as they should.
_DONE = """
SELECT (SELECT count(*) FROM transfer WHERE destination_id IS NULL), (SELECT count(*) FROM second_bank_payment),
       (SELECT count(*) FROM transfer t JOIN second_bank_payment p ON p.payment_id::uuid = t.id WHERE status = 'posted')"""
# Transfers for which the app has not received all events, or for which an event was not delivered.
_NOT_TOLD = """
SELECT t.id, t.status, array_agg(ARRAY[d.event, d.status, d.attempts::text, d.last_answer])
  FROM transfer t LEFT JOIN webhook_delivery d ON d.resource_id IN (t.id, t.transaction_id)
 WHERE t.destination_id IS NULL GROUP BY t.id
HAVING count(*) FILTER (WHERE d.status = 'delivered' AND d.id = ANY(%s::uuid[])) <> %s"""
_UNBALANCED = """
SELECT count(*) FROM bank_account a
 WHERE posted_minor <> (SELECT coalesce(sum(amount_minor), 0) FROM ledger_entry e WHERE e.account_id = a.id)"""
# How often each request was executed. The keys of exchanges differ from all references of transfers.
_MADE = """
SELECT reference, count(*) FROM transfer GROUP BY reference
 UNION ALL SELECT replace(idempotency_key, '-', ''), count(*) FROM exchange GROUP BY 1"""


def _be_well(site: Site, holds: Callable[[], bool]) -> None:
    """Waits until the site has recovered. If it has not, the remaining tests fail immediately."""
    if site.is_lost:
        pytest.fail(site.is_lost)
    try:
        wait_until(holds, seconds=MOST_SECONDS_TO_BE_WELL)
    except BaseException:
        site.is_lost = "The site has not recovered from an earlier fault."
        raise


def _is_quiet(load: Load, *, since: float) -> bool:
    """Whether all requests of the last seconds have succeeded."""
    now = time.monotonic()
    late = [answer for answer in list(load.answers) if answer.ended > now - QUIET_SECONDS]
    return now - since > QUIET_SECONDS and bool(late) and not any(answer.is_error for answer in late)


def _at_95(answers: Sequence[Answer]) -> float:
    """The 95th percentile of requests that need no database."""
    took = sorted(one.ended - one.began for one in answers if one.kind in INDEPENDENT)
    return took[int(len(took) * 0.95)] if took else 0.0


@dataclass(frozen=True)
class Result:
    fault: str
    requests: int
    errors: int
    seconds: float
    outage_seconds: float
    independent_errors: int
    independent_seconds: float
    calm_seconds: float
    lost: int
    doubled: int
    families_ended: int

    def assert_nothing_is_lost(self) -> None:
        assert (self.lost, self.doubled, self.families_ended) == (0, 0, 0), self

    def row(self, *, with_seconds: bool = True) -> tuple[str, ...]:
        seconds = (self.outage_seconds, self.seconds) if with_seconds else ()
        return (
            self.fault, str(self.requests), str(self.errors), *(f"{one:.1f}" for one in seconds),
            *("" for _ in range(2 - len(seconds))),
            str(self.independent_errors), f"{self.independent_seconds * 1000:.0f}",
            f"{self.calm_seconds * 1000:.0f}" if with_seconds else "",
            str(self.lost), str(self.doubled), str(self.families_ended),
        )  # fmt: skip


def _result(
    site: Site, load: Load, name: str, answers: list[Answer], *, ended: float,
    at_fault: Sequence[Answer] | None = None, calm: Sequence[Answer] = (),
) -> Result:  # fmt: skip
    errors = sorted((answer for answer in answers if answer.is_error), key=lambda answer: answer.ended)
    independent = [answer for answer in answers if answer.kind in INDEPENDENT]
    acknowledged = set(load.acknowledged)
    made = dict(site.ask(_MADE))
    [(revoked,)] = site.ask("SELECT count(*) FROM oauth_authorization WHERE revoked_at IS NOT NULL")
    return Result(
        fault=name,
        requests=len(answers),
        errors=len(errors),
        seconds=max([0.0, *(answer.ended - ended for answer in errors)]),
        outage_seconds=errors[-1].ended - errors[0].ended if errors else 0.0,
        independent_errors=sum(answer.is_error for answer in independent),
        independent_seconds=_at_95(answers if at_fault is None else at_fault),
        calm_seconds=_at_95(calm),
        lost=sum(made.get(key, 0) == 0 for key in acknowledged),
        doubled=sum(number > 1 for number in made.values()),
        families_ended=revoked,
    )
