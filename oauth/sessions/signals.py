"""A receiver for logouts from the site."""

from typing import Any

from django.contrib.auth.signals import user_logged_out
from django.dispatch import receiver
from django.http import HttpRequest

from oauth.models import Session
from oauth.sessions import login_session


@receiver(user_logged_out)
def end_session(request: HttpRequest | None, **_: Any) -> None:
    """Ends the Session of the browser and all access without `offline_access`."""
    if request is not None:
        login_session.end(request, Session.EndReason.LOGOUT)
