"""Freezing an account: money may come in, none goes out, until it is unfrozen. The ledger's trigger enforces it."""

from uuid import UUID

from django.db import transaction
from django.utils import timezone

from banking import ledger
from banking.ledger.refusals import LedgerRefusal
from banking.models import Account, AccountFreeze
from banking.oversight import own_money
from banking.oversight.audit import Officer, record


class NotFreezable(LedgerRefusal):
    code = "account_not_freezable"
    title = "Only an open account of a customer can be frozen."
    status = 409


class NotFrozen(LedgerRefusal):
    code = "account_not_frozen"
    title = "The account is not frozen."
    status = 409


class SamePerson(LedgerRefusal):
    code = "unfreezing_by_same_person"
    title = "You have frozen this account yourself. Somebody else must unfreeze it."
    status = 403


@transaction.atomic
def freeze(account_id: UUID, *, by: Officer, reason: str) -> Account:
    account = _locked(account_id)
    if account.kind != Account.Kind.CUSTOMER or account.status != Account.Status.OPEN:
        raise NotFreezable
    AccountFreeze.objects.create(account=account, reason=reason, frozen_by=by.user)
    return _set(account, Account.Status.FROZEN, "account_frozen", by, reason)


@transaction.atomic
def unfreeze(account_id: UUID, *, by: Officer, reason: str) -> Account:
    """By another than who froze it, who has no access to it. Everybody may freeze, their own accounts too."""
    account = _locked(account_id)
    if account.status != Account.Status.FROZEN:
        raise NotFrozen
    own_money.check(by, [account.pk])
    frozen = AccountFreeze.objects.filter(account=account, unfrozen_by=None).first()
    if frozen is not None:  # none where it was frozen before such rows were kept
        if frozen.frozen_by_id == by.user.pk:
            raise SamePerson
        frozen.unfrozen_by, frozen.unfrozen_at, frozen.unfreeze_reason = by.user, timezone.now(), reason
        frozen.save(update_fields=["unfrozen_by", "unfrozen_at", "unfreeze_reason"])
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
