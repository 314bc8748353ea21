"""The issuer's public keys, by `kid`: from a function of this process, or fetched from JWKS_URI."""

from collections.abc import Callable, Mapping
from typing import Any

import jwt
from django.core.signals import setting_changed
from django.utils.module_loading import import_string

from oauth.conf import conf
from oauth.resource_server import http
from oauth.tokens.jwks import FetchedKeys, parse

Keys = dict[str, jwt.PyJWK]


def fetched_from(uri: str) -> FetchedKeys[jwt.PyJWK]:
    return FetchedKeys(lambda: parse(http.get_json(uri)))


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


_source: FetchedKeys[jwt.PyJWK] | LocalKeys | None = None


def find_key(kid: str) -> jwt.PyJWK | None:
    """The key source of this process."""
    global _source
    if _source is None:
        _source = (
            LocalKeys(import_string(conf.VERIFICATION_KEYS)) if conf.VERIFICATION_KEYS else fetched_from(conf.jwks_uri)
        )
    return _source.find(kid)


def _forget(*, setting: str, **_: Any) -> None:
    global _source
    if setting == "OAUTH":
        _source = None


setting_changed.connect(_forget)
