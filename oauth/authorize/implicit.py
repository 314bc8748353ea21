"""The implicit flow (RFC 6749 §4.2), which is off unless both the site and the client allow it."""

from oauth.authorize.request import AuthorizationRequest
from oauth.grants import entitlement, issuance
from oauth.models import Authorization
from oauth.wiring import token_policy


def token_parameters(authorization: Authorization, request: AuthorizationRequest) -> dict[str, str]:
    """§4.2.2: a short-lived access token for the fragment, without a refresh token."""
    client = authorization.client
    scopes = entitlement.scopes(None, request.scopes, client)
    token, lifetime = issuance.access_token(
        client,
        token_policy(),
        scopes=scopes,
        resources=entitlement.resources((), request.resources, client),
        authorization=authorization,
        confirmation={},
    )
    return {
        "access_token": token,
        "token_type": "Bearer",
        "expires_in": str(int(lifetime.total_seconds())),
        "scope": " ".join(sorted(scopes)),
    }
