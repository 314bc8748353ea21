"""`manage.py ledger_audit`: checks that the ledger balances."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from banking.ledger import audit_and_record


class Command(BaseCommand):
    help = (
        "Audits the ledger and the records that must agree with it, and extends its chain of digests; exits with 1 on "
        "any difference."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--new",
            action="store_true",
            help="Check only what is new since the last audit, as the worker does between its daily full audits.",
        )

    def handle(self, *, new: bool, **options: Any) -> None:
        findings = audit_and_record(whole=not new)
        for finding in findings:
            self.stdout.write(f"{'ok    ' if finding.is_clean else 'FAILED'} {finding.question}")
            for row in finding.rows:
                self.stdout.write(f"         {', '.join(map(str, row))}")
        if not all(finding.is_clean for finding in findings):
            raise CommandError("The audit found differences.")
