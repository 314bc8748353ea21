"""The identity of a client: its redirect URIs, its authentication and its name.

A user's consent and approval by staff apply to this identity, not to the row. Identities are compared to detect
changes; they contain only digests of keys and secrets.
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Any, Protocol
from urllib.parse import urlsplit

Identity = Mapping[str, Any]

# The fields of a client that make up its identity.
FIELDS = frozenset(
    {
        "name", "redirect_uris", "token_endpoint_auth_method", "client_type", "security_profile", "client_jwks",
        "client_jwks_uri", "secret_digest", "previous_secret_digest", "previous_secret_expires_at",
        "imported_secret",
        "tls_client_auth_subject_dn", "tls_client_auth_san_dns", "tls_client_auth_san_uri", "tls_client_auth_san_ip",
        "tls_client_auth_san_email",
    }
)  # fmt: skip
# The parts about client authentication.
PROOF = frozenset({"method", "profile", "keys", "keys_uri", "certificate", "secrets"})
# Removing a value from these parts is not a change.
_SETS = frozenset({"keys", "secrets", "redirect_uris"})


class HasIdentity(Protocol):
    """The attributes of a Client that make up its identity."""

    name: str
    redirect_uris: str
    token_endpoint_auth_method: str
    security_profile: str
    client_jwks: Any
    client_jwks_uri: str
    secret_digest: Any
    previous_secret_digest: Any
    imported_secret: str

    @property
    def certificate_names(self) -> dict[str, str]: ...
    @property
    def has_two_secrets(self) -> bool: ...


def describe(client: HasIdentity) -> dict[str, Any]:
    """The identity as JSON, with sorted lists, so that identities with the same values are equal."""
    keys = (client.client_jwks or {}).get("keys", []) if isinstance(client.client_jwks, dict) else []
    # Prefer the hash of another server, which stays the same when the secret is first used here.
    current = client.imported_secret.encode() or client.secret_digest
    secrets = [current, client.previous_secret_digest if client.has_two_secrets else None]
    return {
        "name": client.name,
        "method": str(client.token_endpoint_auth_method),
        "profile": str(client.security_profile),
        "keys": sorted(_digest(json.dumps(key, sort_keys=True).encode()) for key in keys),
        "keys_uri": client.client_jwks_uri,
        "certificate": client.certificate_names,
        # A digest of the stored digest, which reveals nothing about the secret.
        "secrets": sorted(_digest(bytes(secret)) for secret in secrets if secret),
        "redirect_uris": sorted(client.redirect_uris.split()),
    }


def changed_parts(before: Identity, after: Identity) -> list[str]:
    """The names of changed parts. Removing a key, a secret or a redirect URI is not a change."""
    return [name for name in after if not _is_within(name, before.get(name), after[name])]


def new_hosts(before: Identity, after: Identity) -> list[str]:
    """The hosts that can receive responses after the change but not before (RFC 9700 §2.1)."""
    known = {host(uri) for uri in before["redirect_uris"]}
    return sorted({host(uri) for uri in after["redirect_uris"]} - known)


def host(uri: str) -> str:
    """The host of a redirect URI, or its scheme if that is a private-use one, which identifies an app on the device."""
    parts = urlsplit(uri)
    return parts.hostname or f"{parts.scheme}:"


def _is_within(name: str, before: Any, after: Any) -> bool:
    if name in _SETS:
        return isinstance(before, list) and set(after) <= set(before)
    return bool(before == after)


def _digest(value: bytes) -> str:
    return hashlib.sha256(value).hexdigest()[:32]
