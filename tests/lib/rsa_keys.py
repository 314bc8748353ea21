"""RSA keys of the site: to make and check one takes longer than most tests. A process of the tests makes the first, the
second and so on once; each test is given every one of them at most once."""

import functools
import itertools
from typing import Any

from jwcrypto.jwk import JWK

from oauth.keys import generation

_numbers = itertools.count()


class _Kept(JWK):
    @classmethod
    def generate(cls, **parameters: Any) -> JWK:
        if parameters["kty"] != "RSA":
            return JWK.generate(**parameters)
        return _made(next(_numbers), parameters["size"])


@functools.cache
def _made(number: int, size: int) -> JWK:
    return JWK.generate(kty="RSA", size=size)


def keep() -> None:
    generation.JWK = _Kept  # type: ignore[misc,attr-defined]


def begin_anew() -> None:
    """For the next test."""
    global _numbers
    _numbers = itertools.count()
