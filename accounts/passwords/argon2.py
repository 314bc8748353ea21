"""Hashes of passwords: Argon2id at OWASP's parameters, a bounded number at the same time."""

import os
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from typing import ParamSpec, TypeVar

from django.conf import settings
from django.contrib.auth.hashers import Argon2PasswordHasher as DjangoArgon2PasswordHasher

Given = ParamSpec("Given")
Result = TypeVar("Result")

#: OWASP Password Storage Cheat Sheet: the least memory, in KiB, for each number of passes.
LEAST_MEMORY_KIB = {1: 47_104, 2: 19_456, 3: 12_288, 4: 9_216, 5: 7_168}

#: The number of hashes that one process computes at a time. Each takes a core for about 25 ms.
AT_ONCE = 1
#: The number of hashes that may wait. More are refused, so that a flood of logins leaves threads for tokens and the
#: API.
WAITING_AT_MOST = 2
#: The niceness of the threads that hash (nice(2)): the kernel prefers threads that answer requests.
NICENESS = 15

_give_slot_back: ContextVar[Callable[[], None] | None] = ContextVar("give_slot_back", default=None)


class TooManyHashes(Exception):
    """The process already computes and waits for as many hashes as it may. Answered with 503 and Retry-After."""

    def __str__(self) -> str:
        return f"{AT_ONCE} password hash is computed and {WAITING_AT_MOST} wait"


def is_strong(*, memory_kib: int, passes: int) -> bool:
    """ASVS 5.0 11.4.2: whether the parameters meet OWASP's minimum."""
    return memory_kib >= LEAST_MEMORY_KIB.get(passes, LEAST_MEMORY_KIB[5]) if passes > 0 else False


class Argon2PasswordHasher(DjangoArgon2PasswordHasher):
    """A stored hash with other parameters is replaced at the next login. Raises TooManyHashes."""

    time_cost = settings.PASSWORD_HASH_PASSES
    memory_cost = settings.PASSWORD_HASH_MEMORY_KIB
    parallelism = 1

    def encode(self, password: str, salt: str) -> str:
        return in_turn(super().encode, password, salt)

    def verify(self, password: str, encoded: str) -> bool:
        return in_turn(super().verify, password, encoded)


def in_turn(compute: Callable[Given, Result], *args: Given.args, **kwargs: Given.kwargs) -> Result:
    """Computes a hash in the only thread for hashes, which reuses its memory. Raises TooManyHashes instead of waiting
    behind too many others.
    """
    places = _places(os.getpid())
    if not places.acquire(blocking=False):
        raise TooManyHashes
    try:
        if give_slot_back := _give_slot_back.get():
            give_slot_back()
        return _threads(os.getpid()).submit(compute, *args, **kwargs).result()
    finally:
        places.release()


@contextmanager
def without_slot(give_back: Callable[[], None] | None) -> Iterator[None]:
    """Within it, a request that may compute or wait for a hash gives its slot to other requests
    (config/server/bodies.py). Without `give_back`, the server has no slots.
    """
    token = _give_slot_back.set(give_back)
    try:
        yield
    finally:
        _give_slot_back.reset(token)


def require_place() -> None:
    """A view calls this before it does work whose result it could not use. Raises TooManyHashes."""
    places = _places(os.getpid())
    if not places.acquire(blocking=False):
        raise TooManyHashes
    places.release()


@cache
def _places(process: int) -> threading.BoundedSemaphore:
    """The places of this process. After a fork, places of the parent would never be given back."""
    return threading.BoundedSemaphore(AT_ONCE + WAITING_AT_MOST)


@cache
def _threads(process: int) -> ThreadPoolExecutor:
    """The thread of this process. After a fork, threads of the parent do not run."""
    return ThreadPoolExecutor(AT_ONCE, "password-hash", initializer=_step_back)


def _step_back() -> None:
    """Lets the kernel run other threads first. Only Linux counts niceness by thread."""
    if sys.platform == "linux":
        thread = threading.get_native_id()
        os.setpriority(os.PRIO_PROCESS, thread, min(19, os.getpriority(os.PRIO_PROCESS, thread) + NICENESS))
