"""The conformance reports in the admin: one of the site with its newest clients, and one of each client."""

from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.utils.translation import gettext

from oauth.conformance_report import Standard, Verdict, report_on_client, report_on_site, reports_on
from oauth.models import Client

#: Clients on one page, the newest first.
CLIENTS_ON_A_PAGE = 50


class ConformanceViews:
    """Mixin for the ModelAdmin of Client: the views of the conformance reports."""

    opts: Any
    admin_site: Any
    change_url: Any

    def conformance(self, request: HttpRequest) -> HttpResponse:
        """Runs two queries: for the signing keys and for one page of clients."""
        standards = self._allowed_standards(request)
        clients = Client.objects.filter(is_active=True).order_by("-pk")
        if before := request.GET.get("before", ""):
            clients = clients.filter(pk__lt=_number(before))
        page = list(clients[: CLIENTS_ON_A_PAGE + 1])
        shown = page[:CLIENTS_ON_A_PAGE]
        measured = list(zip(shown, reports_on(shown, standards), strict=True))
        return self._page_of(
            request,
            title=gettext("Conformance"),
            report=report_on_site(standards),
            clients=[
                (client, report.unmet(recommendations=False), report.unmet(recommendations=True))
                for client, report in measured
            ],
            older=shown[-1].pk if len(page) > len(shown) else None,
        )

    def conformance_of(self, request: HttpRequest, object_id: str) -> HttpResponse:
        standards = self._allowed_standards(request)
        client = get_object_or_404(Client, pk=_number(object_id))
        title = f"{gettext('Conformance')}: {client.name}"
        return self._page_of(request, title=title, report=report_on_client(client, standards), client=client)

    def _allowed_standards(self, request: HttpRequest) -> list[Standard]:
        if not request.user.has_perm("oauth.view_conformance_report"):
            raise PermissionDenied
        asked = request.GET.get("standard", "")
        return [Standard(asked)] if asked in Standard.values else []

    def _page_of(self, request: HttpRequest, **more: Any) -> HttpResponse:
        report = more["report"]
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "standards": Standard.choices,
            "standard": request.GET.get("standard", ""),
            "counts": [(verdict, report.count(verdict)) for verdict in Verdict],
            "may_view_clients": request.user.has_perm("oauth.view_client"),
            **more,
        }
        return TemplateResponse(request, "admin/oauth/client/conformance.html", context)


def _number(text: str) -> int:
    """Raises Http404 if `text` cannot be a primary key."""
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise Http404
    return int(text)
