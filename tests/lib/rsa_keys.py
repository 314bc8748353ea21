"""RSA keys of the site. Generating and checking one takes longer than most tests, so a test process reuses the keys
that it has generated. A test gets each key at most once. Rows that exist for several tests, such as those of `migrate`,
have their own keys.
"""

import functools
import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from jwcrypto.jwk import JWK

from oauth.keys import generation

_numbers: Iterator[int] | None = None


class _Kept(JWK):
    @classmethod
    def generate(cls, **parameters: Any) -> JWK:
        if _numbers is None or parameters["kty"] != "RSA":
            return JWK.generate(**parameters)
        return _made(next(_numbers), parameters["size"])


@functools.cache
def _made(number: int, size: int) -> JWK:
    return JWK.generate(kty="RSA", size=size)


def keep() -> None:
    generation.JWK = _Kept  # type: ignore[misc,attr-defined]


@contextmanager
def during_a_test() -> Iterator[None]:
    global _numbers
    _numbers = itertools.count()
    try:
        yield
    finally:
        _numbers = None
