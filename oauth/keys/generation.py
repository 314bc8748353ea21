"""Generates signing keys."""

from typing import Any

from django.db import connection, transaction
from django.utils import timezone
from jwcrypto.jwk import JWK

from oauth.keys import encryption, stores
from oauth.keys.policy import policy
from oauth.models import SigningKey

# JWS algorithm -> parameters of JWK.generate (RFC 7518 §3.1, RFC 8037 §3.1).
_PARAMETERS: dict[str, dict[str, Any]] = {
    "ES256": {"kty": "EC", "crv": "P-256"},
    "EdDSA": {"kty": "OKP", "crv": "Ed25519"},
    "PS256": {"kty": "RSA", "size": 2048},
    "RS256": {"kty": "RSA", "size": 2048},
}
# An advisory lock, so that two processes that start at the same time do not both create the first key.
_LOCK = 0x0A07_6B65


def generate(algorithm: str, *, store: str = stores.DATABASE) -> SigningKey:
    """An unsaved key, active from now; `algorithm` is one of `algorithms.SIGNING_ALGORITHMS`.

    Raises KeyStoreError. If the caller's transaction is rolled back, a key in a store stays there, but is never used,
    because no row refers to it.
    """
    if store == stores.DATABASE:
        key = JWK.generate(**_PARAMETERS[algorithm])
        encrypted, reference = encryption.encrypt(key.export_to_pem(private_key=True, password=None)), ""
    else:
        if algorithm not in stores.named(store).algorithms:
            raise stores.KeyStoreError(f"The store {store} cannot create {algorithm} keys.")
        made = stores.named(store).generate(algorithm)
        key, encrypted, reference = JWK(**made.public_jwk), b"", made.reference
    kid = key.thumbprint()
    now = timezone.now()
    return SigningKey(
        kid=kid,
        algorithm=algorithm,
        public_jwk={**key.export_public(as_dict=True), "kid": kid, "alg": algorithm, "use": "sig"},
        private_key_encrypted=encrypted,
        store=store,
        reference=reference,
        published_at=now,
        active_at=now,
    )


def lock(algorithm: str) -> None:
    """Prevents other transactions from creating keys of this algorithm until this one ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, hashtext(%s))", [_LOCK, algorithm])


def ensure_active_key(algorithm: str) -> None:
    """Creates the first key of an algorithm, which signs immediately because there is no other."""
    with transaction.atomic():
        lock(algorithm)
        if not SigningKey.objects.active().filter(algorithm=algorithm).exists():
            first = policy.values.first_store
            generate(algorithm, store=first if first in stores.choices(algorithm) else stores.DATABASE).save()
