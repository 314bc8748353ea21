"""Private keys at rest: Fernet (AES-CBC with HMAC-SHA-256) under KEY_ENCRYPTION_KEYS, newest first."""

from cryptography.fernet import Fernet, MultiFernet
from django.core.exceptions import ImproperlyConfigured

from oauth.conf import conf


def _cipher() -> MultiFernet:
    if not conf.KEY_ENCRYPTION_KEYS:
        raise ImproperlyConfigured('OAUTH["KEY_ENCRYPTION_KEYS"] is empty: private keys are never stored in the clear.')
    return MultiFernet([Fernet(key) for key in conf.KEY_ENCRYPTION_KEYS])


def encrypt(private_key_pem: bytes) -> bytes:
    return _cipher().encrypt(private_key_pem)


def decrypt(token: bytes) -> bytes:
    """Raises cryptography.fernet.InvalidToken where no configured key fits."""
    return _cipher().decrypt(token)
