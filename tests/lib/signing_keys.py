"""The site's private keys, which only tests read from the table."""

from cryptography.hazmat.primitives.serialization import load_pem_private_key

from oauth import keys
from oauth.keys import encryption
from oauth.models import SigningKey


def private_key(algorithm="ES256"):
    """The private part of the key that signs now."""
    row = SigningKey.objects.get(kid=keys.signing_key(algorithm).kid)
    return load_pem_private_key(encryption.decrypt(bytes(row.private_key_encrypted)), password=None)
