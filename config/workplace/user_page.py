"""The tabs of a user in the admin, and the actions on their rows."""

from uuid import UUID

from allauth.usersessions.adapter import get_adapter
from allauth.usersessions.models import UserSession
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse

from accounts.models import User
from config.workplace.user_tabs import END_SESSIONS, REVOKE, TABS, may_act, visible
from oauth.models import Authorization
from oauth.models.audit_event import origin
from oauth.staff import audit


def user_tab(request: HttpRequest, user_id: UUID, name: str) -> HttpResponse:
    """Only for staff who may view users and the objects that the tab shows."""
    tab = TABS.get(name)
    if tab is None:
        raise Http404
    if not request.user.has_perms(["accounts.view_user", tab.permission]):
        raise PermissionDenied
    user = get_object_or_404(User, pk=user_id)
    if request.method == "POST":
        _act(request, user)
        return HttpResponseRedirect(request.path)
    context = {
        **admin.site.each_context(request),
        "title": tab.label,
        "opts": User._meta,
        "original": user,
        "tabs": visible(user, request.user, name),
        "tabs_of": "About this user",
        "table": tab.table(request, user),
    }
    return TemplateResponse(request, "admin/oauth/tab.html", context)


def _act(request: HttpRequest, user: User) -> None:
    if session := request.POST.get("session", ""):
        _log_out(request, user, session)
    elif authorization := request.POST.get("authorization", ""):
        _revoke(request, user, authorization)


def _log_out(request: HttpRequest, user: User, session: str) -> None:
    if not may_act(request, user, END_SESSIONS):
        raise PermissionDenied
    wanted = UserSession.objects.filter(user=user)
    if session != "all":
        wanted = wanted.filter(pk=session) if session.isdecimal() and len(session) < 19 else wanted.none()
    with transaction.atomic():
        ended = list(wanted)
        get_adapter().end_sessions(ended)
        if ended:
            audit.record(request, "log-out", [user], detail=f"{len(ended)} browsers")
    messages.success(request, f"Browsers logged out: {len(ended)}.")


def _revoke(request: HttpRequest, user: User, authorization: str) -> None:
    """If two members of staff press the same button, the second one is told that nothing was revoked."""
    if not may_act(request, user, REVOKE):
        raise PermissionDenied
    try:
        key = UUID(authorization)
    except ValueError as error:
        raise Http404 from error
    with origin("admin", request):
        revoked = Authorization.objects.filter(user=user, pk=key).revoke(
            Authorization.RevocationReason.ADMIN, by=request.user
        )
    messages.success(request, f"Authorizations revoked: {revoked}.")
