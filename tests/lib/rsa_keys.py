"""RSA keys of the site: to make and check one takes longer than most tests. A process of the tests makes the first, the
second and so on once; each test is given every one of them at most once. What lives longer than a test, such as the
rows that `migrate` writes, has its own keys."""

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
