"""`manage.py exchange_rate GBP EUR 1.17`: an operator, or the operator's feed of rates, sets a rate without a second
officer.
"""

from argparse import ArgumentParser
from decimal import Decimal, InvalidOperation
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from banking import exchanges


class Command(BaseCommand):
    help = "Sets the rate at which customers exchange between two currencies. It is in force at once."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("base", help="ISO 4217, such as GBP.")
        parser.add_argument("counter", help="ISO 4217, such as EUR.")
        parser.add_argument("mid", help="How much of the counter currency one unit of the base currency is worth.")
        parser.add_argument(
            "--spread",
            default="0.5",
            help="How much less than the mid rate the customer gets, in percent (%(default)s).",
        )
        parser.add_argument(
            "--reason",
            default="manage.py exchange_rate",
            help="The reason, which is stored with the rate (%(default)s).",
        )

    def handle(self, *, base: str, counter: str, mid: str, spread: str, reason: str, **_: Any) -> None:
        try:
            rate = exchanges.set_rate(
                base.upper(), counter.upper(), mid=Decimal(mid), spread_percent=Decimal(spread), reason=reason
            )
        except InvalidOperation as error:
            raise CommandError("The rate and the spread must be decimal numbers, such as 1.17.") from error
        except ValidationError as error:
            raise CommandError("; ".join(error.messages)) from error
        self.stdout.write(f"{rate}, spread {rate.spread_percent.normalize():f} %")
