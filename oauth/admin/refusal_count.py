"""Counts of refused requests of strangers, read-only."""

from django.contrib import admin
from django.http import HttpRequest

from oauth.admin.paginator import CappedPaginator
from oauth.models import RefusalCount
from oauth.staff import Guarded


@admin.register(RefusalCount)
class RefusalCountAdmin(Guarded):
    list_display = fields = readonly_fields = ("hour", "endpoint", "error", "network", "count", "last_at")
    search_fields = ("network__exact", "error__exact")
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    paginator = CappedPaginator
    sortable_by = ()

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: RefusalCount | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: RefusalCount | None = None) -> bool:
        return False
