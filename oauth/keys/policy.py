"""How this server keeps and changes its signing keys. `oauth.wiring` makes it from the settings."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from oauth.infrastructure.provided import Provided


@dataclass(frozen=True, slots=True)
class KeyPolicy:
    #: Fernet keys, newest first. The older ones only decrypt.
    encryption_keys: tuple[str, ...]
    #: The algorithm for access tokens, and for ID tokens of a client that has not chosen another one.
    access_token_algorithm: str
    id_token_algorithm: str
    #: How long others may cache the JWK Set.
    cache_lifetime: timedelta
    #: How long a key signs.
    rotation_interval: timedelta
    #: The difference between clocks that is accepted.
    clock_skew: timedelta
    #: The stores of private keys outside of the database (`oauth.keys.stores`), and the name of the store for the
    #: first keys.
    stores: Mapping[str, Mapping[str, Any]]
    first_store: str


policy: Provided[KeyPolicy] = Provided()
