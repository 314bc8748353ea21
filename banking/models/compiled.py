"""SQL of a query set that is made once: what is asked most differs in values alone, and building and compiling a query
set takes the ORM longer than PostgreSQL takes to answer."""

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any

from django.db import models

from oauth.fast_path import prepared


class Compiled:
    """`make` builds the query set with `places`, values that stand for those of each question; each is in it once or
    more, and nothing else in it is like one of them."""

    def __init__(self, make: Callable[[], models.QuerySet[Any, Any]], places: Sequence[Any]) -> None:
        self._make = make
        self._places = frozenset(places)

    @cached_property
    def _statement(self) -> tuple[str, tuple[Any, ...]]:
        sql, parameters = self._make().query.sql_with_params()
        return f"{sql} LIMIT %s", parameters

    def rows(self, values: Mapping[Any, Any], limit: int) -> list[tuple[Any, ...]]:
        """`values` by the place they take. Planned once a connection."""
        sql, parameters = self._statement
        given = [values[one] if one in self._places else one for one in parameters]
        with prepared.cursor() as cursor:
            cursor.execute(sql, [*given, limit])
            found: list[tuple[Any, ...]] = cursor.fetchall()
        return found
