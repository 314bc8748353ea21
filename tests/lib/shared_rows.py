"""Rows that every test of a module begins with, written once.

They are in a transaction around the tests: each test runs in a savepoint, and what it changes is undone as everywhere. Not
for tests that commit (`transaction=True`), and not where PostgreSQL's `now()` matters: it stands still for the module.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection, transaction
from pytest_django import DjangoDbBlocker


@contextmanager
def around_the_module(blocker: DjangoDbBlocker) -> Iterator[None]:
    """What is written within belongs to the module; between the tests, the database stays blocked."""
    atomic = transaction.atomic()
    atomic._from_testcase = True  # type: ignore[attr-defined]  # as Django's TestCase: `durable` blocks may be within
    with blocker.unblock():
        atomic.__enter__()
    try:
        yield
    finally:
        with blocker.unblock():
            transaction.set_rollback(True)
            atomic.__exit__(None, None, None)


def settle() -> None:
    """Checks what is deferred to the commit, once for all tests instead of once in each."""
    connection.check_constraints()
