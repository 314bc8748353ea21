"""Secrets that this server issues: 256 random bits, of which only the SHA-256 hash is stored.

Unlike passwords, these secrets cannot be guessed, so a fast hash is sufficient (ASVS 5.0 11.4.1).
"""

import hashlib
import secrets

from django.db import models


def new_secret() -> str:
    """256 bits as 43 characters of base64url (RFC 6749 §10.10)."""
    return random_text(32)


def random_text(size: int) -> str:
    """`size` random bytes as base64url. Never begins with `-`, which a command would treat as an option."""
    while (text := secrets.token_urlsafe(size)).startswith("-"):
        pass
    return text


def digest(secret: str) -> bytes:
    """The SHA-256 hash (32 bytes) of a secret as sent."""
    return hashlib.sha256(secret.encode()).digest()


class DigestField(models.BinaryField):  # type: ignore[type-arg]  # takes a parameter in the stubs only
    """The SHA-256 hash of a secret. Looking up a secret by its hash leaks nothing through timing."""

    def __init__(self, **kwargs: object) -> None:
        super().__init__(**{"max_length": 32, "unique": True, "editable": False, **kwargs})  # type: ignore[arg-type]  # Any keyword of BinaryField
