"""Records when a user writes in a browser, so that the user's next pages show the change. The bank API does this
itself.
"""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponseBase

from oauth.infrastructure import replica

_SAFE = ("GET", "HEAD", "OPTIONS", "TRACE")
GetResponse = Callable[[HttpRequest], HttpResponseBase]


class MarkWritten:
    """Must come after AuthenticationMiddleware. Every request whose method may write counts as a write."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        if request.method not in _SAFE and request.user.is_authenticated:
            replica.wrote(request.user.pk)
        return response
