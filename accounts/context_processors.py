"""What every page may say."""

from typing import Any

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from accounts import guessing
from oauth.authorize import interaction


def asking_client(request: HttpRequest) -> dict[str, Any]:
    """Which app the person is on the way to, on every page of log-in; looked up only where a page asks."""
    return {"asking_client": SimpleLazyObject(lambda: interaction.asking_client(request))}


def is_suspected(request: HttpRequest) -> dict[str, Any]:
    """Whether the code that a page asks for follows too many wrong passwords."""
    return {"is_suspected": SimpleLazyObject(lambda: guessing.is_code_demanded_in(request))}
