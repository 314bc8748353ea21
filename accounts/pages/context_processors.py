"""Context of every page."""

from typing import Any

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from accounts.browsers import time_zone
from accounts.login import guessing, way_on
from oauth.authorize import interaction


def asking_client(request: HttpRequest) -> dict[str, Any]:
    """The app that asked for the login, and all apps that wait for their user in this browser. They are looked up only
    if the page shows them."""
    return {
        "asking_client": SimpleLazyObject(lambda: way_on.asking_client(request)),
        "waiting": SimpleLazyObject(lambda: interaction.waiting(request)),
    }


def time_zone_cookie(request: HttpRequest) -> dict[str, Any]:
    """How a script of the login pages reports the browser's time zone."""
    return {"time_zone_cookie": time_zone.cookie()}


def is_suspected(request: HttpRequest) -> dict[str, Any]:
    """Whether the page asks for a code because of too many wrong passwords."""
    return {"is_suspected": SimpleLazyObject(lambda: guessing.is_code_demanded_in(request))}
