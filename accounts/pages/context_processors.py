"""Template context of every page."""

from typing import Any

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from accounts.browsers import time_zone
from accounts.login import guessing, next_url
from oauth.authorize import interaction


def asking_client(request: HttpRequest) -> dict[str, Any]:
    """The app that requested the login, and all apps that wait for the user in this browser. Looked up only if the
    template uses them.
    """
    return {
        "asking_client": SimpleLazyObject(lambda: next_url.asking_client(request)),
        "waiting": SimpleLazyObject(lambda: interaction.waiting(request)),
    }


def time_zone_cookie(request: HttpRequest) -> dict[str, Any]:
    """The cookie in which a script of the login pages reports the browser's time zone."""
    return {"time_zone_cookie": time_zone.cookie()}


def is_suspected(request: HttpRequest) -> dict[str, Any]:
    """Whether the page asks for a code because of suspected password guessing."""
    return {"is_suspected": SimpleLazyObject(lambda: guessing.is_code_demanded_in(request))}
