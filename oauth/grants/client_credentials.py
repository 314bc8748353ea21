"""The client credentials grant (RFC 6749 §4.4): a client acting for itself. No row is written."""

from oauth.conf import conf
from oauth.errors import InvalidAuthorizationDetails, InvalidScope, UnauthorizedClient
from oauth.grants import entitlement, issuance
from oauth.grants.issuance import GrantRequest, Issuance

# What only a person can allow about themselves.
_NEEDS_A_USER = frozenset({"openid", "profile", "email", "offline_access"})


def client_credentials(request: GrantRequest) -> Issuance:
    client, params = request.client, request.params
    if client.is_public:
        raise UnauthorizedClient("A public client cannot act for itself (RFC 6749 §4.4).")
    if "authorization_details" in params:
        # RFC 9396 §5: what only a person can allow is refused, never passed over.
        raise InvalidAuthorizationDetails("Details are for a person to allow.")
    # ASVS 5.0 10.4.11.
    allowed = frozenset(client.allowed_scopes) - _NEEDS_A_USER
    if not allowed:
        raise InvalidScope("This client has no scopes allowed for client_credentials.")
    scopes = entitlement.scopes(params.get("scope"), allowed, client)
    resources = entitlement.resources(params.all("resource"), client.allowed_resources or tuple(conf.RESOURCES), client)
    access_token, lifetime = issuance.access_token(
        client, scopes=scopes, resources=resources, confirmation=request.confirmation
    )
    return Issuance(
        access_token=access_token,
        expires_in_seconds=int(lifetime.total_seconds()),
        scopes=scopes,
        confirmation=request.confirmation,
    )
