"""The site's private keys, which only tests read from the table, and the time after an emergency rotation."""

from collections.abc import Iterator
from contextlib import contextmanager

import time_machine
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from django.utils import timezone

from oauth import keys
from oauth.keys import encryption
from oauth.models import SigningKey
from oauth.models.signing_key import EMERGENCY_GRACE


def private_key(algorithm="ES256"):
    """The private part of the key that signs now."""
    row = SigningKey.objects.get(kid=keys.signing_key(algorithm).kid)
    return load_pem_private_key(encryption.decrypt(bytes(row.private_key_encrypted)), password=None)


@contextmanager
def after_an_emergency() -> Iterator[None]:
    """Context manager: inside it, the keys that were just replaced in an emergency are no longer published."""
    with time_machine.travel(timezone.now() + EMERGENCY_GRACE):
        keys.ring.forget()
        yield
    keys.ring.forget()
