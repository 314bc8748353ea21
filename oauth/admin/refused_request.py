"""Refused requests that are not in the audit log. The search of the audit log finds them, too."""

from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from oauth.admin.error_id import error_id_in, is_error_id
from oauth.admin.links import Links
from oauth.admin.paginator import CappedPaginator
from oauth.admin.tabs import Row, Table, when
from oauth.models import RefusedRequest
from oauth.staff import Guarded

#: The most rows shown for one error ID. Several requests have the same ID if a repeated request gets the same response.
MOST_OF_AN_ID = 5


def table_of(request: HttpRequest, error_id: str) -> Table | None:
    """The refused requests with this error ID. None if there are none, if the text is not an error ID, or if the user
    may not view them.
    """
    if not is_error_id(error_id) or not request.user.has_perm("oauth.view_refusedrequest"):
        return None
    found = list(RefusedRequest.objects.filter(error_id=error_id).order_by("-id")[:MOST_OF_AN_ID])
    if not found:
        return None
    links = Links.of_ids(request, {one.client for one in found}, {one.user for one in found})
    columns = ("Time", "Answer", "Reason", "Request", "Client", "User", "IP address")
    return Table(columns, [_row(one, links) for one in found], "")


def _row(one: RefusedRequest, links: Links) -> Row:
    cells: Sequence[str] = (
        when(one.at),
        f"{one.status} {one.error}",
        one.reason or "-",
        f"{one.method} {one.path}",
        links.client(one.client),
        links.user(one.user),
        one.address or "-",
    )
    return Row(cells)


@admin.register(RefusedRequest)
class RefusedRequestAdmin(Guarded):
    list_display = ("at", "status", "error", "endpoint", "method", "path", "address")
    list_filter = ("endpoint", "status")
    fields = readonly_fields = (
        "at", "error_id", "endpoint", "status", "error", "reason", "method", "path", "client", "user", "address",
    )  # fmt: skip
    search_fields = ("error_id__exact",)
    search_help_text = "A whole error ID."
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    paginator = CappedPaginator
    sortable_by = ()

    def get_search_results(self, request: HttpRequest, queryset: QuerySet[Any], search_term: str) -> Any:
        return super().get_search_results(request, queryset, error_id_in(search_term))

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: RefusedRequest | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: RefusedRequest | None = None) -> bool:
        return False
