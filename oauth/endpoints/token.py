"""The token endpoint (RFC 6749 §3.2, OAuth 2.1 §3.2)."""

from django.http import HttpRequest, HttpResponse

from oauth import addresses, grants, parameters
from oauth.audit import metrics
from oauth.endpoints import sender_constraint
from oauth.endpoints.protocol import ProtocolEndpoint, json_response
from oauth.grants import GrantRequest
from oauth.wiring import token_policy


class TokenEndpoint(ProtocolEndpoint):
    """Client authentication -> grant -> tokens. Each grant is one transaction: it consumes its code, token or assertion
    exactly once, or changes nothing."""

    endpoint = "token"
    http_method_names = ["post"]

    def post(self, request: HttpRequest) -> HttpResponse:
        params = parameters.from_body(request)
        grant_type = params.require("grant_type")
        client = self.authenticated(request, params)
        if grants.is_known(grant_type):
            self.grant_type = grant_type
        confirmation = sender_constraint.prove(request, client, addresses.of_endpoint("token_endpoint"))
        issuance = grants.run(grant_type, GrantRequest(client, params, token_policy(), confirmation))
        metrics.issued_by(grant_type).inc()
        return json_response(issuance.to_response())
