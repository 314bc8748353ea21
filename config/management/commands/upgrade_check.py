"""`manage.py upgrade_check`: shows what `migrate` is about to do, and how it affects the site."""

import sys
from typing import Any

from django.core.management.base import BaseCommand
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from config.upgrades import plan
from config.upgrades.plan import FEW_ROWS, Step
from config.upgrades.verdict import Verdict

_MEANING = {
    Verdict.SAFE: "safe: at most a short lock, while this and the next release serve",
    Verdict.SLOW: "slow: takes longer the more rows there are, blocks nobody",
    Verdict.UNKNOWN: "unknown: read it before you run it while the site serves",
    Verdict.LOCKS: "locks: writes or reads wait while the rows are read",
    Verdict.BREAKS: "breaks: the servers of the previous release fail; stop them first",
}
#: The exit codes for the worst verdict; 0 if all are SAFE or SLOW.
WITH_CARE, BREAKS = 3, 4


class Command(BaseCommand):
    help = (
        "Lists the pending migrations, and whether the previous release can serve while they run. Changes nothing. "
        f"Exits with {WITH_CARE} if one locks a large table or is unknown, and with {BREAKS} if one breaks the servers "
        "that run."
    )
    requires_system_checks = ()

    def handle(self, **options: Any) -> None:
        executor = MigrationExecutor(connection)
        steps = list(plan.steps(plan.pending(executor), executor))
        if not executor.loader.applied_migrations:
            self.stdout.write(f"The database is empty: {len(steps)} migrations create the schema.")
            return
        rows = plan.rows({one.table for step in steps for one in step.findings if one.table})
        worst = max((self._show(step, rows) for step in steps), default=Verdict.SAFE)
        self.stdout.write(f"{len(steps)} pending. {_MEANING[worst].capitalize()}." if steps else "Nothing is pending.")
        if worst > Verdict.SLOW:
            sys.exit(BREAKS if worst is Verdict.BREAKS else WITH_CARE)

    def _show(self, step: Step, rows: dict[str, int]) -> Verdict:
        verdict = Verdict.SAFE
        lines = []
        for one in (step.known,) if step.known else step.findings:
            is_short = one.verdict is Verdict.LOCKS and rows.get(one.table, 0) < FEW_ROWS
            meant = Verdict.SAFE if is_short else one.verdict
            verdict = max(verdict, meant)
            if one.verdict > Verdict.SAFE:
                size = f" ({rows[one.table]:,} rows)" if one.table in rows else ""
                lines.append(f"    {one.what}{size}")
        self.stdout.write("\n".join([f"{verdict.name.lower():8}{step.name}", *lines]))
        return verdict
