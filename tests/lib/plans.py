"""Counts what PostgreSQL reads for a request."""

import json
from collections.abc import Callable
from typing import Any

from django.db import connection


def blocks_of(ask: Callable[[], Any], *, table: str) -> tuple[Any, int]:
    """The response, and how many blocks PostgreSQL reads for the queries of this request that use the table."""
    asked = []

    def note(execute: Any, sql: str, parameters: Any, many: bool, context: Any) -> Any:
        if table in sql and "EXPLAIN" not in sql:
            asked.append((sql, parameters))
        return execute(sql, parameters, many, context)

    with connection.execute_wrapper(note):
        answer = ask()
    assert answer.status_code == 200, answer.content
    assert asked, "no query reads the table"
    return answer, sum(_blocks(sql, parameters) for sql, parameters in asked)


def _blocks(sql: str, parameters: Any) -> int:
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, FORMAT JSON) {sql}", parameters)
        [[plan]] = cursor.fetchall()
    [explained] = json.loads(plan) if isinstance(plan, str) else plan
    top = explained["Plan"]
    return int(top["Shared Hit Blocks"] + top["Shared Read Blocks"])
