"""The grant management endpoint (FAPI Grant Management for OAuth 2.0 §6): a client reads or revokes a grant by the
`grant_id` of the token response.
"""

from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse, JsonResponse
from rest_framework.exceptions import NotFound

from oauth.endpoints.own_resource import access_token, answers_refusals
from oauth.endpoints.protocol import ProtocolEndpoint
from oauth.infrastructure import rate_limits
from oauth.infrastructure.rate_limits import Limit
from oauth.models import Authorization
from oauth.resource_server.authorization import InsufficientRight
from oauth.resource_server.challenges import InsufficientScope, InvalidToken
from oauth.status import liveness

QUERY, REVOKE = "grant_management_query", "grant_management_revoke"


class GrantEndpoint(ProtocolEndpoint):
    """The response for a grant of another client, or one that has ended, is 404 (§6.6)."""

    endpoint = "grants"
    limit = Limit("requests", 600)
    http_method_names = ["get", "head", "delete"]

    @answers_refusals
    def get(self, request: HttpRequest, grant_id: str) -> HttpResponse:
        return JsonResponse(_shown(_own(request, grant_id, QUERY)))

    @answers_refusals
    def delete(self, request: HttpRequest, grant_id: str) -> HttpResponse:
        """§6.4: ends the grant, its refresh tokens and, through the status list, its access tokens."""
        authorization = _own(request, grant_id, REVOKE)
        authorization.revoke(Authorization.RevocationReason.CLIENT)
        response = HttpResponse(status=204)
        del response["Content-Type"]
        return response


def _own(request: HttpRequest, grant_id: str, scope: str) -> Authorization:
    """The live grant, which must be that of the token's client. Raises an APIException."""
    claims = access_token(request).claims
    authority = liveness.authority(claims)
    if authority is None:
        raise InvalidToken
    rate_limits.spend(GrantEndpoint.limit, GrantEndpoint.endpoint, claims.client_id, claims.subject)
    if scope not in authority.still_allowed(claims.scopes):
        raise InsufficientScope([scope])
    if claims.actor:
        # RFC 8693 §4.1: a service that acts for the user must not manage the user's grants.
        raise InsufficientRight
    try:
        grant = liveness.authority(liveness.Named(claims.client_id, UUID(grant_id)))
    except ValueError:
        grant = None
    if grant is None or grant.authorization is None or not grant.is_of_the_allowed_client:
        raise NotFound
    if claims.user_id not in (None, str(grant.authorization.user_id)):
        raise NotFound  # a user's token must not manage another user's grants
    return grant.authorization


def _shown(authorization: Authorization) -> dict[str, Any]:
    """§6.3: the grant in the response."""
    names = {name for names in authorization.claims.values() for name in names}
    return {
        "scopes": [{"scope": " ".join(sorted(authorization.scopes)), "resources": list(authorization.resources)}],
        "claims": sorted(names),
        "authorization_details": authorization.authorization_details,
    }
