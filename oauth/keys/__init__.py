"""Signing keys: generation, encryption at rest, key stores, rotation, and the JWK Set.

Use `signing_key()` to sign, and `published_jwks()` to verify and publish. Gets its settings as a `policy`. Imports
`models` and what it imports.
"""

from oauth.keys.generation import ensure_active_key
from oauth.keys.policy import KeyPolicy, policy
from oauth.keys.ring import is_ready, jwk_of_hint, jwk_that_signed, published_jwks, signing_key
from oauth.keys.stores import KeyStoreError

__all__ = [
    "KeyPolicy",
    "KeyStoreError",
    "ensure_active_key",
    "is_ready",
    "jwk_of_hint",
    "jwk_that_signed",
    "policy",
    "published_jwks",
    "signing_key",
]
