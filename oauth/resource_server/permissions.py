"""The scopes that a request needs. A view without `required_scopes` allows no request."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from django.core.exceptions import ImproperlyConfigured
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

if TYPE_CHECKING:  # not at run time: rest_framework.views reads settings that name this module
    from rest_framework.views import APIView

from oauth.resource_server.asked import refusals_of
from oauth.resource_server.scopes import require_scopes
from oauth.tokens.access_token import AccessToken

Scopes = Mapping[str, Sequence[str]] | Sequence[str]


class HasScope(BasePermission):
    """Requires all scopes in the view's `required_scopes`: a list for all methods, or a dict of method -> list."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        token = request.auth
        if not isinstance(token, AccessToken):
            return False
        with refusals_of(request._request):
            require_scopes(token, required_scopes(view, request.method or ""))
        return True


def required_scopes(view: APIView, method: str) -> Sequence[str]:
    """The scopes that the method needs. Raises ImproperlyConfigured if the view names none (fail closed)."""
    scopes: Scopes | None = getattr(view, "required_scopes", None)
    if scopes is None:
        raise ImproperlyConfigured(f"{type(view).__name__} names no required_scopes.")
    if not isinstance(scopes, Mapping):
        return scopes
    method = "GET" if method == "HEAD" else method
    if method in scopes:
        return scopes[method]
    if method == "OPTIONS" or not hasattr(view, method.lower()):
        return ()  # DRF returns 405, or the description of the view
    raise ImproperlyConfigured(f"{type(view).__name__} names no required_scopes for {method}.")


def announced_scopes(request: Request) -> Sequence[str]:
    """The scopes that the request needs, for the challenge of a 401. Empty if its view names none."""
    view = (request.parser_context or {}).get("view")
    try:
        return required_scopes(view, request.method or "") if view else ()
    except ImproperlyConfigured:
        return ()
