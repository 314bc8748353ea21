"""Freezing an account: money may come in, but none goes out until it is unfrozen. A trigger of the ledger enforces
it."""

from typing import Any
from uuid import UUID

from django.db import connection, transaction
from uuid_utils.compat import uuid7

from banking import ledger, payments
from banking.ledger.refusals import NotAllowed, WrongState
from banking.models import Account, AccountFreeze
from banking.oversight.audit import Officer, record
from banking.oversight.own_money import refuse_own_money


class NotFreezable(WrongState):
    code = "account_not_freezable"
    title = "Only an open account of a customer can be frozen."


class NotFrozen(WrongState):
    code = "account_not_frozen"
    title = "The account is not frozen."


class SameUser(NotAllowed):
    code = "unfreezing_by_same_person"
    title = "You have frozen this account yourself. Somebody else must unfreeze it."


@transaction.atomic
def freeze(account_id: UUID, *, by: Officer, reason: str) -> Account:
    account = _locked(account_id)
    if account.kind != Account.Kind.CUSTOMER or account.status != Account.Status.OPEN:
        raise NotFreezable
    if not _call("SELECT freeze_account(%s, %s, %s, %s)", account.pk, uuid7(), by.user.pk, reason):
        raise NotFreezable
    return _done(account, Account.Status.FROZEN, "account_frozen", by, reason)


@transaction.atomic
def unfreeze(account_id: UUID, *, by: Officer, reason: str) -> Account:
    """Raises SameUser for the officer who froze the account, and OwnMoney for one who has access to it. Any officer may
    freeze any account, their own included."""
    account = _locked(account_id)
    if account.status != Account.Status.FROZEN:
        raise NotFrozen
    refuse_own_money(by, [account.pk])
    frozen = AccountFreeze.objects.filter(account=account, unfrozen_by=None).first()
    # None if the account was frozen before this table existed.
    if frozen is not None and frozen.frozen_by_id == by.user.pk:
        raise SameUser
    if not _call("SELECT unfreeze_account(%s, %s, %s)", account.pk, by.user.pk, reason):
        raise NotFrozen
    payments.resume_for(account.pk)
    return _done(account, Account.Status.OPEN, "account_unfrozen", by, reason)


def _locked(account_id: UUID) -> Account:
    """Locks the account, so that a running payment either ends before or is refused."""
    (account,) = ledger.lock([account_id])
    return account


def _call(statement: str, *values: Any) -> bool:
    """Calls the database function, the only way in which the site's role may change the state of an account."""
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        is_done: bool = cursor.fetchone()[0]
        return is_done


def _done(account: Account, status: Account.Status, act: str, by: Officer, reason: str) -> Account:
    account.status = status
    record(act, by=by, about=account.holder_id, reason=f"Account {account.pk}: {reason}")
    return account
