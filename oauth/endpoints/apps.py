"""The person's connected apps: what each may do, since when and until when, and the button that ends it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.views import View

from oauth import parameters
from oauth.authorization import consent
from oauth.authorization_details import Summary, scopes_of, summaries
from oauth.errors import InvalidRequest
from oauth.models import Authorization, Client

PATH = "/oauth/apps"


@dataclass(frozen=True, slots=True)
class ConnectedApp:
    """All that one client may do, over every time it was allowed."""

    client: Client
    groups: list[tuple[str, list[str]]]
    summaries: list[Summary]
    since: datetime
    last_used_at: datetime | None
    expires_at: datetime


@method_decorator(login_required, name="dispatch")
class ConnectedApps(View):
    """ASVS 5.0 10.4.9, 10.7.3."""

    http_method_names = ["get", "head", "post"]

    def get(self, request: HttpRequest) -> HttpResponse:
        response = render(request, "oauth/apps.html", {"apps": list(_connected(request.user))})
        response["Cache-Control"] = "no-store"
        return response

    def post(self, request: HttpRequest) -> HttpResponse:
        """Ends everything that this person allowed one client; what is somebody else's is never looked at."""
        try:
            client_id = parameters.from_body(request).require("client_id")
        except InvalidRequest:
            client_id = ""
        person: Any = request.user
        theirs = Authorization.objects.filter(user=person, client__client_id=client_id)
        if theirs.revoke(Authorization.RevocationReason.USER, by=person):
            messages.success(request, _("Removed. The app can no longer get in."))
        return HttpResponseRedirect(PATH, status=303)


def _connected(user: Any) -> Iterable[ConnectedApp]:
    live = Authorization.objects.live().filter(user=user).select_related("client").order_by("-created_at")
    by_client: dict[int, list[Authorization]] = {}
    for authorization in live:
        by_client.setdefault(authorization.client_id, []).append(authorization)
    for authorizations in by_client.values():
        details = [detail for authorization in authorizations for detail in authorization.authorization_details]
        # What one of them may do unbounded is said, whatever another one narrows.
        scopes = {
            name
            for authorization in authorizations
            for name in set(authorization.scopes) - set(scopes_of(authorization.authorization_details))
        }
        used = [authorization.last_used_at for authorization in authorizations if authorization.last_used_at]
        yield ConnectedApp(
            client=authorizations[0].client,
            groups=consent.groups(scopes),
            summaries=summaries(details),
            since=min(authorization.created_at for authorization in authorizations),
            last_used_at=max(used, default=None),
            expires_at=max(authorization.expires_at for authorization in authorizations),
        )
