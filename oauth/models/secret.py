"""Secrets that this server issues: 256 random bits, of which only the SHA-256 is stored.

A slow hash protects passwords, which people choose. These secrets cannot be guessed, so a fast hash is enough (ASVS 5.0
11.4.1).
"""

import hashlib
import secrets

from django.db import models


def new_secret() -> str:
    """256 bits as 43 characters of base64url (RFC 6749 §10.10)."""
    return secrets.token_urlsafe(32)


def digest(secret: str) -> bytes:
    """SHA-256 of a secret as sent; 32 bytes."""
    return hashlib.sha256(secret.encode()).digest()


class DigestField(models.BinaryField):  # type: ignore[type-arg]  # takes a parameter in the stubs only
    """The SHA-256 of a secret, unique: looking one up by its digest leaks nothing by timing."""

    def __init__(self, **kwargs: object) -> None:
        super().__init__(**{"max_length": 32, "unique": True, "editable": False, **kwargs})  # type: ignore[arg-type]  # Any keyword of BinaryField
