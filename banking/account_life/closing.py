"""Closing an account without money."""

from uuid import UUID

from django.db import transaction

from banking.account_life.ending import end_all_of_account
from banking.account_life.functions import call, last_act
from banking.account_life.refusals import NotClosable
from banking.account_life.telling import tell_holders
from banking.notices import Kind
from banking.payments.refusals import StrongProofNeeded


@transaction.atomic
def close(account_id: UUID, *, by: UUID, is_proven: bool) -> None:
    """The owner closes their account. Users keep seeing it and its statements. Raises StrongProofNeeded, or NotClosable
    while it has money, holds or a payment on its way, is frozen, or if the user does not own it."""
    if not is_proven:
        raise StrongProofNeeded
    _close(account_id, by, is_officer=False, reason="closed by its owner")


@transaction.atomic
def close_by_officer(account_id: UUID, *, officer: UUID, reason: str) -> None:
    _close(account_id, officer, is_officer=True, reason=reason)


def _close(account_id: UUID, actor: UUID, *, is_officer: bool, reason: str) -> None:
    end_all_of_account(account_id)
    if not call("close_account", account_id, actor, is_officer, reason):
        raise NotClosable
    tell_holders(Kind.ACCOUNT_CLOSED, last_act(account_id))
