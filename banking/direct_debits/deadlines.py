"""The days of the bank until which a user may request a refund of a collection.

SEPA Direct Debit Core Rulebook (EPC016-06) §4.3.4, Directive (EU) 2015/2366 art. 71, 76 and 77: eight weeks after the
debit without giving a reason; thirteen months if the user never allowed the collection.
"""

import calendar
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from banking.models import DirectDebitRefund
from banking.notation import bank_day

WITHOUT_REASON = timedelta(weeks=8)
MONTHS_IF_UNAUTHORIZED = 13


@dataclass(frozen=True, slots=True)
class Deadlines:
    """The last days, inclusive."""

    disputed: date
    unauthorized: date

    def reasons(self) -> tuple[DirectDebitRefund.Reason, ...]:
        """The reasons that may be given today."""
        today = bank_day.today()
        until = {
            DirectDebitRefund.Reason.DISPUTED: self.disputed,
            DirectDebitRefund.Reason.UNAUTHORIZED: self.unauthorized,
        }
        return tuple(reason for reason, last in until.items() if today <= last)

    @property
    def is_at_once(self) -> bool:
        """Whether the user is credited before the creditor's bank has answered."""
        return bank_day.today() <= self.disputed


def deadlines(collected_at: datetime) -> Deadlines:
    day = bank_day.day_of(collected_at)
    return Deadlines(day + WITHOUT_REASON, _months_after(day, MONTHS_IF_UNAUTHORIZED))


def _months_after(day: date, months: int) -> date:
    """The same day in the later month, or the last day of that month if it is shorter."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))
