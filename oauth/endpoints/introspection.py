"""The introspection endpoint (RFC 7662), whose response can be a signed JWT (RFC 9701)."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from oauth import parameters
from oauth.conf import conf
from oauth.endpoints import token_lookup
from oauth.endpoints.protocol import ProtocolEndpoint, json_response
from oauth.endpoints.token_lookup import PresentedToken
from oauth.errors import InvalidClient
from oauth.models import Client
from oauth.tokens import subject
from oauth.tokens.signing import signer

TYP = "token-introspection+jwt"
MEDIA_TYPE = "application/token-introspection+jwt"


class IntrospectionEndpoint(ProtocolEndpoint):
    """A confidential client can introspect its own tokens and, if it belongs to an API (`RESOURCE_SERVER_CLIENTS`),
    access tokens for this API. For every other token, the response is `active: false` (§2.2, authentik CVE-2024-47077).
    """

    endpoint = "introspection"
    http_method_names = ["post"]

    def post(self, request: HttpRequest) -> HttpResponse:
        params = parameters.from_body(request)
        client = self.authenticated(request, params)
        if client.is_public:
            # RFC 7662 §2.1: the client must authenticate, so that nobody can test stolen tokens.
            raise InvalidClient("A client must authenticate to introspect a token.")
        body = _introspect(client, params.require("token"))
        # FAPI 2.0 Message Signing §5.5.1: a client with this profile gets only signed responses.
        if client.signs_messages or MEDIA_TYPE in request.META.get("HTTP_ACCEPT", ""):
            return HttpResponse(_signed(client, body), content_type=MEDIA_TYPE)
        return json_response(body)


def _introspect(client: Client, raw_token: str) -> dict[str, Any]:
    token = token_lookup.identify(raw_token)
    if token is None or not token.is_usable or token.authority is None:
        return {"active": False}
    is_own = token.client_id == client.client_id
    if not is_own and not _is_for_api_of(client, token):
        return {"active": False}
    # ASVS 5.0 10.4.11: not the scopes that were taken from the client since.
    scopes = token.authority.still_allowed(token.scopes)
    body: dict[str, Any] = {"active": True, **token.claims, "scope": " ".join(sorted(scopes))}
    if is_own and token.authorization is not None:
        body["sub"] = subject.identifier(client, token.authorization.user_id, pairwise_key=conf.PAIRWISE_SUBJECT_KEY)
    if token.token_type:
        body["token_type"] = token.token_type
    return body


def _is_for_api_of(client: Client, token: PresentedToken) -> bool:
    """§2.1: the protected resource asks about an access token that it was sent."""
    audience = token.claims.get("aud", ())
    apis = [audience] if isinstance(audience, str) else audience
    is_access_token = token.token_type is not None
    return is_access_token and any(client.client_id in conf.RESOURCE_SERVER_CLIENTS.get(api, ()) for api in apis)


def _signed(client: Client, body: dict[str, Any]) -> str:
    """RFC 9701 §5: `aud` and `iat` are those of the response; the token's claims are in `token_introspection`."""
    payload = {
        "iss": conf.ISSUER,
        "aud": client.client_id,
        "iat": int(timezone.now().timestamp()),
        "token_introspection": body,
    }
    return signer(typ=TYP, algorithm=client.introspection_response_algorithm).encode(payload)
