"""Context of every page."""

from typing import Any

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from accounts.login import guessing
from oauth.authorize import interaction


def asking_client(request: HttpRequest) -> dict[str, Any]:
    """The app that asked for the login. It is looked up only if the page shows it."""
    return {"asking_client": SimpleLazyObject(lambda: interaction.asking_client(request))}


def is_suspected(request: HttpRequest) -> dict[str, Any]:
    """Whether the page asks for a code because of too many wrong passwords."""
    return {"is_suspected": SimpleLazyObject(lambda: guessing.is_code_demanded_in(request))}
