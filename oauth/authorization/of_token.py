"""The authorization that an access token names: looked up and ended, for a resource server of the same site."""

from oauth.models import Authorization
from oauth.resource_server.authorization import AuthorizationSummary
from oauth.tokens import liveness
from oauth.tokens.claims import AccessTokenClaims


def find(claims: AccessTokenClaims) -> AuthorizationSummary | None:
    """Of a client that acts for itself, what the token says; None where it has ended."""
    authority = liveness.authority(claims)
    if authority is None:
        return None
    client, authorization = authority.client, authority.authorization
    if authorization is None:
        return AuthorizationSummary(
            client.client_id,
            client.name,
            not client.is_public,
            sorted(claims.scopes),
            (),
            claims.issued_at,
            claims.expires_at,
        )
    return AuthorizationSummary(
        client_id=client.client_id,
        client_name=client.name,
        is_confidential=not client.is_public,
        # ASVS 5.0 10.4.11: within what the client may have now.
        scopes=sorted({*authorization.scopes} & {*client.allowed_scopes}),
        authorization_details=authorization.authorization_details,
        granted_at=authorization.created_at,
        expires_at=authorization.expires_at,
    )


def end(claims: AccessTokenClaims) -> None:
    """The client gives it back (RFC 7009's effect): every token of it is over. A client's own has nothing to end."""
    if claims.authorization_id is not None:
        Authorization.objects.filter(pk=claims.authorization_id).revoke(Authorization.RevocationReason.CLIENT)
