"""Runs an import or a dry run, and returns its report.

Each batch is a transaction that also records the position. So a killed run continues after the last committed batch,
without duplicates or gaps. Only one run can be active.
"""

import time
from collections import Counter
from datetime import datetime
from typing import Any

from django.db import DEFAULT_DB_ALIAS, transaction
from django.db.models import Count
from django.utils import timezone

from oauth.dot_import.errors import ImportRefused
from oauth.dot_import.exclusive import alone
from oauth.dot_import.options import Options
from oauth.dot_import.report import Report
from oauth.dot_import.source import Source, batches, patient
from oauth.dot_import.steps import STEPS, Context, Step
from oauth.dot_import.users import Users
from oauth.models import AuditEvent, DotImport

_DONE = "done"


def run(source: Source, options: Options, *, is_dry_run: bool) -> Report:
    """Raises ImportRefused, before anything is written, if the operator must decide something first."""
    began = time.monotonic()
    with patient(DEFAULT_DB_ALIAS, source.database), alone():
        users = Users(source, options.match_users)
        source.require_readable(with_users=bool(options.match_users))
        report = Report(source.name, is_dry_run)
        record = DotImport.objects.filter(source=source.name).first()
        report.unmapped_scopes = _unmapped_scopes(source, options, record.started_at if record else timezone.now())
        if report.unmapped_scopes and not options.drops_unmapped:
            report.blocked_by.append("map these scopes, or drop them with --unmapped-scopes drop.")
        if is_dry_run:
            _run(Context(source, options, users, timezone.now(), None, report.clients), report)
        else:
            _write(source, options, users, report)
        report.seconds = time.monotonic() - began
    return report


def _write(source: Source, options: Options, users: Users, report: Report) -> None:
    if report.blocked_by:
        raise ImportRefused("\n".join([*report.to_text()]))
    begin = {"plan": options.digest, "scopes": options.mapping.scopes}
    record, is_new = DotImport.objects.get_or_create(source=source.name, defaults=begin)
    if record.plan != options.digest:
        raise ImportRefused("This import began with other options or another mapping. Run it again with the same ones.")
    if record.finished_at is not None:
        report.notes.append(f"This source was imported at {record.finished_at:%Y-%m-%d %H:%M} UTC: nothing was done.")
    elif not is_new:
        report.notes.append(f"This continues the import that began at {record.started_at:%Y-%m-%d %H:%M} UTC.")
    if record.finished_at is None:
        _run(Context(source, options, users, record.started_at, record, report.clients), report)
        record.refresh_from_db()
        _finish(record)
    report.counts = Counter(record.counts)
    if changed := _changed_since(source, record.started_at):
        report.notes.append(
            f"{changed:,} rows of the source changed after the import began, so imported rows may be wrong. Stop "
            "the old server, undo the import, and run it again."
        )


def _run(context: Context, report: Report) -> None:
    for step_class in STEPS:
        step = step_class(context)
        after = 0
        if context.made_by is not None:
            after, is_done = context.made_by.position.get(step.name, [0, ""])
            if is_done:
                continue
        for batch in batches(step.rows, after=after, size=context.options.batch):
            _take(step, batch, context.made_by)
        if context.made_by is not None:
            _move(context.made_by, step.name, [0, _DONE], Counter())
        report.counts += step.counts


def _take(step: Step, batch: list[Any], record: DotImport | None) -> None:
    if record is None:
        step.take(batch)
        return
    with transaction.atomic():
        before = Counter(step.counts)
        step.take(batch)
        _move(record, step.name, [batch[-1].pk, ""], step.counts - before)


def _move(record: DotImport, name: str, position: list[object], counted: Counter[str]) -> None:
    """Stores the position and the counts. Raises ImportRefused if another process has changed the position."""
    with transaction.atomic():
        stored = DotImport.objects.select_for_update().get(pk=record.pk)
        if stored.position != record.position:
            raise ImportRefused("Another import of this source is running.")
        record.position = {**stored.position, name: position}
        record.counts = dict(Counter(stored.counts) + counted)
        record.save(update_fields=["position", "counts"])


def _finish(record: DotImport) -> None:
    with transaction.atomic():
        record.finished_at = timezone.now()
        record.save(update_fields=["finished_at"])
        counts = "; ".join(f"{name}: {count}" for name, count in sorted(record.counts.items()))
        AuditEvent.record(AuditEvent.Action.IMPORTED, reason=f"django-oauth-toolkit, {record.source}: {counts}")


def _unmapped_scopes(source: Source, options: Options, now: datetime) -> Counter[str]:
    """Scopes of live tokens that are not mapped. The database groups by scope, because few values differ."""
    live = source.access_tokens.filter(expires__gt=now).order_by().values_list("scope").annotate(Count("pk"))
    refreshable = source.refresh_tokens.filter(revoked=None, access_token__isnull=False).order_by()
    counted: Counter[str] = Counter()
    for scope, count in [*live, *refreshable.values_list("access_token__scope").annotate(Count("pk"))]:
        for name in options.mapping.unmapped(scope.split()):
            counted[name] += count
    return counted


def _changed_since(source: Source, moment: datetime) -> int:
    changed = [rows.filter(updated__gt=moment).count() for rows in (source.applications, source.refresh_tokens)]
    return sum(changed)
