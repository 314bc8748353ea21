"""Opaque access tokens of another server, looked up by their digest until they expire.

`find` returns the claims that this server would have signed, so that the token ends like any other: with its
authorization, its client or its user. This server's own tokens are JWTs and are never looked up here.

A resource server of the same site accepts them only with OAUTH["OPAQUE_TOKENS"]; otherwise clients must refresh.
"""

from django.utils import timezone

from oauth.models import ImportedAccessToken
from oauth.models.secret import digest
from oauth.status import liveness, published_lists
from oauth.tokens import status_list
from oauth.tokens.claims import AccessTokenClaims


def find(token: str) -> AccessTokenClaims | None:
    """The claims of a token; None if the token is unknown or has expired. The caller must check with `liveness` or the
    status list whether it was revoked.
    """
    rows = ImportedAccessToken.objects.select_related("authorization", "client")
    row = rows.filter(token_digest=digest(token), expires_at__gt=timezone.now()).first()
    if row is None:
        return None
    client, authorization, issuer = row.client, row.authorization, published_lists.policy.values.issuer
    index = authorization.status_index if authorization else client.status_index
    # ASVS 5.0 10.4.11: only scopes that the client is still allowed and that the user still allows.
    scopes = frozenset(row.scopes) & frozenset(client.allowed_scopes)
    if authorization:
        scopes &= frozenset(authorization.scopes)
    return AccessTokenClaims(
        issuer=issuer,
        subject=str(authorization.user_id) if authorization else client.client_id,
        audience=tuple(row.resources),
        client_id=client.client_id,
        scopes=scopes,
        issued_at=row.created_at,
        expires_at=row.expires_at,
        jti=f"imported-{row.pk}",
        auth_time=authorization.auth_time if authorization else None,
        authorization_id=str(authorization.pk) if authorization else None,
        # The user may have limited the authorization since. Unlike a JWT, this token is read again for each request.
        authorization_details=tuple(authorization.authorization_details) if authorization else (),
        status=status_list.reference(index, issuer=issuer),
    )


def find_live(token: str) -> AccessTokenClaims | None:
    """A function for OAUTH["OPAQUE_TOKENS"] of a resource server of the same site. Returns None also for a revoked
    token.
    """
    claims = find(token)
    return claims if claims is not None and liveness.authority(claims) is not None else None


def end_own(token: str) -> None:
    """Deletes a client_credentials token, which has no authorization to revoke (RFC 7009 §2.1)."""
    ImportedAccessToken.objects.filter(token_digest=digest(token), authorization=None).delete()
