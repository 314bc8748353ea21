"""Hashes of passwords: Argon2id at OWASP's parameters, a bounded number at the same time."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings
from django.contrib.auth.hashers import Argon2PasswordHasher as DjangoArgon2PasswordHasher

#: OWASP Password Storage Cheat Sheet: the least memory, in KiB, for each number of passes.
LEAST_MEMORY_KIB = {1: 47_104, 2: 19_456, 3: 12_288, 4: 9_216, 5: 7_168}

#: Of one process. Each takes a core for some 25 ms.
AT_ONCE = 1
#: More than these are refused, so that a flood of logins leaves threads for tokens and the API.
WAITING_AT_MOST = 2

_all = threading.BoundedSemaphore(AT_ONCE + WAITING_AT_MOST)
_hashing = threading.BoundedSemaphore(AT_ONCE)


class TooManyHashes(Exception):
    """The process already computes and waits for as many hashes as it may. Answered with 503 and Retry-After."""


def is_strong(*, memory_kib: int, passes: int) -> bool:
    """ASVS 5.0 11.4.2: whether OWASP recommends at least so much."""
    return memory_kib >= LEAST_MEMORY_KIB.get(passes, LEAST_MEMORY_KIB[5]) if passes > 0 else False


class Argon2PasswordHasher(DjangoArgon2PasswordHasher):
    """A stored hash with other parameters is replaced at the next login. Raises TooManyHashes."""

    time_cost = settings.PASSWORD_HASH_PASSES
    memory_cost = settings.PASSWORD_HASH_MEMORY_KIB
    parallelism = 1

    def encode(self, password: str, salt: str) -> str:
        with place():
            return super().encode(password, salt)

    def verify(self, password: str, encoded: str) -> bool:
        with place():
            return super().verify(password, encoded)


@contextmanager
def place() -> Iterator[None]:
    """Waits until this thread may compute a hash. Raises TooManyHashes instead of waiting behind too many others."""
    if not _all.acquire(blocking=False):
        raise TooManyHashes
    try:
        with _hashing:
            yield
    finally:
        _all.release()
