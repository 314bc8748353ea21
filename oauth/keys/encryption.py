"""Secrets at rest: Fernet (AES-CBC with HMAC-SHA-256) under KEY_ENCRYPTION_KEYS, newest first.

Other apps that encrypt secrets under these keys receive `encrypting_anew` and re-encrypt them. Each receiver returns
the number of secrets that it changed.
"""

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.core.exceptions import ImproperlyConfigured
from django.dispatch import Signal

from oauth.keys.policy import policy

encrypting_anew = Signal()
#: Each receiver returns how many of its secrets no configured key can decrypt. `forget` says whether to delete these
#: secrets.
looking_for_lost = Signal()


def _cipher() -> MultiFernet:
    keys = policy.values.encryption_keys
    if not keys:
        raise ImproperlyConfigured('OAUTH["KEY_ENCRYPTION_KEYS"] is empty: secrets are never stored in the clear.')
    return MultiFernet([Fernet(key) for key in keys])


def encrypt(secret: bytes) -> bytes:
    return _cipher().encrypt(secret)


def decrypt(token: bytes) -> bytes:
    """Raises cryptography.fernet.InvalidToken if no configured key can decrypt it."""
    return _cipher().decrypt(token)


def is_lost(token: bytes) -> bool:
    """Whether no key of KEY_ENCRYPTION_KEYS fits."""
    try:
        decrypt(token)
    except InvalidToken:
        return True
    return False


def is_newest(token: bytes) -> bool:
    """Whether it is encrypted under the first of KEY_ENCRYPTION_KEYS, so that it does not need the others."""
    try:
        Fernet(policy.values.encryption_keys[0]).decrypt(token)
    except InvalidToken:
        return False
    return True
