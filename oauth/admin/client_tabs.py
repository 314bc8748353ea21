"""The tabs of a client's page: its users, events and secret."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.html import format_html

from oauth.admin.links import Links, linked, list_of
from oauth.admin.tabs import EVENTS_OF_CLIENT, MOST_SHOWN, Row, Tab, Table, events, when
from oauth.models import AuditEvent, Authorization, Client, ClientReview

#: Counting users of a client stops at this number.
MOST_COUNTED = 1000


def usage(client: Client) -> str:
    """How many users allow the client, and when it last got tokens. Two queries that read at most MOST_COUNTED rows."""
    live = Authorization.objects.live().filter(client=client).order_by()
    users = live.values("user").distinct()[:MOST_COUNTED].count()
    last = AuditEvent.objects.filter(client=client.client_id, action=AuditEvent.Action.ISSUED).order_by("-id").first()
    counted = f"{users} or more users" if users >= MOST_COUNTED else "1 user" if users == 1 else f"{users} users"
    return f"Used by {counted}. Last seen: {when(last.at) if last else 'never'}."


def origin_of(request: HttpRequest, client: Client) -> list[tuple[str, str]]:
    """Who registered the client, and which users may allow it. Queries the open review of an app that is not live."""
    source = Client.RegistrationSource(client.registration_source)
    others = "an admin or a command" if source == Client.RegistrationSource.MANUAL else str(source.label)
    facts = [("Registered by", linked(request, client.user) if client.user else others)]
    if client.is_live:
        return [*facts, ("State", "Live: every user may allow the app.")]
    review = ClientReview.objects.filter(client=client, state=ClientReview.State.OPEN).first()
    what = "Sandbox: until staff approve the app, only sandbox users of its developer may allow it."
    asked = format_html("{} {}", what, linked(request, review, "A review is open.")) if review else what
    return [*facts, ("State", asked)]


class TabViews:
    """Mixin for the ModelAdmin of Client: the views of the tabs. Each checks its own permission."""

    opts: Any
    admin_site: Any
    change_url: Any
    has_change_permission: Any
    has_view_permission: Any

    def tabs(self, request: HttpRequest, client: Client, current: str) -> Iterator[Tab]:
        yield Tab("Client", self.change_url(client), current == "")
        shown = {
            "users": ("Users", request.user.has_perm("oauth.view_authorization")),
            "events": ("Events", request.user.has_perm("oauth.view_auditevent")),
            "secret": ("Secret", client.has_secret and self.has_change_permission(request, client)),
        }
        for name, (label, is_shown) in shown.items():
            if is_shown:
                yield Tab(label, reverse(f"admin:oauth_client_{name}", args=[client.pk]), current == name)

    def users_tab(self, request: HttpRequest, object_id: str) -> HttpResponse:
        client = self._client(request, object_id, "oauth.view_authorization")
        live = Authorization.objects.live().filter(client=client).select_related("user").order_by("-id")
        rows = [
            Row(
                (
                    linked(request, one.user),
                    linked(request, one, " ".join(one.scopes) or "no scope"),
                    when(one.created_at),
                    when(one.last_used_at),
                    when(one.expires_at),
                )
            )
            for one in live[:MOST_SHOWN]
        ]
        more = ("All authorizations of this client", f"{list_of(Authorization)}?{urlencode({'q': client.client_id})}")
        table = Table(
            ("User", "Scopes", "Allowed", "Last used", "Until"), rows, "No user allows this client.", more=more
        )
        return self._tab(request, client, "users", table, usage(client))

    def events_tab(self, request: HttpRequest, object_id: str) -> HttpResponse:
        client = self._client(request, object_id, "oauth.view_auditevent")
        found = list(AuditEvent.objects.filter(client=client.client_id).order_by("-id")[:MOST_SHOWN])
        rows = events(found, links=Links.of(request, found), of_user=False)
        more = ("The audit log of this client", f"{list_of(AuditEvent)}?{urlencode({'q': client.client_id})}")
        table = Table(EVENTS_OF_CLIENT, rows, "The audit log has no events of this client.", more=more)
        return self._tab(request, client, "events", table)

    def secret_tab(self, request: HttpRequest, object_id: str) -> HttpResponse:
        client = get_object_or_404(Client, pk=object_id)
        if not client.has_secret or not self.has_change_permission(request, client):
            raise PermissionDenied
        return self._tab(request, client, "secret", None)

    def _client(self, request: HttpRequest, object_id: str, permission: str) -> Client:
        client = get_object_or_404(Client, pk=object_id)
        if not self.has_view_permission(request, client) or not request.user.has_perm(permission):
            raise PermissionDenied
        return client

    def _tab(
        self, request: HttpRequest, client: Client, name: str, table: Table | None, fact: str = ""
    ) -> HttpResponse:
        tabs = list(self.tabs(request, client, name))
        context = {
            **self.admin_site.each_context(request),
            "title": next(tab.label for tab in tabs if tab.is_current),
            "opts": self.opts,
            "original": client,
            "tabs": tabs,
            "tabs_of": "About this client",
            "table": table,
            "fact": fact,
        }
        template = "admin/oauth/client/secret_tab.html" if table is None else "admin/oauth/tab.html"
        return TemplateResponse(request, template, context)


def is_confirmed(request: HttpRequest, client: Client) -> bool:
    """Whether the user has typed the client ID, as required for actions that can break a client in use. If not, adds a
    message.
    """
    if request.POST.get("typed", "").strip() == client.client_id:
        return True
    messages.error(request, f"Nothing was changed. Type the client ID {client.client_id} to confirm.")
    return False
