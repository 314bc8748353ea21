"""The issuer's public keys, by `kid`: from a function of this process, or fetched from JWKS_URI.

A fetched set is kept; an unknown `kid` causes at most one fetch a minute whoever asks (PyJWT CVE-2026-48524),
and a failed fetch leaves the keys that we have. A set older than MAX_AGE is not trusted any more: fail closed.
"""

import json
import logging
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

import jwt
import requests
from django.core.signals import setting_changed
from django.utils.module_loading import import_string

from oauth.conf import conf

MAX_JWKS_BYTES = 64 * 1024
CONNECT_TIMEOUT_SECONDS, READ_TIMEOUT_SECONDS = 2, 3
SECONDS_BETWEEN_FETCHES = 60
REFRESH_AFTER_SECONDS = 300
MAX_AGE_SECONDS = 24 * 3600

logger = logging.getLogger(__name__)
Keys = dict[str, jwt.PyJWK]


class FetchedKeys:
    """Thread-safe; one per process and URI."""

    def __init__(self, uri: str, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.uri = uri
        self._clock = clock
        self._keys: Keys = {}
        self._fetched_at = float("-inf")
        self._tried_at = float("-inf")
        self._lock = threading.Lock()

    def find(self, kid: str) -> jwt.PyJWK | None:
        """The key, None if the issuer does not publish it, or if nothing fresh enough is known."""
        now = self._clock()
        if kid not in self._keys or now - self._fetched_at > REFRESH_AFTER_SECONDS:
            self._refresh(now)
        if now - self._fetched_at > MAX_AGE_SECONDS:
            return None
        return self._keys.get(kid)

    def _refresh(self, now: float) -> None:
        with self._lock:
            if now - self._tried_at < SECONDS_BETWEEN_FETCHES:
                return
            self._tried_at = now
            try:
                self._keys = parse(fetch(self.uri))
                self._fetched_at = now
            except (requests.RequestException, ValueError) as error:
                logger.warning("The JWK Set could not be fetched; the last one stays in use: %s", error)


def fetch(uri: str) -> Mapping[str, Any]:
    """A JSON document of at most 64 KiB, without following redirects. Raises RequestException or ValueError."""
    timeout = (CONNECT_TIMEOUT_SECONDS, READ_TIMEOUT_SECONDS)
    with requests.get(uri, timeout=timeout, stream=True, allow_redirects=False) as response:
        if response.status_code != 200:
            raise ValueError(f"{uri} answered {response.status_code}")
        body = response.raw.read(MAX_JWKS_BYTES + 1, decode_content=True)
        if len(body) > MAX_JWKS_BYTES:
            raise ValueError(f"{uri} is larger than {MAX_JWKS_BYTES} bytes")
        return json.loads(body)


def parse(jwks: Mapping[str, Any]) -> Keys:
    """The signature keys of a JWK Set by kid. Raises ValueError where it is no JWK Set."""
    try:
        return {
            jwk["kid"]: jwt.PyJWK(jwk)
            for jwk in jwks["keys"]
            if jwk.get("use", "sig") == "sig" and "alg" in jwk and "kid" in jwk
        }
    except (jwt.PyJWTError, KeyError, TypeError, AttributeError) as error:
        raise ValueError("not a JWK Set") from error


class LocalKeys:
    """Keys of the same process (`VERIFICATION_KEYS`), parsed again only when the set is another object."""

    def __init__(self, jwks: Callable[[], Mapping[str, Any]]) -> None:
        self._jwks = jwks
        self._parsed: tuple[Mapping[str, Any], Keys] = ({}, {})

    def find(self, kid: str) -> jwt.PyJWK | None:
        jwks, keys = self._jwks(), self._parsed[1]
        if jwks is not self._parsed[0]:
            keys = parse(jwks)
            self._parsed = (jwks, keys)
        return keys.get(kid)


_source: FetchedKeys | LocalKeys | None = None


def find_key(kid: str) -> jwt.PyJWK | None:
    """The key source of this process."""
    global _source
    if _source is None:
        _source = (
            LocalKeys(import_string(conf.VERIFICATION_KEYS)) if conf.VERIFICATION_KEYS else FetchedKeys(conf.jwks_uri)
        )
    return _source.find(kid)


def _forget(*, setting: str, **_: Any) -> None:
    global _source
    if setting == "OAUTH":
        _source = None


setting_changed.connect(_forget)
