"""Plans the rows for the tokens of DOT: an authorization for each token family, its refresh tokens, its access tokens.

A family is alive if DOT would refresh it now. A refresh token that DOT has replaced or revoked stays so, and its use
ends the family here, because somebody else may hold its successor (RFC 9700 §4.14.2).
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

_NAMESPACE = UUID("d07a11ce-0000-5000-8000-000000000000")


@dataclass(frozen=True, slots=True)
class Authority:
    """The fields of an Authorization for what a user allowed an application of the old server.

    DOT does not record when the user logged in. `auth_time` is when the application was made, which is never later than
    the login, so a request that needs a fresh login is refused.
    """

    id: UUID
    user: Any
    client: int
    scopes: str
    resources: str
    auth_time: datetime
    created_at: datetime
    expires_at: datetime
    #: The facts that a page of DOT showed about the client, as JSON; None if nothing is remembered.
    consent_about: str | None


@dataclass(frozen=True, slots=True)
class Adopted:
    """A refresh token. `ended_at` is when DOT replaced or revoked it."""

    digest: bytes
    authorization: UUID
    scopes: str
    resources: str
    created_at: datetime
    expires_at: datetime
    ended_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class OldAccessToken:
    """`authorization` is None for a client that acts for itself."""

    digest: bytes
    client: int
    authorization: UUID | None
    scopes: str
    resources: str
    created_at: datetime
    expires_at: datetime


def family_id(source: str, token: Any) -> UUID:
    """An id that all refresh tokens of a family share. A token from a release without families is a family of its
    own.
    """
    return uuid5(_NAMESPACE, f"{source} family {token.token_family or f'of {token.pk}'}")


def lone_id(source: str, access_token: Any) -> UUID:
    """The id for a user's access token that has no refresh token."""
    return uuid5(_NAMESPACE, f"{source} access token {access_token.pk}")


def checksum(token: Any) -> bytes:
    """SHA-256 of the token as sent, as this server stores it; 32 bytes. Raises ValueError if it is malformed."""
    digest = bytes.fromhex(token.token_checksum)
    if len(digest) != 32:
        raise ValueError(token.pk)
    return digest
