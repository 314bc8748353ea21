"""Secrets that this server issues: 256 random bits, of which only the SHA-256 is stored.

A slow hash protects passwords, which people choose. These secrets cannot be guessed, so a fast hash is enough (ASVS 5.0
11.4.1).
"""

import hashlib
import secrets

from django.db import models


def new_secret() -> str:
    """256 bits as 43 characters of base64url (RFC 6749 §10.10)."""
    return random_text(32)


def random_text(size: int) -> str:
    """`size` random bytes as base64url. The first character is not `-`, which a command would take for an option."""
    while (text := secrets.token_urlsafe(size)).startswith("-"):
        pass
    return text


def digest(secret: str) -> bytes:
    """SHA-256 of a secret as sent; 32 bytes."""
    return hashlib.sha256(secret.encode()).digest()


class DigestField(models.BinaryField):  # type: ignore[type-arg]  # takes a parameter in the stubs only
    """The SHA-256 of a secret, unique: looking one up by its digest leaks nothing by timing."""

    def __init__(self, **kwargs: object) -> None:
        super().__init__(**{"max_length": 32, "unique": True, "editable": False, **kwargs})  # type: ignore[arg-type]  # Any keyword of BinaryField
