"""What every grant is given and gives: the request with its proven client, the tokens that come of it."""

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import timezone

from oauth.conf import conf
from oauth.errors import InvalidScope, InvalidTarget
from oauth.models import Authorization, Client, RefreshToken, Session
from oauth.models.client import GrantType
from oauth.models.secret import digest, new_secret
from oauth.parameters import Parameters
from oauth.tokens.claims import AccessTokenClaims
from oauth.tokens.signing import sign_access_token


@dataclass(frozen=True, slots=True)
class GrantRequest:
    client: Client
    params: Parameters


@dataclass(frozen=True, slots=True)
class Issuance:
    """The tokens of a successful token response (RFC 6749 §5.1)."""

    access_token: str
    expires_in_seconds: int
    scopes: frozenset[str]
    refresh_token: str | None = None
    id_token: str | None = None
    token_type: str = "Bearer"

    def to_response(self) -> dict[str, str | int]:
        body: dict[str, str | int] = {
            "access_token": self.access_token,
            "token_type": self.token_type,
            "expires_in": self.expires_in_seconds,
            "scope": " ".join(sorted(self.scopes)),
        }
        if self.refresh_token:
            body["refresh_token"] = self.refresh_token
        if self.id_token:
            body["id_token"] = self.id_token
        return body


def access_token(
    client: Client,
    *,
    scopes: Iterable[str],
    resources: Iterable[str],
    authorization: Authorization | None = None,
    session: Session | None = None,
    not_after: datetime | None = None,
) -> tuple[str, timedelta]:
    """A signed access token and how long it lives; of a user where `authorization` and `session` are given."""
    now = timezone.now()
    expires_at = now + (client.access_token_lifetime or conf.ACCESS_TOKEN_LIFETIME)
    if not_after is not None:
        expires_at = min(expires_at, not_after)
    claims = AccessTokenClaims(
        issuer=conf.ISSUER,
        subject=str(authorization.user_id) if authorization else client.client_id,
        audience=tuple(resources),
        client_id=client.client_id,
        scopes=frozenset(scopes),
        issued_at=now,
        expires_at=expires_at,
        jti=secrets.token_urlsafe(16),
        auth_time=session.auth_time if session else None,
        acr=session.acr if session else None,
        amr=tuple(session.amr) if session else (),
        sid=str(session.id) if session else None,
        authorization_id=str(authorization.id) if authorization else None,
    )
    return sign_access_token(claims), expires_at - now


def new_refresh_token(
    authorization: Authorization,
    session: Session,
    *,
    scopes: Iterable[str],
    resources: Iterable[str],
    replaces: RefreshToken | None = None,
) -> str:
    """Stores the digest of a new refresh token and returns the token itself, known only now."""
    token = new_secret()
    now = timezone.now()
    RefreshToken.objects.create(
        token_digest=digest(token),
        authorization=authorization,
        session=session,
        scopes=sorted(scopes),
        resources=list(resources),
        generation=replaces.generation + 1 if replaces else 0,
        replaces=replaces,
        created_at=now,
        # Idle expiry (RFC 9700 §4.14.2), never past the absolute one (ASVS 5.0 10.4.8).
        expires_at=min(now + conf.REFRESH_TOKEN_IDLE_LIFETIME, authorization.expires_at),
    )
    return token


def may_refresh(client: Client) -> bool:
    return client.allows_grant_type(GrantType.REFRESH_TOKEN)


def narrowed_scopes(asked: str | None, allowed: Iterable[str]) -> frozenset[str]:
    """The scopes asked for, all where none are. Raises InvalidScope beyond `allowed` (RFC 6749 §3.3)."""
    allowed = frozenset(allowed)
    if asked is None:
        return allowed
    wanted = frozenset(asked.split())
    if not wanted or not wanted <= allowed:
        raise InvalidScope("The scope asks for more than is allowed here.", detail=f"asked {sorted(wanted - allowed)}")
    return wanted


def narrowed_resources(asked: tuple[str, ...], allowed: Iterable[str]) -> tuple[str, ...]:
    """The resources asked for, all where none are. Raises InvalidTarget beyond `allowed` (RFC 8707 §2)."""
    allowed = tuple(allowed)
    if not asked:
        return allowed
    if not set(asked) <= set(allowed):
        raise InvalidTarget("The resource is unknown or not allowed here.")
    return tuple(dict.fromkeys(asked))
