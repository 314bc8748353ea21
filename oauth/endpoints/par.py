"""The pushed authorization request endpoint (RFC 9126)."""

from django.http import HttpRequest, JsonResponse

from oauth import parameters
from oauth.authorization import pushed
from oauth.authorization.request import read, return_address
from oauth.conf import conf
from oauth.endpoints.protocol import ProtocolEndpoint
from oauth.errors import InvalidRequest


class PushedAuthorizationRequestEndpoint(ProtocolEndpoint):
    """Authenticates as the token endpoint does and checks as the authorization endpoint does: errors are told here,
    to the client itself, and not on a page (RFC 9126 §2.3)."""

    endpoint = "par"
    http_method_names = ["post"]

    def post(self, request: HttpRequest) -> JsonResponse:
        params = parameters.from_body(request)
        client = self.authenticated(request, params)
        if "request_uri" in params:
            raise InvalidRequest("A pushed request holds no request_uri (RFC 9126 §2.1).")
        request_uri = pushed.keep(client, read(params, return_address(params, client)))
        expires_in = int(conf.PUSHED_REQUEST_LIFETIME.total_seconds())
        return JsonResponse({"request_uri": request_uri, "expires_in": expires_in}, status=201)
