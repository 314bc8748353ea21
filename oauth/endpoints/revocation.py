"""The revocation endpoint (RFC 7009): a client gives back what it was allowed."""

from django.http import HttpRequest, HttpResponse

from oauth import parameters
from oauth.endpoints import token_lookup
from oauth.endpoints.protocol import ProtocolEndpoint
from oauth.errors import UnsupportedTokenType
from oauth.models import Authorization


class RevocationEndpoint(ProtocolEndpoint):
    """Whichever token is given back, the whole Authorization ends (RFC 7009 §2.1), its refresh tokens at once.

    A token that is unknown, of another client or already dead is answered alike (§2.2). One from token exchange ends
    nothing: the Authorization is not its client's to give back.
    """

    endpoint = "revocation"
    http_method_names = ["post"]

    def post(self, request: HttpRequest) -> HttpResponse:
        params = parameters.from_body(request)
        client = self.authenticated(request, params)
        token = token_lookup.find(params.require("token"))
        if token is not None and token.authorization is not None and token.client_id == client.client_id:
            if token.is_exchanged:
                raise UnsupportedTokenType("A token from token exchange cannot be revoked alone; it ends by itself.")
            token.authorization.revoke(Authorization.RevocationReason.CLIENT)
        response = HttpResponse()
        del response["Content-Type"]  # nothing is sent, so it has no type: oidc-client-ts refuses text/html
        return response
