"""The introspection endpoint (RFC 7662), whose answer may be a signed JWT (RFC 9701)."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from oauth import parameters
from oauth.conf import conf
from oauth.endpoints import token_lookup
from oauth.endpoints.protocol import ProtocolEndpoint, json_response
from oauth.errors import InvalidClient
from oauth.models import Client
from oauth.tokens import subject
from oauth.tokens.signing import signer

TYP = "token-introspection+jwt"
MEDIA_TYPE = "application/token-introspection+jwt"


class IntrospectionEndpoint(ProtocolEndpoint):
    """A confidential client asks about its own tokens. Of anybody else's it learns only `active: false` (§2.2,
    authentik CVE-2024-47077)."""

    endpoint = "introspection"
    http_method_names = ["post"]

    def post(self, request: HttpRequest) -> HttpResponse:
        params = parameters.from_body(request)
        client = self.authenticated(request, params)
        if client.is_public:
            # RFC 7662 §2.1: the endpoint must know who asks, or it is an oracle for stolen tokens.
            raise InvalidClient("A public client cannot introspect: it cannot prove who it is.")
        body = _introspect(client, params.require("token"))
        # FAPI 2.0 Message Signing §5.5.1: such a client gets signed answers only.
        if client.signs_messages or MEDIA_TYPE in request.META.get("HTTP_ACCEPT", ""):
            return HttpResponse(_signed(client, body), content_type=MEDIA_TYPE)
        return json_response(body)


def _introspect(client: Client, raw_token: str) -> dict[str, Any]:
    token = token_lookup.find(raw_token)
    if token is None or not token.is_active or token.client_id != client.client_id:
        return {"active": False}
    body: dict[str, Any] = {"active": True, **token.claims}
    if token.authorization is not None:
        body["sub"] = subject.of(client, token.authorization.user_id)
    if token.token_type:
        body["token_type"] = token.token_type
    return body


def _signed(client: Client, body: dict[str, Any]) -> str:
    """RFC 9701 §5: for whom it is and when it was made stand beside the answer, which keeps its own `exp`."""
    payload = {
        "iss": conf.ISSUER,
        "aud": client.client_id,
        "iat": int(timezone.now().timestamp()),
        "token_introspection": body,
    }
    algorithm = client.introspection_signed_response_alg or conf.SIGNING_ALGORITHM
    return signer(typ=TYP, algorithm=algorithm).encode(payload)
