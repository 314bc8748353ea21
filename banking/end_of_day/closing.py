"""Closes days in order and step by step, each step once, even if several machines do it at the same time."""

import logging
from datetime import date
from uuid import UUID

from django.db import connection, transaction
from django.db.models import F
from django.utils import timezone

from banking.accounts.months import SETTLING
from banking.end_of_day.days import first_opened, not_closed
from banking.end_of_day.steps import STEPS, Step, StepFailed
from banking.models import BankDay, DayStep
from banking.notation import bank_day
from oauth.infrastructure import clock

logger = logging.getLogger(__name__)


def close_days() -> list[date]:
    """Closes each day that has ended, the oldest first, and returns those that it closed. It begins with the day before
    its first call. Raises StepFailed, or the exception of a step. The next call continues with that step.
    """
    closed = [day for day in _ended() if _close(day)]
    BankDay.objects.get_or_create(day=bank_day.today(), defaults={"ends_at": bank_day.ends_at(bank_day.today())})
    return closed


def behind() -> int:
    """How many days have ended and are not closed; 0 before the first call of `close_days`."""
    return len(_ended()) if first_opened() else 0


def _ended() -> list[date]:
    return not_closed(clock.now() - SETTLING, from_the_last=True)


def _close(day: date) -> bool:
    """Closes the day. Returns whether this call has closed it."""
    row, _ = BankDay.objects.get_or_create(day=day, defaults={"ends_at": bank_day.ends_at(day)})
    BankDay.objects.filter(day=day, status=BankDay.Status.OPEN).update(status=BankDay.Status.CLOSING)
    for step in STEPS:
        DayStep.objects.get_or_create(day=row, name=step.name)
    for step in STEPS:
        _run(row, step)
    closing = BankDay.objects.filter(day=day, status=BankDay.Status.CLOSING)
    return bool(closing.update(status=BankDay.Status.CLOSED, closed_at=timezone.now()))


def _run(day: BankDay, step: Step) -> None:
    """Repeats the step until it is done. Work done before a failure stays, and the row says why the step failed."""
    DayStep.objects.filter(day=day, name=step.name, done_at=None).update(attempts=F("attempts") + 1)
    try:
        while not (_part_alone(day, step) if step.is_exclusive else _part(day, step)):
            pass
    except Exception as error:
        _fail(day, step, error)
        raise


def _part_alone(day: BankDay, step: Step) -> bool:
    """Runs one part of the step in a transaction that locks the row of the day. Another machine waits, and then
    continues after this part.
    """
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL lock_timeout = '10min'; SET LOCAL statement_timeout = '10min'")
        BankDay.objects.select_for_update(no_key=True).get(pk=day.pk)
        return _part(day, step)


def _part(day: BankDay, step: Step) -> bool:
    row = DayStep.objects.get(day=day, name=step.name)
    if row.done_at is not None:
        return True
    reached, result = step.work(day, row.reached)
    _store(row.pk, reached, result)
    return reached is None


def _store(pk: UUID, reached: UUID | None, result: str) -> None:
    done = {"done_at": timezone.now(), "error": ""} if reached is None else {}
    # Another machine may have completed the step meanwhile; its result is not overwritten.
    DayStep.objects.filter(pk=pk, done_at=None).update(reached=reached, result=result[:200], **done)


def _fail(day: BankDay, step: Step, error: Exception) -> None:
    logger.error("Bank day %s: the step %s failed: %s", day, step.name, error)
    words = str(error) if isinstance(error, StepFailed) else f"{type(error).__name__}: {error}"
    DayStep.objects.filter(day=day, name=step.name, done_at=None).update(error=words, failed_at=timezone.now())
