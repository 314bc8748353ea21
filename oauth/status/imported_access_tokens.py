"""Access tokens of another server: opaque, found by their digest until they expire.

`find` turns one into the claims that this server would have signed, so that it ends as any access token does: with its
authorization, its client or its user. A token of this server is a JWT and is never looked up here.

A resource server of the same site accepts them with OAUTH["OPAQUE_TOKENS"]. Without it, it refuses them, and the client
refreshes.
"""

from django.utils import timezone

from oauth.models import ImportedAccessToken
from oauth.models.secret import digest
from oauth.status import liveness, published_lists
from oauth.tokens import status_list
from oauth.tokens.claims import AccessTokenClaims


def find(token: str) -> AccessTokenClaims | None:
    """Returns None if the token is unknown or has expired. The caller must check with `liveness` or the status list
    whether it was ended.
    """
    rows = ImportedAccessToken.objects.select_related("authorization", "client")
    row = rows.filter(token_digest=digest(token), expires_at__gt=timezone.now()).first()
    if row is None:
        return None
    client, authorization, issuer = row.client, row.authorization, published_lists.policy.values.issuer
    index = authorization.status_index if authorization else client.status_index
    return AccessTokenClaims(
        issuer=issuer,
        subject=str(authorization.user_id) if authorization else client.client_id,
        audience=tuple(row.resources),
        client_id=client.client_id,
        # ASVS 5.0 10.4.11: an admin may have taken a scope from the client since.
        scopes=frozenset(row.scopes) & frozenset(client.allowed_scopes),
        issued_at=row.created_at,
        expires_at=row.expires_at,
        jti=f"imported-{row.pk}",
        auth_time=authorization.auth_time if authorization else None,
        authorization_id=str(authorization.pk) if authorization else None,
        status=status_list.reference(index, issuer=issuer),
    )


def find_live(token: str) -> AccessTokenClaims | None:
    """OAUTH["OPAQUE_TOKENS"] of a resource server of the same site: None also for a token that has ended."""
    claims = find(token)
    return claims if claims is not None and liveness.authority(claims) is not None else None


def end_own(token: str) -> None:
    """Forgets a token of a client that acts for itself, which has no authorization to revoke (RFC 7009 §2.1)."""
    ImportedAccessToken.objects.filter(token_digest=digest(token), authorization=None).delete()
