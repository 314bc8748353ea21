"""Accounts whose products have terms, entries with past times, and the nightly job that closes days."""

from datetime import UTC, date, datetime, timedelta

import time_machine

from banking import end_of_day
from banking.accounts.opening import internal_account, open_account
from banking.ledger import post
from banking.models import Account, Product
from oauth.keys import ring
from oauth.models import SigningKey

NIGHT = timedelta(hours=2)


def at(day, hour=12):
    return datetime.combine(day, datetime.min.time(), UTC) + timedelta(hours=hour)


def product(currency="GBP", **terms):
    return Product.objects.create(name=f"P{Product.objects.count()}", kind="current", currency=currency, **terms)


def opened(holder, name="x", since=date(2026, 9, 1), overdraft_minor=0, currency="GBP", **terms):
    account = open_account(holder, name=name, currency=currency, overdraft_minor=overdraft_minor)
    Account.objects.filter(pk=account.pk).update(opened_at=at(since), product=product(currency, **terms))
    account.refresh_from_db()
    return account


def pay(source, destination, amount_minor, when):
    return post([(source, -amount_minor), (destination, amount_minor)], description="x", kind="test", created_at=when)


def keys_since_long():
    """Moves the signing keys of the digests to a time before the days of the test."""
    SigningKey.objects.update(published_at=at(date(2026, 1, 1)), active_at=at(date(2026, 1, 1)))
    ring.forget()


def clearing_account(currency="GBP"):
    account = internal_account(currency, "Clearing")
    Account.objects.filter(pk=account.pk).update(opened_at=at(date(2026, 9, 1)))
    return account


def close_until(day):
    """Closes all days up to and including this one, in the following night."""
    with time_machine.travel(at(day, 24) + NIGHT):
        return end_of_day.close_days()
