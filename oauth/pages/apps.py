"""The user's connected apps: what each may do, since when and until when, and the button that removes it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from oauth import parameters
from oauth.authorization_details import Summary, in_words, question_again, scopes_of, summaries
from oauth.authorize import permissions, remembered
from oauth.authorize.permissions import Permission
from oauth.clients import left_by_apps
from oauth.clients.left_by_apps import Left
from oauth.errors import InvalidRequest
from oauth.models import AuditEvent, Authorization, Client
from oauth.pages.user_page import UserPage


@dataclass(frozen=True, slots=True)
class Covered:
    """One authorization detail. `change_url` is empty if there is nothing to change."""

    summary: Summary
    since: datetime
    change_url: str


@dataclass(frozen=True, slots=True)
class ConnectedApp:
    """All that one client may do, by all its authorizations. `last_address` is where its tokens were last sent."""

    client: Client
    groups: list[tuple[str, list[Permission]]]
    covered: list[Covered]
    since: datetime
    last_used_at: datetime | None
    last_address: str | None
    left: list[Left]
    expires_at: datetime


class ConnectedApps(UserPage):
    """ASVS 5.0 10.4.9, 10.7.3."""

    endpoint = "apps"

    def get(self, request: HttpRequest) -> HttpResponse:
        return render(request, "oauth/apps.html", {"apps": list(_connected(request.user))})

    def post(self, request: HttpRequest) -> HttpResponse:
        """Ends everything that this user allowed one client."""
        try:
            params = parameters.from_body(request)
            client_id = params.require("client_id")
        except InvalidRequest:
            return HttpResponseRedirect(reverse("oauth:apps"), status=303)
        user: Any = request.user
        with transaction.atomic():
            removed = _revoke_all(user, client_id)
            if removed:
                left_by_apps.removed(user, client_id, ticked=list(params))
        if removed:
            messages.success(request, _("Removed. The app no longer has access."))
        return HttpResponseRedirect(reverse("oauth:apps"), status=303)


def _revoke_all(user: Any, client_id: str) -> int:
    """ASVS 5.0 10.7.3. Another request may be writing an authorization without a consent page. This waits for it and
    ends that authorization, too."""
    theirs = Authorization.objects.filter(user=user, client__client_id=client_id)
    ended = theirs.revoke(Authorization.RevocationReason.USER, by=user)
    remembered.forget(user, client_id)
    return ended + theirs.revoke(Authorization.RevocationReason.USER, by=user)


def _connected(user: Any) -> Iterable[ConnectedApp]:
    live = Authorization.objects.live().filter(user=user).select_related("client").order_by("-created_at")
    by_client: dict[int, list[Authorization]] = {}
    for authorization in live:
        by_client.setdefault(authorization.client_id, []).append(authorization)
    addresses = _last_addresses([one.pk for one in live])
    left = left_by_apps.list_left(user, {one.client.client_id for one in live})
    for authorizations in by_client.values():
        # A scope is shown if one authorization has it without details, even if another has it with details.
        scopes = {
            name
            for authorization in authorizations
            for name in set(authorization.scopes) - set(scopes_of(authorization.authorization_details))
        }
        used = [(one.last_used_at, addresses.get(one.pk)) for one in authorizations if one.last_used_at]
        last_used_at, last_address = max(used, key=lambda use: use[0], default=(None, None))
        yield ConnectedApp(
            client=authorizations[0].client,
            groups=permissions.groups(scopes, authorizations[0].client),
            covered=[covered for one in authorizations for covered in _covered(one, user)],
            since=min(authorization.created_at for authorization in authorizations),
            last_used_at=last_used_at,
            last_address=last_address,
            left=left.get(authorizations[0].client.client_id, []),
            expires_at=max(authorization.expires_at for authorization in authorizations),
        )


def _covered(authorization: Authorization, user: Any) -> Iterable[Covered]:
    details = in_words(authorization.authorization_details, authorization.scopes)
    for number, (detail, summary) in enumerate(zip(details, summaries(details), strict=True)):
        can_change = question_again(detail, user) is not None
        yield Covered(
            summary,
            authorization.created_at,
            reverse("oauth:app-details", args=[authorization.pk, number]) if can_change else "",
        )


def _last_addresses(authorizations: list[UUID]) -> dict[UUID | None, str | None]:
    """Where the tokens of each authorization were last sent, from the audit log."""
    issued = AuditEvent.objects.filter(authorization__in=authorizations, action=AuditEvent.Action.ISSUED)
    last = issued.order_by("authorization", "-id").distinct("authorization")
    return dict(last.values_list("authorization", "address"))
