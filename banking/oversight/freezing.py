"""Freezing an account: money may come in, none goes out, until it is unfrozen. The ledger's trigger enforces it."""

from uuid import UUID

from django.db import transaction

from banking import ledger
from banking.ledger.refusals import LedgerRefusal
from banking.models import Account
from banking.oversight.audit import Officer, record


class NotFreezable(LedgerRefusal):
    code = "account_not_freezable"
    title = "Only an open account of a customer can be frozen."
    status = 409


class NotFrozen(LedgerRefusal):
    code = "account_not_frozen"
    title = "The account is not frozen."
    status = 409


@transaction.atomic
def freeze(account_id: UUID, *, by: Officer, reason: str) -> Account:
    account = _locked(account_id)
    if account.kind != Account.Kind.CUSTOMER or account.status != Account.Status.OPEN:
        raise NotFreezable
    return _set(account, Account.Status.FROZEN, "account_frozen", by, reason)


@transaction.atomic
def unfreeze(account_id: UUID, *, by: Officer, reason: str) -> Account:
    account = _locked(account_id)
    if account.status != Account.Status.FROZEN:
        raise NotFrozen
    return _set(account, Account.Status.OPEN, "account_unfrozen", by, reason)


def _locked(account_id: UUID) -> Account:
    """So that a payment that is under way ends before it or is refused."""
    (account,) = ledger.lock([account_id])
    return account


def _set(account: Account, status: Account.Status, act: str, by: Officer, reason: str) -> Account:
    account.status = status
    account.save(update_fields=["status"])
    record(act, by=by, about=account.holder_id, reason=f"Account {account.pk}: {reason}")
    return account
