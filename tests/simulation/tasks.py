"""The periodic jobs of the worker, with a date that advances faster than the real one."""

import random
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from banking import end_of_day, ledger, orders, payments
from banking.accounts.closing import close_months
from banking.orders.due import NotAllMade
from tests.simulation.desk import Desk


@dataclass
class Tasks:
    dice: random.Random
    desk: Desk

    def a_day_passes(self) -> None:
        self.desk.today += timedelta(days=1)

    def pay_orders(self) -> None:
        """If a run is interrupted, the next run continues."""
        try:
            orders.run_due(today=self.desk.today)
        except NotAllMade:
            self.desk.told["orders not all made"] += 1

    def clear_up(self) -> None:
        """Closes months for a few accounts at a time, so that this takes long. Closes days one after the other, until a
        connection is closed.
        """
        some_months = partial(close_months, most=1)
        self.dice.choices([payments.expire, payments.resume, some_months, end_of_day.close_days], [4, 4, 6, 1])[0]()

    def audit(self) -> None:
        for one in ledger.audit_and_record():
            if not one.is_clean:
                self.desk.violations.append(f"the audit found: {one}")
