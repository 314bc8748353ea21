"""Money set aside. The account is locked first, as everywhere; the database moves `held_minor`."""

from datetime import datetime

from django.db import IntegrityError, transaction

from banking.ledger.posting import lock
from banking.ledger.refusals import from_database
from banking.models import Account, Hold


def hold(account: Account, amount_minor: int, *, until: datetime) -> Hold:
    """Sets the amount aside. Raises a Refusal: not enough money, account not open."""
    lock([account.pk])
    try:
        with transaction.atomic():
            return Hold.objects.create(account=account, amount_minor=amount_minor, expires_at=until)
    except IntegrityError as error:
        if refusal := from_database(error):
            raise refusal from error
        raise


def release(held: Hold, *, status: Hold.Status = Hold.Status.RELEASED) -> None:
    """Gives it back, once: the caller holds the account's lock. What is final already is an IntegrityError."""
    Hold.objects.filter(pk=held.pk).update(status=status)
