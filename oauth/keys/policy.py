"""The settings for signing keys, which `oauth.wiring` provides."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from oauth.infrastructure.provided import Provided


@dataclass(frozen=True, slots=True)
class KeyPolicy:
    #: Fernet keys, newest first. The first one encrypts; the others only decrypt.
    encryption_keys: tuple[str, ...]
    #: The algorithms for access tokens and, by default, for ID tokens.
    access_token_algorithm: str
    id_token_algorithm: str
    #: How long others may cache the JWK Set.
    cache_lifetime: timedelta
    #: How long a key signs.
    rotation_interval: timedelta
    #: The tolerated clock skew.
    clock_skew: timedelta
    #: The key stores (`oauth.keys.stores`), and the name of the store of the first keys.
    stores: Mapping[str, Mapping[str, Any]]
    first_store: str


policy: Provided[KeyPolicy] = Provided()
