"""The access journal: which app read which data of which user, how often, and from which address. Can be exported as
CSV for one user or account.
"""

import csv
from collections.abc import Iterator
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseNotAllowed, StreamingHttpResponse
from django.urls import URLPattern, path
from django.utils import timezone
from django.views.decorators.cache import never_cache

from banking.admin.read_only import ReadOnly
from banking.models import AccessCount
from banking.oversight import Officer, audit
from oauth.infrastructure import csv_cells, rate_limits

FIELDS = ("hour", "user__email", "client_id", "account__iban", "account__name", "kind", "count", "first_at", "last_at",
          "address")  # fmt: skip


@admin.register(AccessCount)
class AccessCountAdmin(ReadOnly):
    """Lists the newest hour first. The audit log records each export."""

    list_display = ("hour", "client_id", "user", "account", "kind", "count", "first_at", "last_at", "address")
    list_select_related = ("user", "account")
    ordering = ("-hour",)
    found_by_id = ("user_id", "account_id")
    found_by_user = ("user_id",)
    found_by_account = ("account_id",)
    change_list_template = "admin/banking/accesscount/change_list.html"

    def has_export_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("banking.view_accesscount")

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(never_cache(self.export_view))
        return [path("export/", view, name="banking_accesscount_export"), *super().get_urls()]

    def export_view(self, request: HttpRequest) -> HttpResponseBase:
        """Exports the results of a search for a user or an account. A POST, because each export is recorded."""
        if not self.has_export_permission(request):
            raise PermissionDenied
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        term = request.GET.get("q", "")
        found, _may_repeat = self.get_search_results(request, AccessCount.objects.order_by("hour", "pk"), term)
        if not term:
            return HttpResponse("Search for a user or an account first.", status=400, content_type="text/plain")
        officer = Officer(request.user, rate_limits.address_of(request))
        with transaction.atomic():
            audit.record("access_journal_exported", by=officer, about=_user_of(found), reason=f"q={term}")
        answer = StreamingHttpResponse(_lines(found), content_type="text/csv; charset=utf-8")
        answer["Content-Disposition"] = f'attachment; filename="access-{timezone.now():%Y%m%d-%H%M%S}.csv"'
        answer["Cache-Control"] = "no-store"
        return answer


def _user_of(found: QuerySet[Any]) -> object:
    """The user, if the exported counts are about one user's accounts."""
    users = list(found.order_by().values_list("user_id", flat=True).distinct()[:2])
    return users[0] if len(users) == 1 else ""


class _Echo:
    """A file for csv.writer that returns what is written."""

    def write(self, line: str) -> str:
        return line


def _lines(found: QuerySet[Any]) -> Iterator[str]:
    writer = csv.writer(_Echo())
    yield writer.writerow(FIELDS)
    for row in found.values_list(*FIELDS).iterator(chunk_size=1000):
        yield writer.writerow([csv_cells.text(value) for value in row])
