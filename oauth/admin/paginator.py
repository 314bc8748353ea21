"""Paginates a long table without counting all rows."""

from functools import cached_property
from typing import Any

from django.db.models import QuerySet

from oauth.infrastructure.generic import Paginator

#: A list shows at most this many rows. Filters show others.
MOST_LISTED = 1000


class CappedPaginator(Paginator[QuerySet[Any]]):
    """Counts at most MOST_LISTED rows, so that neither COUNT(*) nor OFFSET reads the whole table."""

    @cached_property
    def count(self) -> int:
        rows: Any = self.object_list
        return len(rows.values_list("pk", flat=True)[:MOST_LISTED])
