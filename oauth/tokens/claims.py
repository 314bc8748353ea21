"""The claims of an access token (RFC 9068 §2.2)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class AccessTokenClaims:
    """The claims of an access token that was verified or will be signed.

    `subject` is the user's primary key as text or, without a user, the `client_id` (RFC 9068 §2.2, RFC 9700 §4.15).
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
    #: The position of the token's bit in a status list: {"idx", "uri"} (draft-ietf-oauth-status-list §6).
    status: Mapping[str, Any] = field(default_factory=dict)
    #: The current actor with previous actors nested inside (RFC 8693 §4.1).
    actor: Mapping[str, Any] = field(default_factory=dict)

    @property
    def user_id(self) -> str | None:
        """The user's primary key as text; None if the client acts on its own behalf."""
        return None if self.subject == self.client_id else self.subject

    def to_payload(self) -> dict[str, Any]:
        """The JWT's payload. Omits absent claims, so that no claim is null."""
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
        """The inverse of `to_payload`, for the payload of a verified JWT.

        Raises TypeError or ValueError if a claim is malformed, so that no claim that limits the token (`cnf`, `status`)
        is ignored.
        """
        audience = payload["aud"]
        _number(payload, "nbf")
        details = _typed(payload, "authorization_details", list, [])
        if not all(isinstance(detail, dict) for detail in details):
            raise TypeError("authorization_details")
        confirmation = _typed(payload, "cnf", dict, {})
        status = _typed(_typed(payload, "status", dict, {}), "status_list", dict, {})
        if ("cnf" in payload and not confirmation) or ("status" in payload and not status):
            raise ValueError("empty")
        return cls(
            issuer=_typed(payload, "iss", str, ""),
            subject=_typed(payload, "sub", str, ""),
            audience=(audience,) if isinstance(audience, str) else tuple(audience),
            client_id=_typed(payload, "client_id", str, ""),
            scopes=frozenset(_typed(payload, "scope", str, "").split()),
            issued_at=datetime.fromtimestamp(_number(payload, "iat"), UTC),
            expires_at=datetime.fromtimestamp(_number(payload, "exp"), UTC),
            jti=_typed(payload, "jti", str, ""),
            auth_time=datetime.fromtimestamp(_number(payload, "auth_time"), UTC) if "auth_time" in payload else None,
            acr=_typed(payload, "acr", str, None),
            amr=tuple(str(one) for one in _typed(payload, "amr", list, [])),
            sid=_typed(payload, "sid", str, None),
            authorization_id=_typed(payload, "grant_id", str, None),
            authorization_details=tuple(details),
            confirmation=confirmation,
            status=status,
            actor=_typed(payload, "act", dict, {}),
        )


def _typed(payload: Mapping[str, Any], name: str, kind: type, default: Any) -> Any:
    """The claim or the default. Raises TypeError if the claim has another type."""
    if name not in payload:
        return default
    if not isinstance(payload[name], kind):
        raise TypeError(name)
    return payload[name]


def _number(payload: Mapping[str, Any], name: str) -> float:
    """A NumericDate (RFC 7519 §2), which must be a number but not a boolean."""
    value = payload.get(name, 0)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(name)
    return value
