"""A span for each statement of a request or job, with Django's hook `execute_wrapper`, and for each COMMIT.

OpenTelemetry's instrumentation of psycopg covers neither prepared statements (oauth/fast_path) nor COMMIT, and would
start a trace for each query of an idle background worker.
"""

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.signals import connection_created
from opentelemetry import trace
from opentelemetry.trace import SpanKind, Status, StatusCode

from oauth.infrastructure.rows import UNDONE

MOST_CHARACTERS = 1000
_tracer = trace.get_tracer(__name__)
_VERB = re.compile(r"\s*(\w+)")
_TABLE = re.compile(r'\b(?:FROM|INTO|UPDATE)\s+(?:ONLY\s+)?"?(?!(?:SET|OF|SKIP|NOWAIT)\b)([a-z_]\w*)"?', re.I)
_FUNCTION = re.compile(r"\s*SELECT\s+([a-z_]\w*)\s*\(", re.I)
_OF_NO_TABLE = frozenset({"SAVEPOINT", "RELEASE", "ROLLBACK", "SET", "BEGIN", "COMMIT"})
# Literals are removed. Statements use placeholders, so a literal is our constant or, by mistake, a value.
_LITERAL = re.compile(r"'(?:[^']|'')*'")


def trace_statements() -> None:
    connection_created.connect(_add_to, dispatch_uid="oauth.tracing")
    backend: Any = type(connections[DEFAULT_DB_ALIAS])
    backend._commit = _traced_commit(backend._commit)


def _add_to(connection: Any, **_: Any) -> None:
    if _traced not in connection.execute_wrappers:
        connection.execute_wrappers.append(_traced)


def _traced(execute: Callable[..., Any], sql: Any, parameters: Any, many: bool, context: dict[str, Any]) -> Any:
    if not trace.get_current_span().is_recording():
        return execute(sql, parameters, many, context)
    summary, text = described(sql) if isinstance(sql, str) else ("statement", "")
    with _span(summary) as span:
        if text:
            span.set_attribute("db.query.text", text)
        return _run(span, lambda: execute(sql, parameters, many, context))


def _traced_commit(commit: Callable[[Any], None]) -> Callable[[Any], None]:
    def traced_commit(wrapper: Any) -> None:
        if not trace.get_current_span().is_recording():
            commit(wrapper)
            return
        with _span("COMMIT") as span:
            _run(span, lambda: commit(wrapper))

    return traced_commit


def _span(summary: str) -> Any:
    return _tracer.start_as_current_span(
        summary, kind=SpanKind.CLIENT, record_exception=False, set_status_on_exception=False,
        attributes={"db.system.name": "postgresql", "db.query.summary": summary},
    )  # fmt: skip


def _run(span: trace.Span, work: Callable[[], Any]) -> Any:
    try:
        return work()
    except Exception as error:
        state = getattr(error.__cause__, "sqlstate", None)
        if state != UNDONE:
            # Omit the error message, because it may contain values.
            span.set_attribute("error.type", str(state or type(error).__name__))
            span.set_status(Status(StatusCode.ERROR))
        raise


@lru_cache(maxsize=1000)
def described(sql: str) -> tuple[str, str]:
    """Returns a summary, such as `SELECT oauth_client`, and the SQL without literals."""
    verb = found[1].upper() if (found := _VERB.match(sql)) else "statement"
    text = _LITERAL.sub("?", sql)
    if verb in _OF_NO_TABLE:
        return verb, ""
    target = _TABLE.search(text) or _FUNCTION.match(text)
    return (f"{verb} {target[1]}" if target else verb), text[:MOST_CHARACTERS]
