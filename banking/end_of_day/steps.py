"""The steps of closing a day, in their order. Each may be stopped and called again, and does nothing twice."""

from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from banking import ledger
from banking.accounts.closing import close_months
from banking.accounts.months import Month
from banking.end_of_day import charges, interest
from banking.end_of_day.days import ONE_DAY
from banking.end_of_day.failure import StepFailed
from banking.end_of_day.trial_balance import store_trial_balance
from banking.models import BankDay, DayStep

__all__ = ["STEPS", "Step", "StepFailed"]

#: The result of a part of a step: where the next part continues (None if the step is done), and a description of what
#: was done.
Progress = tuple[UUID | None, str]


@dataclass(frozen=True, slots=True)
class Step:
    """`work(day, reached)` does one part of the step, starting at `reached`. If `is_exclusive`, each part is one
    transaction that locks the day.
    """

    name: DayStep.Name
    work: Callable[[BankDay, UUID | None], Progress]
    is_exclusive: bool = True


def _trial_balance(day: BankDay, _: UUID | None) -> Progress:
    return None, f"{store_trial_balance(day)} lines"


def _charges(day: BankDay, reached: UUID | None) -> Progress:
    month = Month.of(day.day)
    if Month.of(day.day + ONE_DAY) == month:
        return None, "not the last day of a month"
    return charges.charge_some(month, reached)


def _due(_day: BankDay, reached: UUID | None) -> Progress:
    return charges.collect_some(reached)


def _months(_day: BankDay, _: UUID | None) -> Progress:
    closed = 0
    while count := close_months():
        closed += count
    return None, f"{closed} closed"


def _audit(_day: BankDay, _: UUID | None) -> Progress:
    wrong = [one.question for one in ledger.audit_and_record(whole=True) if not one.is_clean]
    if wrong:
        raise StepFailed(f"The audit found differences: {'; '.join(wrong)}.")
    return None, f"digest run {ledger.last_run()}"


STEPS = (
    Step(DayStep.Name.TRIAL_BALANCE, _trial_balance),
    Step(DayStep.Name.INTEREST, interest.accrue_some),
    # Payments continue during the following steps, which lock each account only while its own transaction runs.
    Step(DayStep.Name.CHARGES, _charges, is_exclusive=False),
    Step(DayStep.Name.DUE, _due, is_exclusive=False),
    Step(DayStep.Name.MONTHS, _months, is_exclusive=False),
    Step(DayStep.Name.AUDIT, _audit, is_exclusive=False),
)
