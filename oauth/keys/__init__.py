"""Signing keys: made, encrypted at rest, parsed once, published as a JWK Set.

The one way in: `signing_key()` to sign, `published_jwks()` to verify and to serve. Imports `models` and `conf`.
"""

from oauth.keys.generation import ensure_active_key
from oauth.keys.ring import is_ready, published_jwks, signing_key

__all__ = ["ensure_active_key", "is_ready", "published_jwks", "signing_key"]
