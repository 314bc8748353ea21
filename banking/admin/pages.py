"""Pages of a list without counting its rows."""

from functools import cached_property
from typing import Any

from django.contrib.admin.views.main import ChangeList
from django.http import HttpRequest

from oauth.infrastructure.generic import Page, Paginator


class UncountedPaginator(Paginator[Any]):
    """Reads one row beyond the current page, to find out whether there is a next page. Never counts the rows."""

    def __init__(self, object_list: Any, per_page: int, *, number: int) -> None:
        super().__init__(object_list, per_page)
        self.number = max(1, number)

    @cached_property
    def _rows(self) -> list[Any]:
        start = (self.number - 1) * self.per_page
        return list(self.object_list[start : start + self.per_page + 1])

    @cached_property
    def count(self) -> int:
        return (self.number - 1) * self.per_page + len(self._rows)

    def page(self, number: Any) -> Page[Any]:
        number = self.validate_number(number)
        if number == self.number:
            return Page[Any](self._rows[: self.per_page], number, self)
        return super().page(number)


class UncountedChangeList(ChangeList):
    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        self.full_result_count = self.result_count  # or the page would show a count
        if not self.multi_page:  # the paginator has read the only page already
            self.result_list = self.paginator.page(1).object_list
