"""Django Ninja: use `auth=TokenAuth("orders:read")`, and call `answer_refusals(api)` once for each API."""

from django.http import HttpRequest, HttpResponse
from ninja import NinjaAPI
from ninja.security import HttpBearer

from oauth.resource_server.answers import refusal_response
from oauth.resource_server.authentication import require_token
from oauth.resource_server.challenges import Refusal
from oauth.tokens.access_token import AccessToken


class TokenAuth(HttpBearer):
    """Requires a valid access token with all these scopes, and sets it as `request.auth`.

    Must be the last in a list of `auth`, because it refuses requests without a token. Ninja runs it in a thread if the
    operation is asynchronous.
    """

    def __init__(self, *scopes: str) -> None:
        super().__init__()
        if not scopes or not all(isinstance(scope, str) for scope in scopes):
            raise TypeError('TokenAuth must name the scopes: TokenAuth("orders:read").')
        self.scopes = scopes

    def __call__(self, request: HttpRequest) -> AccessToken:
        # Replaces HttpBearer's method, which supports only the scheme Bearer, not DPoP (RFC 9449 §7.1).
        return require_token(request, *self.scopes)

    def authenticate(self, request: HttpRequest, token: str) -> AccessToken:
        return require_token(request, *self.scopes)


def answer_refusals(api: NinjaAPI) -> None:
    """Makes Ninja return refusals with their challenge (RFC 6750 §3). Otherwise they result in a 500."""

    def answer(request: HttpRequest, refusal: Refusal) -> HttpResponse:
        return refusal_response(request, refusal)

    api.add_exception_handler(Refusal, answer)
