"""Plans the rows for DOT's tokens: an authorization for each token family, with its refresh and access tokens.

A family is live if DOT would still refresh it. Using a refresh token that DOT has superseded or revoked ends the
family, because somebody else may hold its successor (RFC 9700 §4.14.2).
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

_NAMESPACE = UUID("d07a11ce-0000-5000-8000-000000000000")


@dataclass(frozen=True, slots=True)
class Authority:
    """The fields of an Authorization that a user gave to an application of the old server.

    DOT does not record when the user logged in. `auth_time` is the creation of the application, which cannot be later
    than the login, so a request that requires a recent login is refused.
    """

    id: UUID
    user: Any
    client: int
    scopes: str
    resources: str
    auth_time: datetime
    created_at: datetime
    expires_at: datetime
    #: What DOT's consent page showed about the client, as JSON; None if the consent is not remembered.
    consent_about: str | None


@dataclass(frozen=True, slots=True)
class Adopted:
    """A refresh token. `ended_at` is when DOT superseded or revoked it."""

    digest: bytes
    authorization: UUID
    scopes: str
    resources: str
    created_at: datetime
    expires_at: datetime
    ended_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class OldAccessToken:
    """`authorization` is None if the client acts on its own behalf."""

    digest: bytes
    client: int
    authorization: UUID | None
    scopes: str
    resources: str
    created_at: datetime
    expires_at: datetime


def family_id(source: str, token: Any) -> UUID:
    """The authorization's ID, shared by all refresh tokens of a family. A token of a DOT release without families is
    its own family.
    """
    return uuid5(_NAMESPACE, f"{source} family {token.token_family or f'of {token.pk}'}")


def lone_id(source: str, access_token: Any) -> UUID:
    """The authorization's ID for a user's access token that has no refresh token."""
    return uuid5(_NAMESPACE, f"{source} access token {access_token.pk}")


def checksum(token: Any) -> bytes:
    """The SHA-256 hash of the token, which this server also stores. Raises ValueError unless DOT's checksum has 32
    bytes.
    """
    digest = bytes.fromhex(token.token_checksum)
    if len(digest) != 32:
        raise ValueError(token.pk)
    return digest
