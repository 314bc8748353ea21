"""The format of a refresh token, which contains a secret of its family and its own secret.

All tokens of a family share a secret, of which the database has the digest. So an old token identifies its family even
after its row was deleted, and reuse is detected (RFC 9700 §4.14.2) without a row for each rotation. Only somebody who
had a token of the family can forge one. Only the token's own 256 random bits give access.
"""

import base64
import binascii
import hashlib
import secrets
from dataclasses import dataclass
from uuid import UUID

_FAMILY, _OWN, _CHECK = 16, 32, 4  # in bytes, after the 16 bytes of the authorization's ID
_BYTES = 16 + _FAMILY + _OWN + _CHECK


@dataclass(frozen=True, slots=True)
class FamilySecret:
    """The secret of one family of one authorization."""

    authorization_id: UUID
    secret: bytes

    @classmethod
    def new(cls, authorization_id: UUID) -> "FamilySecret":
        return cls(authorization_id, secrets.token_bytes(_FAMILY))

    @classmethod
    def read(cls, token: str) -> "FamilySecret | None":
        """None for a token of an earlier release or another server, or one that was damaged: because of the checksum, a
        truncated token does not count as reuse.
        """
        try:
            raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            return None
        # Refuse other encodings: the last character has two unused bits.
        if len(raw) != _BYTES or not secrets.compare_digest(_encoded(raw), token):
            return None
        if not secrets.compare_digest(raw[-_CHECK:], _checksum(raw[:-_CHECK])):
            return None
        return cls(UUID(bytes=raw[:16]), raw[16 : 16 + _FAMILY])

    @property
    def digest(self) -> bytes:
        return hashlib.sha256(self.authorization_id.bytes + self.secret).digest()

    def new_token(self) -> str:
        """91 characters of base64url."""
        body = self.authorization_id.bytes + self.secret + secrets.token_bytes(_OWN)
        return _encoded(body + _checksum(body))


def _encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _checksum(body: bytes) -> bytes:
    return hashlib.sha256(body).digest()[:_CHECK]
