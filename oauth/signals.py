"""What the site's log-outs mean for clients."""

from typing import Any

from django.contrib.auth.signals import user_logged_out
from django.dispatch import receiver
from django.http import HttpRequest

from oauth.authorization import sessions
from oauth.models import Session


@receiver(user_logged_out)
def end_session(request: HttpRequest | None, **_: Any) -> None:
    """Access that was not allowed offline ends with the log-in it came from."""
    if request is not None:
        sessions.end(request, Session.EndReason.LOGOUT)
