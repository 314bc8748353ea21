"""Compiles a query set once, for queries that differ only in their values. Building and compiling a query set takes
longer than PostgreSQL takes to execute it.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any

from django.db import DEFAULT_DB_ALIAS, models

from oauth.fast_path import prepared_statements


class CompiledQuery:
    """`make` builds the query set with `placeholders`, values that stand for the arguments of a call. Each must occur
    in the query set, and no other parameter may equal one of them.
    """

    def __init__(self, make: Callable[[], models.QuerySet[Any, Any]], placeholders: Sequence[Any]) -> None:
        self._make = make
        self._placeholders = frozenset(placeholders)

    @cached_property
    def _statement(self) -> tuple[str, tuple[Any, ...]]:
        sql, parameters = self._make().query.sql_with_params()
        return f"{sql} LIMIT %s", parameters

    def rows(self, arguments: Mapping[Any, Any], limit: int, using: str = DEFAULT_DB_ALIAS) -> list[tuple[Any, ...]]:
        """At most `limit` rows. `arguments` maps each placeholder to its value."""
        sql, parameters = self._statement
        given = [arguments[one] if one in self._placeholders else one for one in parameters]
        with prepared_statements.cursor(using) as cursor:
            cursor.execute(sql, [*given, limit])
            found: list[tuple[Any, ...]] = cursor.fetchall()
        return found
