"""`manage.py ledger_audit`: checks that the ledger balances."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from banking.ledger import audit_and_record


class Command(BaseCommand):
    help = (
        "Audits the ledger and what stands around it, and extends its chain of digests; exits with 1 on any difference."
    )

    def handle(self, **options: Any) -> None:
        findings = audit_and_record()
        for finding in findings:
            self.stdout.write(f"{'ok    ' if finding.is_clean else 'FAILED'} {finding.question}")
            for row in finding.rows:
                self.stdout.write(f"         {', '.join(map(str, row))}")
        if not all(finding.is_clean for finding in findings):
            raise CommandError("The audit found differences.")
