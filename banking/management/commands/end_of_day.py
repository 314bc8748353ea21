"""`manage.py end_of_day`: closes the bank days that have ended."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from banking import end_of_day
from banking.end_of_day.failure import StepFailed


class Command(BaseCommand):
    help = (
        "Closes the bank days that have ended, in order, as the worker does every hour; exits with 1 if a step fails."
    )

    def handle(self, **options: Any) -> None:
        try:
            closed = end_of_day.close_days()
        except StepFailed as failure:
            raise CommandError(str(failure)) from failure
        for day in closed:
            self.stdout.write(f"closed {day}")
        if not closed:
            self.stdout.write("Nothing to close.")
