"""Repeating a database transaction, as long as COMMIT was not sent: deadlock, lock timeout, lost connection."""

import random
import time
from collections.abc import Callable
from typing import TypeVar

from django.db import OperationalError, connection, transaction

T = TypeVar("T")
ATTEMPTS = 3
# Deadlock, serialization failure, lock timeout, terminated by an administrator, idle in the transaction for too long;
# class 08: connection lost.
_TRANSIENT = frozenset({"40P01", "40001", "55P03", "57P01", "25P03", None})


def in_transaction(work: Callable[[], T]) -> T:
    """Runs `work` in one transaction. If the database reports that nothing was committed, tries again, three times in
    all.

    An error during COMMIT is raised, because the outcome is unknown. The caller finds the outcome by its idempotency
    key.
    """
    for attempt in range(1, ATTEMPTS + 1):
        is_committing = False
        try:
            with transaction.atomic():
                result = work()
                is_committing = True
            return result
        except OperationalError as error:
            state = getattr(error.__cause__, "sqlstate", None)
            is_transient = state in _TRANSIENT or str(state).startswith("08")
            if is_committing or not is_transient or attempt == ATTEMPTS or connection.in_atomic_block:
                raise
            connection.close_if_unusable_or_obsolete()
            time.sleep(random.uniform(0.005, 0.05) * attempt)  # noqa: S311 (jitter, not a secret)
    raise AssertionError("unreachable")
