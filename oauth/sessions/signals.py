"""Receivers for logins and logouts from the site."""

from typing import Any

from django.conf import settings
from django.contrib.auth.signals import user_logged_in, user_logged_out
from django.dispatch import receiver
from django.http import HttpRequest

from oauth.models import Session
from oauth.sessions import authentication_context, login_session


@receiver(user_logged_in)
def begin_login(request: HttpRequest | None, user: Any, **_: Any) -> None:
    if request is None or not hasattr(request, "session"):
        return
    authentication_context.remember_time(request.session)
    if earlier := request.COOKIES.get(settings.SESSION_COOKIE_NAME):
        login_session.end_replaced(earlier, user)


@receiver(user_logged_out)
def end_session(request: HttpRequest | None, **_: Any) -> None:
    """Ends the Session of the browser and all access without `offline_access`."""
    if request is not None:
        login_session.end(request, Session.EndReason.LOGOUT)
