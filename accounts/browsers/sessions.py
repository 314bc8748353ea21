"""Lists the browser sessions of a user, and ends one of them or all except the current one.

When a browser session ends, its Session (`sid`) ends, too, and so does access that is limited to this Session.
"""

from collections.abc import Iterable
from importlib import import_module
from typing import Any

from allauth.account.adapter import get_adapter as get_account_adapter
from allauth.usersessions.adapter import DefaultUserSessionsAdapter
from allauth.usersessions.adapter import get_adapter as get_sessions_adapter
from allauth.usersessions.models import UserSession
from allauth.usersessions.views import ListUserSessionsView
from django.conf import settings
from django.contrib import messages
from django.contrib.sessions.models import Session as BrowserSession
from django.db.models import Exists, OuterRef
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.browsers import trusted_browsers, user_agents
from accounts.models import User
from oauth.models import Session
from oauth.sessions import login_session

_USER_AGENT_LENGTH = UserSession._meta.get_field("user_agent").max_length


class SessionsAdapter(DefaultUserSessionsAdapter):
    def end_sessions(self, sessions_to_end: Iterable[UserSession]) -> None:
        store = import_module(settings.SESSION_ENGINE).SessionStore
        for session in sessions_to_end:
            login_session.end_in_browser(store(session.session_key), Session.EndReason.LOGOUT)
            session.end()


def delete_expired(user: User) -> None:
    """Deletes rows whose browser session has expired or is gone. `listed` removes those that were logged out by other
    means.
    """
    running = BrowserSession.objects.filter(session_key=OuterRef("session_key"), expire_date__gt=timezone.now())
    UserSession.objects.filter(~Exists(running), user=user).delete()


def add(request: HttpRequest, user: User) -> None:
    """For a login, whose session key is new. allauth would first query whether the key has a row."""
    UserSession.objects.create(
        user=user,
        session_key=request.session.session_key,
        ip=get_account_adapter().get_client_ip(request),
        user_agent=request.headers.get("User-Agent", "")[:_USER_AGENT_LENGTH],
    )


def listed(request: HttpRequest) -> dict[str, Any]:
    """Context for account/sessions.html: the current browser first, then the newest."""
    assert request.user.is_authenticated
    live: list[Any] = UserSession.objects.purge_and_list(request.user)
    for session in live:
        session.device = user_agents.describe(session.user_agent)
    live.sort(key=lambda session: (session.is_current(), session.created_at), reverse=True)
    return {"sessions": live, "session_count": len(live)}


class SessionsView(ListUserSessionsView):
    """A POST with `session` ends that session; without it, all except the current one."""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(**kwargs) | listed(self.request)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        others = UserSession.objects.filter(user_id=request.user.pk).exclude(session_key=request.session.session_key)
        if wanted := request.POST.get("session"):
            others = others.filter(pk=wanted) if wanted.isdecimal() and len(wanted) < 19 else others.none()
        ended = list(others)
        get_sessions_adapter().end_sessions(ended)
        if not wanted:
            trusted_browsers.end_others(request)
        if ended:
            messages.success(request, _("The browser was logged out."))
        return HttpResponseRedirect(reverse("account_security") + "#sessions")
