"""Holds: reserved money. The account is locked first, as in all code; a trigger updates `held_minor`."""

from datetime import datetime

from django.db import IntegrityError, transaction

from banking.ledger.posting import lock
from banking.ledger.refusals import from_database
from banking.models import Account, Hold


def hold(account: Account, amount_minor: int, *, until: datetime) -> Hold:
    """Sets the amount aside. Raises InsufficientFunds or AccountNotOpen."""
    lock([account.pk])
    try:
        with transaction.atomic():
            return Hold.objects.create(account=account, amount_minor=amount_minor, expires_at=until)
    except IntegrityError as error:
        if refusal := from_database(error):
            raise refusal from error
        raise


def release(held: Hold, *, status: Hold.Status = Hold.Status.RELEASED) -> None:
    """Releases the money, once. The caller must hold the lock of the account. Raises IntegrityError for a hold that has
    ended before."""
    Hold.objects.filter(pk=held.pk).update(status=status)
