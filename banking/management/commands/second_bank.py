"""`manage.py second_bank`: controls the simulated second bank of a sandbox."""

from argparse import ArgumentParser
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError

from banking import second_bank
from banking.models import SchemeMessage
from banking.second_bank.amounts import NAMED


class Command(BaseCommand):
    help = (
        "The simulated second bank of a sandbox: sends payments, collects, delivers its messages, and lists the "
        "amounts that it treats in a special way."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True)
        pay = verbs.add_parser("pay", help="Pays into an account of this bank. The account need not exist.")
        collect = verbs.add_parser("collect", help="Sets up a mandate for an account of this bank, and collects by it.")
        for verb in (pay, collect):
            verb.add_argument("--iban", required=True, help="The account.")
            verb.add_argument("--amount", required=True, type=int, help="In minor units: 1250 is 12.50 in GBP.")
            verb.add_argument("--currency", default="GBP", help="ISO 4217 (%(default)s).")
            verb.add_argument("--name", default="", help="Who pays or collects.")
            verb.add_argument("--reference", default="", help="The payment reference; for a collection, the mandate.")
            verb.add_argument("--id", default="", help="The scheme's id of the message. A repeated id has no effect.")
        deliver = verbs.add_parser("deliver", help="Delivers the messages that are due, as the background worker does.")
        deliver.add_argument("--all", action="store_true", help="Also delivers messages that are due later.")
        verbs.add_parser("amounts", help="Lists what the second bank does for each amount.")

    def handle(self, *, verb: str, **options: Any) -> None:
        try:
            second_bank.require_sandbox()
            match verb:
                case "pay" | "collect":
                    act = second_bank.pay_in if verb == "pay" else second_bank.collect
                    paid = act(
                        options["iban"],
                        options["amount"],
                        options["currency"],
                        name=options["name"],
                        reference=options["reference"],
                        message_id=options["id"],
                    )
                    self._say(paid)
                case "deliver":
                    for message in second_bank.deliver_due(also_later=options["all"]):
                        self._say(message)
                case "amounts":
                    for ending, behaviour in NAMED.items():
                        self.stdout.write(f"…{ending}  {behaviour.what}")
        except (ImproperlyConfigured, ValueError) as error:
            raise CommandError(str(error)) from error

    def _say(self, message: SchemeMessage) -> None:
        why = f" ({message.reason_code})" if message.reason_code else ""
        self.stdout.write(f"{message}: {message.get_status_display()}{why}")
