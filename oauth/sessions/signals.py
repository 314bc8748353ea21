"""Receivers for logins and logouts from the site."""

from typing import Any

from django.contrib.auth.signals import user_logged_in, user_logged_out
from django.dispatch import receiver
from django.http import HttpRequest

from oauth.models import Session
from oauth.sessions import authentication_context, login_session


@receiver(user_logged_in)
def remember_time(request: HttpRequest | None, **_: Any) -> None:
    if request is not None and hasattr(request, "session"):
        authentication_context.remember_time(request.session)


@receiver(user_logged_out)
def end_session(request: HttpRequest | None, **_: Any) -> None:
    """Ends the Session of the browser and all access without `offline_access`."""
    if request is not None:
        login_session.end(request, Session.EndReason.LOGOUT)
