"""Rows that every test of a module begins with, written once.

They are in a transaction around all tests of the module; each test runs in a savepoint, and its changes are rolled
back. Not suitable for tests that commit (`transaction=True`) or depend on PostgreSQL's `now()`, which does not advance
within a transaction.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection, transaction
from pytest_django import DjangoDbBlocker


@contextmanager
def around_the_module(blocker: DjangoDbBlocker) -> Iterator[None]:
    """Context manager: rows written inside it exist for all tests of the module. Between the tests, pytest-django
    blocks access to the database as usual.
    """
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
    """Checks the deferred constraints once for all tests, instead of once in each."""
    connection.check_constraints()
