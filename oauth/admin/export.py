"""Exports the audit log as a file, streamed in batches so that memory does not grow with the number of events."""

import csv
import json
from collections.abc import Iterator
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.http import StreamingHttpResponse

from oauth.infrastructure import csv_cells
from oauth.models import AuditEvent
from oauth.models.audit_event import AuditEventQuerySet

FORMATS = {"csv": "text/csv; charset=utf-8", "json": "application/json"}
BATCH = 1000
_FIELDS = [field.attname for field in AuditEvent._meta.concrete_fields]


def response(events: AuditEventQuerySet, format_name: str, *, name: str) -> StreamingHttpResponse:
    """`format_name` is one of FORMATS."""
    lines = _csv(events) if format_name == "csv" else _json(events)
    answer = StreamingHttpResponse(lines, content_type=FORMATS[format_name])
    answer["Content-Disposition"] = f'attachment; filename="{name}.{format_name}"'
    answer["Cache-Control"] = "no-store"
    return answer


def _rows(events: AuditEventQuerySet) -> Iterator[dict[str, Any]]:
    """Reads the rows, newest first, one batch per statement. A batch begins after the last key of the previous one."""
    events = events.order_by("-id")
    batch = list(events.values(*_FIELDS)[:BATCH])
    while batch:
        yield from batch
        batch = list(events.filter(id__lt=batch[-1]["id"]).values(*_FIELDS)[:BATCH]) if len(batch) == BATCH else []


class _Echo:
    """A file for csv.writer whose `write` returns its argument."""

    def write(self, line: str) -> str:
        return line


def _csv(events: AuditEventQuerySet) -> Iterator[str]:
    writer = csv.writer(_Echo())
    yield writer.writerow(_FIELDS)
    for row in _rows(events):
        yield writer.writerow([csv_cells.text(row[name]) for name in _FIELDS])


def _json(events: AuditEventQuerySet) -> Iterator[str]:
    separator = "["
    for row in _rows(events):
        yield f"{separator}\n{json.dumps(row, cls=DjangoJSONEncoder)}"
        separator = ","
    yield "[]\n" if separator == "[" else "\n]\n"
