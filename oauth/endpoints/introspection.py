"""The introspection endpoint (RFC 7662)."""

from typing import Any

from django.http import HttpRequest, JsonResponse

from oauth import client_authentication, parameters
from oauth.endpoints import presented_token
from oauth.endpoints.protocol import ProtocolEndpoint
from oauth.errors import InvalidClient


class IntrospectionEndpoint(ProtocolEndpoint):
    """A confidential client asks about its own tokens. Of anybody else's it learns only `active: false` (§2.2,
    authentik CVE-2024-47077)."""

    endpoint = "introspection"
    http_method_names = ["post"]

    def post(self, request: HttpRequest) -> JsonResponse:
        params = parameters.from_body(request)
        client = client_authentication.authenticate(request, params).client
        if client.is_public:
            # RFC 7662 §2.1: the endpoint must know who asks, or it is an oracle for stolen tokens.
            raise InvalidClient("A public client cannot introspect: it cannot prove who it is.")
        token = presented_token.find(params.require("token"))
        if token is None or not token.is_active or token.client_id != client.client_id:
            return JsonResponse({"active": False})
        body: dict[str, Any] = {"active": True, **token.claims}
        if token.token_type:
            body["token_type"] = token.token_type
        return JsonResponse(body)
