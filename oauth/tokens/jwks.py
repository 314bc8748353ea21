"""Fetches and caches JWK Sets (RFC 7517 §5) of other servers.

Unknown values of `kid` cause at most one fetch per `search_after_seconds` (PyJWT CVE-2026-48524). After a failed fetch,
the cached keys are used until they are `max_age_seconds` old (fail closed).
"""

import logging
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, Generic, TypeVar

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from oauth.algorithms import SIGNING_ALGORITHMS

MIN_RSA_BITS = 2048
SECONDS_BETWEEN_FETCHES = 60
REFRESH_AFTER_SECONDS = 60
# How long a fetched key is used if its server is unreachable, because the server may have withdrawn the key.
MAX_AGE_SECONDS = 15 * 60
# While no key is known, the interval between fetches from an unreachable issuer, and the value of the API's
# Retry-After.
RETRY_AFTER_SECONDS = 5
# How long a thread waits for the fetch of another thread. Most servers answer in less time, and threads do not wait for
# long if a server does not answer.
WAIT_SECONDS = 2.0

logger = logging.getLogger(__name__)
Key = TypeVar("Key")


class KeysUnavailable(OSError):
    """There is no recent JWK Set, so signatures cannot be verified."""


class FetchedKeys(Generic[Key]):
    """The cached keys of one URL. Thread-safe.

    `fetch` must return the keys by `kid`, or raise OSError or ValueError.
    """

    def __init__(
        self,
        fetch: Callable[[], Mapping[str, Key]],
        *,
        max_age_seconds: float = MAX_AGE_SECONDS,
        retry_after_seconds: float = SECONDS_BETWEEN_FETCHES,
        search_after_seconds: float = SECONDS_BETWEEN_FETCHES,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._fetch = fetch
        self._max_age_seconds = max_age_seconds
        self._retry_after_seconds = retry_after_seconds
        self._search_after_seconds = search_after_seconds
        self._clock = clock
        self._keys: Mapping[str, Key] = {}
        self._fetched_at = self._tried_at = self._searched_at = float("-inf")
        self._fetches = 0
        self._lock = threading.Lock()

    def find(self, kid: str) -> Key | None:
        """The key with this `kid`; None if it is not published. Raises KeysUnavailable if the cached set is too old."""
        keys = self.current(kid)
        if not self._is_trusted(self._clock()):
            raise KeysUnavailable("the JWK Set cannot be fetched")
        return keys.get(kid)

    def current(self, kid: str) -> Mapping[str, Key]:
        """All keys, fetched again if this `kid` is missing. Empty if the cached set is too old."""
        now = self._clock()
        if now - self._fetched_at > REFRESH_AFTER_SECONDS:
            # Retry less often while cached keys can be used.
            pause = SECONDS_BETWEEN_FETCHES if self._is_trusted(now) else self._retry_after_seconds
            self._refresh(now, kid, last=self._tried_at, pause=pause)
        elif kid not in self._keys:
            # Allow more fetches, because the server may just have added the key.
            self._refresh(now, kid, last=self._searched_at, pause=self._search_after_seconds)
        return self._keys if self._is_trusted(now) else {}

    def refetch(self) -> None:
        """Fetches the set now, because its server may have withdrawn a key. The caller must limit how often."""
        self._refresh(self._clock(), "", last=float("-inf"), wait=-1)

    def _is_trusted(self, now: float) -> bool:
        return now - self._fetched_at <= self._max_age_seconds

    def _refresh(
        self, now: float, kid: str, *, last: float, pause: float = SECONDS_BETWEEN_FETCHES, wait: float | None = None
    ) -> None:
        """Waits for a fetch of another thread for at most WAIT_SECONDS, or `wait` seconds; -1 is without a limit."""
        if now - last < pause:
            if not self._is_trusted(now) and self._lock.acquire(timeout=WAIT_SECONDS):
                self._lock.release()  # another thread has fetched the set meanwhile, or nobody is fetching it
            return
        fetches = self._fetches
        if not self._lock.acquire(timeout=WAIT_SECONDS if wait is None else wait):
            return
        try:
            if self._fetches != fetches:
                return  # another thread has just fetched the set
            self._fetches, self._tried_at = fetches + 1, now
            try:
                self._keys = self._fetch()
                self._fetched_at = now
            except (OSError, ValueError) as error:
                logger.warning("A JWK Set could not be fetched: %s", error)
            if kid not in self._keys:
                self._searched_at = now
        finally:
            self._lock.release()


def parse(jwks: Mapping[str, Any]) -> dict[str, jwt.PyJWK]:
    """`kid` -> signature key of an issuer's JWK Set. Raises ValueError if this is not a JWK Set.

    Ignores unusable keys (RFC 7517 §5), because an issuer may add unknown types. Also ignores keys that share a `kid`,
    which must be unique.
    """
    keys = jwks.get("keys") if isinstance(jwks, Mapping) else None
    if not isinstance(keys, list) or not all(isinstance(jwk, dict) for jwk in keys):
        raise ValueError("not a JWK Set")
    kids = [jwk["kid"] for jwk in keys if isinstance(jwk.get("kid"), str)]
    parsed = ((jwk, _parse_one(jwk)) for jwk in keys if kids.count(jwk.get("kid")) == 1)
    return {jwk["kid"]: key for jwk, key in parsed if key is not None}


def _parse_one(jwk: Mapping[str, Any]) -> jwt.PyJWK | None:
    """The key if it is a strong public key for signatures with an accepted algorithm, otherwise None."""
    operations = jwk.get("key_ops", ["verify"])
    if jwk.get("use", "sig") != "sig" or not isinstance(operations, list) or "verify" not in operations:
        return None
    if jwk.get("alg") not in SIGNING_ALGORITHMS:
        return None
    try:
        key = jwt.PyJWK(dict(jwk))
    except (jwt.PyJWTError, ValueError, TypeError, KeyError, AttributeError):
        return None
    if isinstance(key.key, RSAPublicKey) and key.key.key_size < MIN_RSA_BITS:  # RFC 7518 §3.3
        return None
    return key
