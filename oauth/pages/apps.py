"""The user's connected apps: a list, and a page for each with what it may do and has done (ASVS 5.0 10.4.9, 10.7.3; the
permission dashboard of PSD3 and PSR). Apps whose access has ended have a separate list.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from oauth import parameters
from oauth.authorization_details import Summary, explicit_details, question_again, scopes_of, summaries
from oauth.authorize import permissions, remembered
from oauth.clients import app_activity, left_by_apps
from oauth.clients.left_by_apps import Left
from oauth.errors import InvalidRequest
from oauth.models import AuditEvent, Authorization, Client
from oauth.models.authorization import AuthorizationQuerySet
from oauth.pages.user_page import UserPage

_MOST_CONSENTS = 50


@dataclass(frozen=True, slots=True)
class Covered:
    """One authorization detail. `change_url` is empty if nothing can be changed."""

    summary: Summary
    since: datetime
    change_url: str


@dataclass(frozen=True, slots=True)
class Entry:
    """An app in the list. `at` is when the app was last used, or when its access ended."""

    client: Client
    at: datetime | None
    is_live: bool
    may_change: bool
    why: str = ""
    left: Sequence[Left] = ()


class ConnectedApps(UserPage):
    """One entry per app, even if it has several authorizations."""

    endpoint = "apps"

    def get(self, request: HttpRequest) -> HttpResponse:
        entries = list(_entries(request.user))
        apps = [one for one in entries if one.is_live]
        has_ended = len(apps) < len(entries)
        return render(request, "oauth/apps.html", {"apps": apps, "has_ended": has_ended})

    def post(self, request: HttpRequest) -> HttpResponse:
        """Ends all authorizations that this user gave to a client."""
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


class EndedApps(UserPage):
    """The apps whose access has ended, with the time and the reason."""

    endpoint = "apps"

    def get(self, request: HttpRequest) -> HttpResponse:
        ended = [one for one in _entries(request.user) if not one.is_live]
        return render(request, "oauth/ended_apps.html", {"apps": ended})


class ConnectedApp(UserPage):
    """The page of a client: what its authorizations allow, what it did, and what the user allowed earlier. Returns 404
    for a client of which the user has no authorizations (any more).
    """

    endpoint = "apps"

    def get(self, request: HttpRequest, client_pk: int) -> HttpResponse:
        user: Any = request.user
        consents = list(_of_user(user).filter(client_id=client_pk).order_by("-created_at")[:_MOST_CONSENTS])
        if not consents:
            raise Http404
        client, live = consents[0].client, [one for one in consents if one.is_live]
        used = [one.last_used_at for one in live if one.last_used_at]
        context = {
            "client": client,
            "is_live": bool(live),
            "groups": permissions.groups(_scopes(live), client),
            "covered": [covered for one in live for covered in _covered(one, user)],
            "since": min((one.created_at for one in live), default=None),
            "last_used_at": max(used, default=None),
            "last_address": _last_address(live),
            "expires_at": max((one.expires_at for one in live), default=None),
            "activity": app_activity.of_app(user, client.client_id),
            "consents": consents,
            "left": left_by_apps.list_left(user, {client.client_id}).get(client.client_id, []) if live else [],
        }
        return render(request, "oauth/app.html", context)


def _of_user(user: Any) -> AuthorizationQuerySet:
    return Authorization.objects.filter(user=user).select_related("client")


def _entries(user: Any) -> Iterable[Entry]:
    """One entry per app, the most recently allowed first."""
    by_client: dict[int, list[Authorization]] = {}
    left = left_by_apps.list_left(user, {one.client.client_id for one in _of_user(user).live()})
    for authorization in _of_user(user).order_by("-created_at"):
        by_client.setdefault(authorization.client_id, []).append(authorization)
    for authorizations in by_client.values():
        live = [one for one in authorizations if one.is_live]
        client = authorizations[0].client
        if live:
            used = [one.last_used_at for one in live if one.last_used_at]
            scopes = _scopes(live) | {scope for one in live for scope in scopes_of(one.authorization_details)}
            groups = permissions.groups(scopes, client)
            may_change = permissions.may_change(groups, ())
            yield Entry(client, max(used, default=None), True, may_change, left=left.get(client.client_id, ()))
        else:
            last = max(authorizations, key=attrgetter("ended_at"))
            yield Entry(client, last.ended_at, False, False, _why_ended(last))


def _why_ended(authorization: Authorization) -> str:
    if not authorization.revocation_reason:
        return _("Its access expired.")
    match authorization.revocation_reason:
        case Authorization.RevocationReason.USER:
            return _("You removed it.")
        case Authorization.RevocationReason.CLIENT:
            return _("The app ended its access.")
        case Authorization.RevocationReason.LOGOUT:
            return _("You logged out.")
        case Authorization.RevocationReason.PASSWORD | Authorization.RevocationReason.ADDRESS:
            return _("You changed your password or your email.")
        case Authorization.RevocationReason.CODE_REPLAY | Authorization.RevocationReason.REFRESH_REPLAY:
            return _("We ended it for your security.")
        case _:
            return _("We ended it.")


def _scopes(authorizations: Iterable[Authorization]) -> set[str]:
    """The scopes that at least one authorization has without details."""
    return {name for one in authorizations for name in set(one.scopes) - set(scopes_of(one.authorization_details))}


def _revoke_all(user: Any, client_id: str) -> int:
    """ASVS 5.0 10.7.3. `forget` waits for a parallel request that is writing an authorization without a page; the
    second `revoke` also ends this authorization.
    """
    theirs = Authorization.objects.filter(user=user, client__client_id=client_id)
    ended = theirs.revoke(Authorization.RevocationReason.USER, by=user)
    remembered.forget(user, client_id)
    return ended + theirs.revoke(Authorization.RevocationReason.USER, by=user)


def _covered(authorization: Authorization, user: Any) -> Iterable[Covered]:
    details = explicit_details(authorization.authorization_details, authorization.scopes)
    for number, (detail, summary) in enumerate(zip(details, summaries(details), strict=True)):
        can_change = question_again(detail, user) is not None
        yield Covered(
            summary,
            authorization.created_at,
            reverse("oauth:app-details", args=[authorization.pk, number]) if can_change else "",
        )


def _last_address(authorizations: list[Authorization]) -> str | None:
    """The IP address to which tokens were last issued, from the audit log."""
    ids: list[UUID] = [one.pk for one in authorizations]
    issued = AuditEvent.objects.filter(authorization__in=ids, action=AuditEvent.Action.ISSUED)
    return issued.order_by("-id").values_list("address", flat=True).first()
