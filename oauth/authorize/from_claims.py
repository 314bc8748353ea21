"""Looks up or ends the authorization of an access token, for a resource server on the same site."""

from oauth.models import Authorization
from oauth.resource_server.authorization import AuthorizationSummary, InsufficientRight
from oauth.resource_server.challenges import InsufficientScope, InvalidToken
from oauth.status import liveness
from oauth.tokens.claims import AccessTokenClaims


def find(claims: AccessTokenClaims) -> AuthorizationSummary | None:
    """None if the authorization has ended. If the client acts on its own behalf, the summary comes from the token."""
    authority = liveness.authority(claims)
    if authority is None:
        return None
    client, authorization = authority.client, authority.authorization
    if authorization is None:
        return AuthorizationSummary(
            client.client_id,
            client.name,
            not client.is_public,
            sorted(authority.still_allowed(claims.scopes)),
            (),
            claims.issued_at,
            claims.expires_at,
        )
    return AuthorizationSummary(
        client_id=client.client_id,
        client_name=client.name,
        is_confidential=not client.is_public,
        scopes=sorted(authority.still_allowed(authorization.scopes)),
        authorization_details=authorization.authorization_details,
        granted_at=authorization.created_at,
        expires_at=authorization.expires_at,
        allowed_client_id=authorization.client.client_id,
    )


# `oauth.resource_server` must not import this package, so it gets this function through the setting AUTHORIZATION_OF.
find.is_client_disabled = liveness.is_client_disabled  # type: ignore[attr-defined]  # attribute of a function


def end(claims: AccessTokenClaims) -> None:
    """Ends the authorization and all its tokens at the client's request, like RFC 7009. Does nothing if the client acts
    on its own behalf.

    Raises InvalidToken if the authorization has already ended, and InsufficientRight or InsufficientScope if this token
    must not end it.
    """
    authority = liveness.authority(claims)
    if authority is None:
        raise InvalidToken("The authorization behind this token has ended.")
    authorization = authority.authorization
    if authorization is None:
        return
    # RFC 8693 §4.1: a service that exchanged a token acts for the user, but the user has not allowed it to end
    # authorizations.
    if claims.actor or not authority.is_of_the_allowed_client:
        raise InsufficientRight
    # A token with fewer scopes than the authorization must not end it.
    if missing := {*authorization.scopes} & {*authority.client.allowed_scopes} - claims.scopes:
        raise InsufficientScope(sorted(missing))
    authorization.revoke(Authorization.RevocationReason.CLIENT)
