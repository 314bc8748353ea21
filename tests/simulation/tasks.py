"""The bank's own work, by a calendar that moves faster than the clock: what the worker does every few minutes."""

import random
from dataclasses import dataclass
from datetime import timedelta

from banking import ledger, orders, payments
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
        """Some of it was cut off: the next run goes on."""
        try:
            orders.run_due(today=self.desk.today)
        except NotAllMade:
            self.desk.told["orders not all made"] += 1

    def clear_up(self) -> None:
        """A few accounts at a time, so that months are closed during the whole simulation."""
        self.dice.choice([payments.expire, payments.resume, lambda: close_months(most=1)])()

    def audit(self) -> None:
        for one in ledger.audit_and_record():
            if not one.is_clean:
                self.desk.violations.append(f"the audit found: {one}")
