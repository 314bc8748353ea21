"""Which representation a client wants (RFC 9110 §12.5.1)."""

from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.request import Request

from banking.api.problems import MEDIA_TYPE


class Negotiation(DefaultContentNegotiation):
    """An empty Accept header accepts anything. A client that names only the type of our errors gets JSON."""

    def get_accept_list(self, request: Request) -> list[str]:
        given = [one.strip() for one in request.META.get("HTTP_ACCEPT", "").split(",")]
        accepted = [one.replace(MEDIA_TYPE, "application/json") for one in given if one]
        return accepted or ["*/*"]
