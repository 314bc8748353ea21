"""What an access token says (RFC 9068 §2.2), as data."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class AccessTokenClaims:
    """The claims of a verified or to-be-signed access token.

    `subject` is the user's primary key as text or, where no user takes part, the `client_id`
    (RFC 9068 §2.2, RFC 9700 §4.15).
    """

    issuer: str
    subject: str
    audience: tuple[str, ...]
    client_id: str
    scopes: frozenset[str]
    issued_at: datetime
    expires_at: datetime
    jti: str
    auth_time: datetime | None = None
    acr: str | None = None
    amr: tuple[str, ...] = ()
    sid: str | None = None
    authorization_id: str | None = None
    authorization_details: tuple[Mapping[str, Any], ...] = ()
    confirmation: Mapping[str, str] = field(default_factory=dict)
    #: Where its bit is in the status list: {"idx", "uri"} (draft-ietf-oauth-status-list §6).
    status: Mapping[str, Any] = field(default_factory=dict)
    #: Who acts for the subject (RFC 8693 §4.1), the latest outermost.
    actor: Mapping[str, Any] = field(default_factory=dict)

    @property
    def user_id(self) -> str | None:
        """The user's primary key as text, None for a client acting for itself."""
        return None if self.subject == self.client_id else self.subject

    def to_payload(self) -> dict[str, Any]:
        """The JWT's payload; what is absent is left out, no claim is null."""
        optional = {
            "auth_time": self.auth_time and int(self.auth_time.timestamp()),
            "acr": self.acr,
            "amr": list(self.amr),
            "sid": self.sid,
            "grant_id": self.authorization_id,
            "authorization_details": [dict(detail) for detail in self.authorization_details],
            "cnf": dict(self.confirmation),
            "status": {"status_list": dict(self.status)} if self.status else None,
            "act": dict(self.actor),
        }
        return {
            "iss": self.issuer,
            "sub": self.subject,
            "aud": self.audience[0] if len(self.audience) == 1 else list(self.audience),
            "client_id": self.client_id,
            "scope": " ".join(sorted(self.scopes)),
            "iat": int(self.issued_at.timestamp()),
            "exp": int(self.expires_at.timestamp()),
            "jti": self.jti,
        } | {name: value for name, value in optional.items() if value}

    @classmethod
    def from_payload(cls, payload: Mapping[str, Any]) -> "AccessTokenClaims":
        """The inverse of `to_payload`, for a payload whose signature and form were verified."""
        audience = payload["aud"]
        return cls(
            issuer=payload["iss"],
            subject=payload["sub"],
            audience=(audience,) if isinstance(audience, str) else tuple(audience),
            client_id=payload["client_id"],
            scopes=frozenset(payload.get("scope", "").split()),
            issued_at=datetime.fromtimestamp(payload["iat"], UTC),
            expires_at=datetime.fromtimestamp(payload["exp"], UTC),
            jti=payload["jti"],
            auth_time=datetime.fromtimestamp(payload["auth_time"], UTC) if "auth_time" in payload else None,
            acr=payload.get("acr"),
            amr=tuple(payload.get("amr", ())),
            sid=payload.get("sid"),
            authorization_id=payload.get("grant_id"),
            authorization_details=tuple(payload.get("authorization_details", ())),
            confirmation=_object(payload, "cnf"),
            status=_object(_object(payload, "status"), "status_list"),
            actor=_object(payload, "act"),
        )


def _object(payload: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """Raises TypeError where the claim is there and is no object."""
    value = payload.get(name, {})
    if not isinstance(value, dict):
        raise TypeError(name)
    return value
