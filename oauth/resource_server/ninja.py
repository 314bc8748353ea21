"""Django Ninja: `auth=TokenAuth("orders:read")`, and `answer_refusals(api)` once for each API."""

from django.http import HttpRequest, HttpResponse
from ninja import NinjaAPI
from ninja.security import HttpBearer

from oauth.resource_server.answers import refusal_response
from oauth.resource_server.authentication import require_token
from oauth.resource_server.challenges import Refusal
from oauth.tokens.access_token import AccessToken


class TokenAuth(HttpBearer):
    """The request must have a valid access token with all these scopes; `request.auth` is the AccessToken.

    It must be the last one in a list of `auth`, because it refuses a request without a token. Ninja runs it in a thread
    if the operation is asynchronous.
    """

    def __init__(self, *scopes: str) -> None:
        super().__init__()
        if not scopes or not all(isinstance(scope, str) for scope in scopes):
            raise TypeError('TokenAuth must name the scopes: TokenAuth("orders:read").')
        self.scopes = scopes

    def __call__(self, request: HttpRequest) -> AccessToken:
        # HttpBearer reads only the scheme Bearer; a DPoP-bound token comes as DPoP (RFC 9449 §7.1).
        return require_token(request, *self.scopes)

    def authenticate(self, request: HttpRequest, token: str) -> AccessToken:
        return require_token(request, *self.scopes)


def answer_refusals(api: NinjaAPI) -> None:
    """Answers a refusal with its challenge (RFC 6750 §3). Without this call, Ninja raises it and Django answers 500."""

    def answer(request: HttpRequest, refusal: Refusal) -> HttpResponse:
        return refusal_response(request, refusal)

    api.add_exception_handler(Refusal, answer)
