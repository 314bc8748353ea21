"""The pushed authorization request endpoint (RFC 9126)."""

from dataclasses import replace
from http import HTTPStatus

from django.http import HttpRequest, HttpResponse

from oauth import addresses, parameters
from oauth.authorize import pushed_request, request_object
from oauth.authorize.request import parse, return_address
from oauth.conf import conf
from oauth.endpoints import sender_constraint
from oauth.endpoints.protocol import ProtocolEndpoint, json_response
from oauth.errors import InvalidDPoPProof, InvalidRequest
from oauth.infrastructure.rate_limits import Limit


class PushedAuthorizationRequestEndpoint(ProtocolEndpoint):
    """Authenticates clients like the token endpoint and validates requests like the authorization endpoint. Errors are
    JSON (RFC 9126 §2.3).
    """

    endpoint = "par"
    limit_of_address = Limit("requests-of-address", 300)  # each request writes a row
    http_method_names = ["post"]

    def post(self, request: HttpRequest) -> HttpResponse:
        params = parameters.from_body(request)
        client = self.authenticated(request, params)
        if "request_uri" in params:
            raise InvalidRequest("A pushed request must not contain request_uri (RFC 9126 §2.1).")
        opened = request_object.opened(params, client)
        if client.is_fapi:
            opened.require("redirect_uri")  # FAPI 2.0 §5.3.2.2
        asked = parse(opened, return_address(opened, client))
        if "HTTP_DPOP" in request.META:
            # RFC 9449 §10.1: a DPoP proof has the effect of dpop_jkt. If both are sent, they must be for the same key.
            urls = addresses.of_endpoint("pushed_authorization_request_endpoint")
            jkt = sender_constraint.prove_dpop_key(request, urls)
            if asked.dpop_jkt not in ("", jkt):
                raise InvalidDPoPProof("dpop_jkt must be the thumbprint of the key of the DPoP proof.")
            asked = replace(asked, dpop_jkt=jkt)
        request_uri = pushed_request.store(client, asked)
        expires_in = int(conf.PUSHED_REQUEST_LIFETIME.total_seconds())
        return json_response({"request_uri": request_uri, "expires_in": expires_in}, status=HTTPStatus.CREATED)
