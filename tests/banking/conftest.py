"""Accounts with money, and the ledger without triggers where a test has to damage it."""

import contextlib
import threading
from collections.abc import Callable, Iterator

import pytest
from django.db import connection, transaction

from banking.accounts.opening import internal_account, open_account
from banking.ledger import post
from banking.models import Account

FUNDS_MINOR = 10_000


def funded(holder, name: str, currency: str = "GBP", amount_minor: int = FUNDS_MINOR) -> Account:
    account = open_account(holder, name=name, currency=currency)
    if amount_minor:
        post(
            [(internal_account(currency, "Clearing"), -amount_minor), (account, amount_minor)],
            description="Opening",
            kind="opening",
        )
    account.refresh_from_db()
    return account


@pytest.fixture
def current(alice):
    return funded(alice, "Current account")


@pytest.fixture
def savings(alice):
    return funded(alice, "Savings", amount_minor=0)


@pytest.fixture
def of_bob(bob):
    return funded(bob, "Bob's account")


@pytest.fixture
def alice_api(access_token, api, alice):
    scope = "accounts:read balances:read transactions:read transfers:read transfers:write"
    return api(access_token(alice, scope))


@contextlib.contextmanager
def no_triggers() -> Iterator[None]:
    """What an intruder with the owner's rights could do; undone with the test."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        yield
        cursor.execute("SET LOCAL session_replication_role = DEFAULT")


def in_parallel(*works: Callable[[], object]) -> list[object]:
    """Each on its own thread and connection, started at once; exceptions are results."""
    barrier = threading.Barrier(len(works))
    results: list[object] = []

    def run(work: Callable[[], object]) -> None:
        try:
            barrier.wait()
            results.append(work())
        except Exception as error:  # noqa: BLE001 (a result for the test to look at)
            results.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=[work]) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results
