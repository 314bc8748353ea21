"""Encrypts secrets at rest with Fernet (AES-CBC with HMAC-SHA-256) and KEY_ENCRYPTION_KEYS, newest first.

Apps that encrypt secrets with these keys must receive `encrypting_anew`, re-encrypt their secrets and return how many
they changed.
"""

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.core.exceptions import ImproperlyConfigured
from django.dispatch import Signal

from oauth.keys.policy import policy

encrypting_anew = Signal()
#: Receivers must return how many of their secrets no configured key can decrypt and, with `forget`, delete these
#: secrets.
looking_for_lost = Signal()


def _cipher() -> MultiFernet:
    keys = policy.values.encryption_keys
    if not keys:
        raise ImproperlyConfigured('OAUTH["KEY_ENCRYPTION_KEYS"] is empty, but secrets must be stored encrypted.')
    return MultiFernet([Fernet(key) for key in keys])


def encrypt(secret: bytes) -> bytes:
    return _cipher().encrypt(secret)


def decrypt(token: bytes) -> bytes:
    """Raises cryptography.fernet.InvalidToken if no configured key can decrypt it."""
    return _cipher().decrypt(token)


def is_lost(token: bytes) -> bool:
    """Whether no key of KEY_ENCRYPTION_KEYS can decrypt the token."""
    try:
        decrypt(token)
    except InvalidToken:
        return True
    return False


def is_newest(token: bytes) -> bool:
    """Whether the token is encrypted with the first of KEY_ENCRYPTION_KEYS."""
    try:
        Fernet(policy.values.encryption_keys[0]).decrypt(token)
    except InvalidToken:
        return False
    return True
