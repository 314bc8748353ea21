"""Records the writes of a user at a browser, so that their next pages show them. The API of the bank does so itself."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponseBase

from oauth.infrastructure import replica

_SAFE = ("GET", "HEAD", "OPTIONS", "TRACE")
GetResponse = Callable[[HttpRequest], HttpResponseBase]


class MarkWritten:
    """Inside of AuthenticationMiddleware. Any request that may write counts as one that did."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        if request.method not in _SAFE and request.user.is_authenticated:
            replica.wrote(request.user.pk)
        return response
