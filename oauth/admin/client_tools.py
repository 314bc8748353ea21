"""Tools for a client: warnings about its settings, a test of its flow, and sample programs."""

from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import get_object_or_404, render
from django.template.response import TemplateResponse
from django.utils.translation import gettext

from oauth.admin import dry_run
from oauth.clients import advice, snippets
from oauth.models import AuditEvent, Client
from oauth.models.audit_event import origin
from oauth.models.client import Kind
from oauth.staff import changes_nothing


class ToolViews:
    """Mixin for the ModelAdmin of Client: the views of the tools. Each checks its own permission."""

    opts: Any
    admin_site: Any
    change_url: Any
    get_form: Any
    has_add_permission: Any
    has_change_permission: Any
    has_view_permission: Any

    # --- warnings while the form is edited; nothing is saved

    @changes_nothing
    def advice_of_new(self, request: HttpRequest) -> HttpResponse:
        if not self.has_add_permission(request):
            raise PermissionDenied
        return self._advice(request, None)

    @changes_nothing
    def advice_of(self, request: HttpRequest, object_id: str) -> HttpResponse:
        client = get_object_or_404(Client, pk=object_id)
        if not self.has_change_permission(request, client):
            raise PermissionDenied
        return self._advice(request, client)

    def _advice(self, request: HttpRequest, client: Client | None) -> HttpResponse:
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        form = self.get_form(request, client, change=client is not None)(request.POST, instance=client)
        form.is_valid()
        refused = [
            (form.fields[name].label if name in form.fields else "", text)
            for name, texts in form.errors.items()
            for text in texts
            # Skip fields that are still empty.
            if form.data.get(name) or name == "__all__"
        ]
        filled_in = self.as_filled_in(form, form.instance)
        has_kind = filled_in.kind in Kind.values
        context = {"advice": advice.advise(filled_in) if has_kind else [], "refused": refused}
        return render(request, "admin/oauth/client/advice.html", context)

    def as_filled_in(self, form: Any, client: Client) -> Client:
        """The client with the valid values of the form, even if other fields are invalid. Never saved."""
        for name, value in getattr(form, "cleaned_data", {}).items():
            if name in {field.name for field in Client._meta.concrete_fields}:
                setattr(client, name, value)
        return client

    # --- the test button

    def test(self, request: HttpRequest, object_id: str) -> HttpResponse:
        client = get_object_or_404(Client, pk=object_id)
        if not (self.has_view_permission(request, client) and request.user.has_perm("oauth.test_client")):
            raise PermissionDenied
        steps = []
        if request.method == "POST":
            steps = dry_run.run(client, request)
            failed = next((step for step in steps if not step.is_done), None)
            with origin("admin", request):
                AuditEvent.record(
                    AuditEvent.Action.CLIENT_TESTED,
                    client=client.client_id,
                    actor=request.user.pk,
                    reason=failed.explanation if failed else "",
                )
        return self._page(request, client, "admin/oauth/client/test.html", gettext("Test"), steps=steps)

    # --- sample programs

    def programs(self, request: HttpRequest, object_id: str) -> HttpResponse:
        client = get_object_or_404(Client, pk=object_id)
        if not self.has_view_permission(request, client):
            raise PermissionDenied
        found = {"snippets": snippets.for_client(client), "why_none": snippets.why_none(client)}
        return self._page(request, client, "admin/oauth/client/programs.html", gettext("Sample programs"), **found)

    def _page(self, request: HttpRequest, client: Client, template: str, title: str, **more: Any) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "title": f"{title}: {client.name}",
            "opts": self.opts,
            "client": client,
            "change_url": self.change_url(client),
            **more,
        }
        response = TemplateResponse(request, template, context)
        response["Cache-Control"] = "no-store"
        return response
