"""Chooses the representation that a client wants (RFC 9110 §12.5.1)."""

from typing import Any

from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request

from banking.api.problems import MEDIA_TYPE


class Negotiation(DefaultContentNegotiation):
    """An empty Accept header accepts anything. A client that accepts only application/problem+json gets JSON."""

    def select_renderer(
        self, request: Request, renderers: Any, format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        """Shortcut for most clients, which accept anything or name the first renderer."""
        first, accepted = renderers[0], request.META.get("HTTP_ACCEPT", "")
        is_plain = accepted in ("", "*/*", first.media_type) and not format_suffix
        if is_plain and self.settings.URL_FORMAT_OVERRIDE not in request.query_params:
            return first, first.media_type
        chosen: tuple[BaseRenderer, str] = super().select_renderer(request, renderers, format_suffix)
        return chosen

    def get_accept_list(self, request: Request) -> list[str]:
        given = [one.strip() for one in request.META.get("HTTP_ACCEPT", "").split(",")]
        accepted = [one.replace(MEDIA_TYPE, "application/json") for one in given if one]
        return accepted or ["*/*"]
