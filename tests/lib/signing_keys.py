"""Our own private keys, which only tests take out of the table."""

from cryptography.hazmat.primitives.serialization import load_pem_private_key

from oauth import keys
from oauth.keys import encryption
from oauth.models import SigningKey


def private_key(algorithm="ES256"):
    """Of the key that signs now."""
    row = SigningKey.objects.get(kid=keys.signing_key(algorithm).kid)
    return load_pem_private_key(encryption.decrypt(bytes(row.private_key_encrypted)), password=None)
