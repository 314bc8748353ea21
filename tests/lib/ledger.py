"""Accounts with money, and the ledger without triggers for tests that damage it."""

import contextlib
from collections.abc import Iterator

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


@contextlib.contextmanager
def no_triggers() -> Iterator[None]:
    """Switches off the triggers of the ledger, as an intruder with the owner's rights could. The end of the test undoes
    it.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        yield
        cursor.execute("SET LOCAL session_replication_role = DEFAULT")


def move(source, destination, amount_minor):
    return post([(source, -amount_minor), (destination, amount_minor)], description="Test", kind="transfer")


def balances(*accounts):
    return [Account.objects.get(pk=account.pk).posted_minor for account in accounts]


def held(account):
    return Account.objects.get(pk=account.pk).held_minor
