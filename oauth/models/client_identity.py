"""What makes a client the one that a user decided about: where it gets its answers, how it proves itself, its name.

A user's consent and the trust of the staff belong to this, not to the row. Compared, never used to authenticate: keys
and secrets are here as digests.
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Any, Protocol
from urllib.parse import urlsplit

Identity = Mapping[str, Any]

# The fields of a client that its identity is made of.
FIELDS = frozenset(
    {
        "name", "redirect_uris", "token_endpoint_auth_method", "client_type", "security_profile", "client_jwks",
        "client_jwks_uri", "secret_digest", "previous_secret_digest", "previous_secret_expires_at",
        "tls_client_auth_subject_dn", "tls_client_auth_san_dns", "tls_client_auth_san_uri", "tls_client_auth_san_ip",
        "tls_client_auth_san_email",
    }
)  # fmt: skip
# Which parts prove who the client is, and where it is told what users allowed.
PROOF = frozenset({"method", "profile", "keys", "keys_uri", "certificate", "secrets"})
# These only get weaker for the client when something is taken away: what is left was there before.
_SETS = frozenset({"keys", "secrets", "redirect_uris"})


class HasIdentity(Protocol):
    """The part of a Client that matters here."""

    name: str
    redirect_uris: str
    token_endpoint_auth_method: str
    security_profile: str
    client_jwks: Any
    client_jwks_uri: str
    secret_digest: Any
    previous_secret_digest: Any

    @property
    def certificate_names(self) -> dict[str, str]: ...
    @property
    def has_two_secrets(self) -> bool: ...


def of(client: HasIdentity) -> dict[str, Any]:
    """As JSON. Lists are sorted, so that two of them compare equal if they hold the same."""
    keys = (client.client_jwks or {}).get("keys", []) if isinstance(client.client_jwks, dict) else []
    secrets = [client.secret_digest, client.previous_secret_digest if client.has_two_secrets else None]
    return {
        "name": client.name,
        "method": str(client.token_endpoint_auth_method),
        "profile": str(client.security_profile),
        "keys": sorted(_digest(json.dumps(key, sort_keys=True).encode()) for key in keys),
        "keys_uri": client.client_jwks_uri,
        "certificate": client.certificate_names,
        # Of the digest that is stored, which is one of 256 random bits: tells nothing about the secret.
        "secrets": sorted(_digest(bytes(secret)) for secret in secrets if secret),
        "redirect_uris": sorted(client.redirect_uris.split()),
    }


def changed(before: Identity, after: Identity) -> list[str]:
    """The parts that `before` does not answer for any more. Removing a key, secret or redirect URI changes nothing:
    what is left was known."""
    return [name for name in after if not _is_within(name, before.get(name), after[name])]


def new_hosts(before: Identity, after: Identity) -> list[str]:
    """Where answers can go now and could not before (RFC 9700 §2.1)."""
    known = {host(uri) for uri in before["redirect_uris"]}
    return sorted({host(uri) for uri in after["redirect_uris"]} - known)


def host(uri: str) -> str:
    """The host of a redirect URI; of a private-use scheme, which names an app on the device, the scheme."""
    parts = urlsplit(uri)
    return parts.hostname or f"{parts.scheme}:"


def _is_within(name: str, before: Any, after: Any) -> bool:
    if name in _SETS:
        return isinstance(before, list) and set(after) <= set(before)
    return bool(before == after)


def _digest(value: bytes) -> str:
    return hashlib.sha256(value).hexdigest()[:32]
