"""Looks up a presented token: its kind, its client and user, and whether it is still active."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils import timezone

from oauth.models import Authorization, RefreshToken
from oauth.resource_server.authentication import verify_access_token
from oauth.status import imported_access_tokens, liveness
from oauth.status.liveness import Authority
from oauth.tokens.claims import AccessTokenClaims
from oauth.tokens.verification import InvalidJWT
from oauth.wiring import token_policy


@dataclass(frozen=True, slots=True)
class PresentedToken:
    """`claims` are those of RFC 7662 §2.2. `authority` is None if the authorization has ended.

    `is_usable` is False for a refresh token that is itself invalid, although its authorization may be live.
    `is_imported` is True for an access token that an earlier server issued.
    """

    client_id: str
    token_type: str | None
    claims: Mapping[str, Any]
    scopes: frozenset[str]
    authority: Authority | None
    is_usable: bool = True
    is_imported: bool = False

    @property
    def is_exchanged(self) -> bool:
        """Whether the token is from token exchange (RFC 8693): the user allowed another client, or the token has an
        actor.
        """
        is_anothers = self.authority is not None and not self.authority.is_of_the_allowed_client
        return "act" in self.claims or is_anothers

    @property
    def authorization(self) -> Authorization | None:
        """The live authorization of a user; None if the client acts on its own behalf."""
        return self.authority.authorization if self.authority else None


def identify(token: str) -> PresentedToken | None:
    """Looks up a token; None if this server never issued it. The format shows the kind of token, so no token_type_hint
    is needed.

    Looks for imported access tokens only if the token is neither a JWT nor a refresh token.
    """
    return _access_token(token) if token.count(".") == 2 else _refresh_token(token) or _imported(token)


def _access_token(token: str) -> PresentedToken | None:
    try:
        claims = verify_access_token(token, audiences=token_policy().audiences).claims
    except InvalidJWT:
        return None
    return _of_claims(claims)


def _imported(token: str) -> PresentedToken | None:
    claims = imported_access_tokens.find(token)
    return _of_claims(claims, is_imported=True) if claims else None


def _of_claims(claims: AccessTokenClaims, *, is_imported: bool = False) -> PresentedToken:
    token_type = "DPoP" if "jkt" in claims.confirmation else "Bearer"  # RFC 9449 §6.2, RFC 8705 §3.2
    authority = liveness.authority(claims)
    return PresentedToken(
        claims.client_id, token_type, claims.to_payload(), claims.scopes, authority, is_imported=is_imported
    )


def _refresh_token(token: str) -> PresentedToken | None:
    row, is_there = RefreshToken.by_token(token), True
    if row is None:
        # RFC 7009 §2.1: a client may revoke its access with a token that was superseded long ago.
        row, is_there = RefreshToken.of_family(token), False
    if row is None:
        return None
    authorization = row.authorization
    scopes = frozenset(row.scopes)
    is_usable = is_there and row.revoked_at is None and row.superseded_at is None and row.expires_at > timezone.now()
    client_id = authorization.client.client_id
    authority = liveness.authority(liveness.Named(client_id, authorization.pk), read=authorization)
    claims = {
        "iss": token_policy().issuer,
        "sub": str(authorization.user_id),
        "aud": row.resources,
        "client_id": client_id,
        "scope": " ".join(sorted(scopes)),
        "iat": int(row.created_at.timestamp()),
        "exp": int(row.expires_at.timestamp()),
    }
    if authorization.authorization_details:
        claims["authorization_details"] = authorization.authorization_details  # RFC 9396 §9.2
    return PresentedToken(client_id, None, claims, scopes, authority, is_usable=is_usable)
