"""Password hashing with Argon2id and OWASP's parameters. Limits the number of concurrent hashes."""

import os
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from functools import cache
from typing import ParamSpec, TypeVar

from django.conf import settings
from django.contrib.auth.hashers import Argon2PasswordHasher as DjangoArgon2PasswordHasher

from accounts.passwords import turns

Given = ParamSpec("Given")
Result = TypeVar("Result")

#: OWASP Password Storage Cheat Sheet: the minimum memory in KiB for each number of passes.
LEAST_MEMORY_KIB = {1: 47_104, 2: 19_456, 3: 12_288, 4: 9_216, 5: 7_168}

#: How many hashes one process computes at a time. Each takes about 25 ms of CPU time.
AT_ONCE = 1
#: How many hashes may wait. More are refused, so that a flood of logins leaves threads for tokens and the API.
WAITING_AT_MOST = 2
#: The niceness of the hashing thread (nice(2)), so that the kernel prefers threads that answer requests.
NICENESS = 15

_give_slot_back: ContextVar[Callable[[], None] | None] = ContextVar("give_slot_back", default=None)


class TooManyHashes(Exception):
    """AT_ONCE hashes run and WAITING_AT_MOST hashes wait in this process. The response is 503 with Retry-After."""

    def __str__(self) -> str:
        return f"password hashes running: {AT_ONCE}, waiting: {WAITING_AT_MOST}"


def is_strong(*, memory_kib: int, passes: int) -> bool:
    """ASVS 5.0 11.4.2: whether the parameters meet OWASP's minimum."""
    return memory_kib >= LEAST_MEMORY_KIB.get(passes, LEAST_MEMORY_KIB[5]) if passes > 0 else False


class Argon2PasswordHasher(DjangoArgon2PasswordHasher):
    """Raises TooManyHashes. Django replaces a stored hash with other parameters at the next login."""

    time_cost = settings.PASSWORD_HASH_PASSES
    memory_cost = settings.PASSWORD_HASH_MEMORY_KIB
    parallelism = 1

    def encode(self, password: str, salt: str) -> str:
        return in_turn(super().encode, password, salt)

    def verify(self, password: str, encoded: str) -> bool:
        return in_turn(super().verify, password, encoded)


def in_turn(compute: Callable[Given, Result], *args: Given.args, **kwargs: Given.kwargs) -> Result:
    """Computes a hash in the single hashing thread, which reuses its memory. Raises TooManyHashes if too many are
    waiting.
    """
    places = _places(os.getpid())
    if not places.acquire(blocking=False):
        raise TooManyHashes
    try:
        if give_slot_back := _give_slot_back.get():
            give_slot_back()
        return _threads(os.getpid()).submit(turns.turn()(compute), *args, **kwargs).result()
    finally:
        places.release()


@contextmanager
def without_slot(give_back: Callable[[], None] | None) -> Iterator[None]:
    """Inside this context, a request gives its slot to other requests before it waits for a hash
    (config/server/bodies.py). `give_back` is None if the server has no slots.
    """
    token = _give_slot_back.set(give_back)
    try:
        yield
    finally:
        _give_slot_back.reset(token)


def require_place() -> None:
    """Raises TooManyHashes if no hash can be computed now. Call this before work that would then be useless."""
    places = _places(os.getpid())
    if not places.acquire(blocking=False):
        raise TooManyHashes
    places.release()


@cache
def _places(process: int) -> threading.BoundedSemaphore:
    """The semaphore of this process. A forked child needs its own, because threads of the parent would never release
    it.
    """
    return threading.BoundedSemaphore(AT_ONCE + WAITING_AT_MOST)


@cache
def _threads(process: int) -> ThreadPoolExecutor:
    """The hashing thread of this process. A forked child has no threads of its parent."""
    return ThreadPoolExecutor(AT_ONCE, "password-hash", initializer=_step_back)


def _step_back() -> None:
    """Lowers the priority of this thread, if the system allows it. Only Linux has niceness per thread."""
    if sys.platform != "linux":
        return
    thread = threading.get_native_id()
    # The shipped systemd units refuse it. An error here would break the pool, and with it every login.
    with suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, thread, min(19, os.getpriority(os.PRIO_PROCESS, thread) + NICENESS))
