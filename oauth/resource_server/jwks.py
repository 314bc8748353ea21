"""The issuer's public keys by `kid`, from a function of this process or fetched from JWKS_URI."""

from collections.abc import Callable, Mapping
from typing import Any

import jwt

from oauth.conf import conf
from oauth.infrastructure.caches import until_cleared
from oauth.infrastructure.dotted_path import resolve
from oauth.resource_server import http
from oauth.resource_server.challenges import TemporarilyUnavailable
from oauth.tokens.jwks import RETRY_AFTER_SECONDS, FetchedKeys, KeysUnavailable, parse

Keys = dict[str, jwt.PyJWK]
# How often an unknown `kid` may cause a fetch. Short, because all processes of the issuer publish a new key within
# seconds.
SEARCH_AFTER_SECONDS = 10


def fetched_from(uri: str) -> FetchedKeys[jwt.PyJWK]:
    return FetchedKeys(
        lambda: parse(http.get_json(uri)),
        retry_after_seconds=RETRY_AFTER_SECONDS,
        search_after_seconds=SEARCH_AFTER_SECONDS,
    )


class LocalKeys:
    """Keys from a function of this process (`VERIFICATION_KEYS`). Parses a set only once, until the function returns a
    different one.
    """

    def __init__(self, jwks: Callable[[], Mapping[str, Any]]) -> None:
        self._jwks = jwks
        self._parsed: tuple[Mapping[str, Any], Keys] = ({}, {})

    def find(self, kid: str) -> jwt.PyJWK | None:
        jwks, keys = self._jwks(), self._parsed[1]
        if jwks is not self._parsed[0]:
            keys = parse(jwks)
            self._parsed = (jwks, keys)
        return keys.get(kid)


@until_cleared
def _source() -> FetchedKeys[jwt.PyJWK] | LocalKeys:
    if conf.VERIFICATION_KEYS:
        return LocalKeys(resolve(conf.VERIFICATION_KEYS))
    return fetched_from(conf.jwks_uri)


def find_key(kid: str) -> jwt.PyJWK | None:
    """The issuer's key with this `kid`; None if the issuer does not publish it.

    Raises TemporarilyUnavailable if the keys cannot be fetched, because the token may be valid.
    """
    try:
        return _source().find(kid)
    except KeysUnavailable as error:
        raise TemporarilyUnavailable(
            f"The API cannot fetch the keys of its authorization server, {conf.ISSUER}. Try again later."
        ) from error


def drop_withdrawn() -> None:
    """Fetches the issuer's keys again. Call this if the issuer signs with a different key, because it may have
    withdrawn the previous one.
    """
    source = _source()
    if isinstance(source, FetchedKeys):
        source.refetch()
