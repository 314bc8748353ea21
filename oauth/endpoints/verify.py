"""Verifies tokens for a gateway in front of an API: nginx `auth_request`, Traefik and Caddy forward-auth, Envoy
`ext_authz`.

The gateway calls this endpoint before it forwards a request. The response is 200 with the verified identity in headers,
or the refusal for the client. The gateway's configuration sets the requirements:

    /oauth/verify?scope=orders:read&audience=https://api.example/orders

docs/gateways.md has a configuration for each gateway.
"""

import json
from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse
from jwt.utils import base64url_encode

from oauth import addresses, parameters
from oauth.conf import conf
from oauth.endpoints.forwarded_request import ForwardedRequest, forwarded_request
from oauth.endpoints.own_resource import refusal_response
from oauth.endpoints.protocol import FAILURES_OF_ADDRESS, ProtocolEndpoint
from oauth.errors import InvalidRequest
from oauth.infrastructure import rate_limits
from oauth.infrastructure.rate_limits import Limit
from oauth.infrastructure.uris import origin
from oauth.parameters import Parameters
from oauth.resource_server.authentication import presented_in_header, verified_token
from oauth.resource_server.challenges import InvalidToken, NoToken, Refusal
from oauth.resource_server.scopes import require_scopes
from oauth.resource_server.status import require_valid
from oauth.tokens.access_token import AccessToken
from oauth.tokens.claims import AccessTokenClaims

#: The rate limit of a client for one user.
VERIFICATIONS = Limit("verifications", 6000)
#: The value of the parameter `authorization_details` for an API that enforces them.
FORWARDED = "forwarded"


@dataclass(frozen=True, slots=True)
class Requirements:
    """What a request must fulfil, according to the gateway's configuration."""

    audience: str
    scopes: tuple[str, ...]
    #: Whether the API enforces the token's authorization_details (RFC 9396 §9).
    obeys_details: bool


class VerifyEndpoint(ProtocolEndpoint):
    """Handles every method in the same way, because Envoy uses the method of the client's request. CORS preflights are
    the gateway's task.
    """

    endpoint = "verify"

    def get(self, request: HttpRequest, path: str | None = None) -> HttpResponse:
        try:
            needed = _requirements(request, is_appended=path is not None)
            asked = forwarded_request(request, path)
        except InvalidRequest:
            rate_limits.spend(FAILURES_OF_ADDRESS, rate_limits.address_of(request))
            raise
        try:
            token = _verified(asked, needed)
        except Refusal as refusal:
            refusal.resource = needed.audience
            refusal.scopes = needed.scopes
            self.refused_with = str(refusal.default_code)
            return refusal_response(self.endpoint, refusal)
        rate_limits.spend(VERIFICATIONS, token.claims.client_id, token.claims.subject)
        return HttpResponse(headers=identity(token.claims))

    head = post = put = patch = delete = options = get


def _requirements(request: HttpRequest, *, is_appended: bool) -> Requirements:
    """Reads the requirements from the query, or from headers if the query is that of the client's request. Raises
    InvalidRequest.
    """
    if is_appended:
        named = {name: str(request.META.get(f"HTTP_X_VERIFY_{name.upper()}", "")) for name in _NAMES}
        params = Parameters({name: (value,) for name, value in named.items() if value})
    else:
        params = parameters.parse(request.META.get("QUERY_STRING", "").encode("latin-1"), repeatable=frozenset())
    scopes = tuple(params.require("scope").split())
    audience = params.get("audience", "")
    if not audience and len(conf.RESOURCES) == 1:
        [audience] = conf.RESOURCES
    if audience not in conf.RESOURCES:
        raise InvalidRequest(f"audience must be one of {', '.join(conf.RESOURCES)}.")
    details = params.get("authorization_details", "")
    if not scopes or details not in ("", FORWARDED):
        raise InvalidRequest(f"scope must name at least one scope, and authorization_details must be {FORWARDED}.")
    return Requirements(audience, scopes, bool(details))


_NAMES = ("scope", "audience", "authorization_details")


def _verified(request: ForwardedRequest, needed: Requirements) -> AccessToken:
    """Raises a Refusal."""
    presented = presented_in_header(request)
    if presented is None:
        raise NoToken
    urls = addresses.of_path(origin(needed.audience), request.path)
    token = verified_token(request, presented, urls=urls, audiences=[needed.audience])
    require_valid(token.claims)  # ASVS 5.0 10.4.9
    require_scopes(token, needed.scopes)  # ASVS 5.0 10.3.2
    if token.claims.authorization_details and not needed.obeys_details:
        # RFC 9396 §9: an API that does not enforce the limits would allow more than the user did.
        raise InvalidToken("The token is limited by authorization_details, which this API does not support.")
    return token


def identity(claims: AccessTokenClaims) -> dict[str, str]:
    """The headers for the API. All are always present, so that the gateway overwrites headers with these names from the
    client.
    """
    details = [dict(detail) for detail in claims.authorization_details]
    return {
        "X-Auth-Subject": claims.subject,
        #: Empty if the client acts on its own behalf.
        "X-Auth-User": claims.user_id or "",
        "X-Auth-Client": claims.client_id,
        "X-Auth-Scope": " ".join(sorted(claims.scopes)),
        "X-Auth-Expires-At": str(int(claims.expires_at.timestamp())),
        "X-Auth-Acr": claims.acr or "",
        "X-Auth-Time": str(int(claims.auth_time.timestamp())) if claims.auth_time else "",
        "X-Auth-Actor": str(claims.actor.get("sub", "")),
        # base64url of JSON, because a header cannot contain all characters, such as those in names of payees.
        "X-Auth-Details": base64url_encode(json.dumps(details).encode()).decode() if details else "",
    }
