"""The revocation endpoint (RFC 7009): a client ends its own access."""

from django.http import HttpRequest, HttpResponse

from oauth import parameters
from oauth.endpoints import token_lookup
from oauth.endpoints.protocol import ProtocolEndpoint, json_response
from oauth.errors import UnsupportedTokenType
from oauth.models import Authorization
from oauth.status import imported_access_tokens


class RevocationEndpoint(ProtocolEndpoint):
    """Revoking any token ends its authorization (RFC 7009 §2.1): refresh tokens immediately, access tokens within
    seconds.

    A client_credentials token of this server only expires; one of an earlier server ends immediately. The response is
    the same for a token that is unknown, of another client or already revoked (§2.2). A token from token exchange
    revokes nothing, because the user allowed another client.
    """

    endpoint = "revocation"
    http_method_names = ["post"]

    def post(self, request: HttpRequest) -> HttpResponse:
        params = parameters.from_body(request)
        client = self.authenticated(request, params)
        token = token_lookup.identify(params.require("token"))
        if token is not None and token.authorization is not None and token.client_id == client.client_id:
            if token.is_exchanged:
                raise UnsupportedTokenType("A token from token exchange cannot be revoked. Wait until it expires.")
            token.authorization.revoke(Authorization.RevocationReason.CLIENT)
        elif token is not None and token.is_imported and token.client_id == client.client_id:
            imported_access_tokens.end_own(params["token"])
        # RFC 7009 §2.2: clients ignore the content, but some parse it as JSON, so send an empty object.
        return json_response({})
