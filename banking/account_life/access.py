"""Ending a user's access to an account."""

from uuid import UUID

from django.db import transaction

from banking.account_life.ending import end_all_of_user
from banking.account_life.functions import call, last_act
from banking.account_life.refusals import NoSuchAccess
from banking.account_life.telling import tell_holders
from banking.notices import Kind


@transaction.atomic
def end_access(account_id: UUID, whose: UUID, *, by: UUID) -> None:
    """Ends the access of the user `whose`. `by` is this user, or one who could have given this access. Notifies all
    holders. Raises NoSuchAccess, also for the owner, whose access ends only when the account is closed.
    """
    _end(account_id, whose, by, is_officer=False, reason="left" if by == whose else "ended by a holder")


@transaction.atomic
def end_access_by_officer(account_id: UUID, whose: UUID, *, officer: UUID, reason: str) -> None:
    _end(account_id, whose, officer, is_officer=True, reason=reason)


def _end(account_id: UUID, whose: UUID, actor: UUID, *, is_officer: bool, reason: str) -> None:
    end_all_of_user(account_id, whose)
    if not call("end_access", account_id, whose, actor, is_officer, reason):
        raise NoSuchAccess
    tell_holders(Kind.ACCESS_ENDED, last_act(account_id, user_id=whose), also=whose)
