"""Closing an account without money: in the same transaction, its interest is paid out and the charges that it owes are
paid.
"""

from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from banking import direct_debits, end_of_day, ledger, webhooks
from banking.account_life.ending import end_all_of_account
from banking.account_life.functions import call, last_act
from banking.account_life.refusals import NotClosable, OtherAccountNeeded
from banking.account_life.telling import tell_holders
from banking.models import Account, AccountAccess, Event, Role
from banking.models.account_queryset import AccountQuerySet
from banking.models.role import HOLDING
from banking.notation import amounts
from banking.notices import Kind
from banking.payments.refusals import StrongProofNeeded


@transaction.atomic
def close(account_id: UUID, *, by: UUID, is_proven: bool, other_id: UUID | None = None) -> None:
    """Closes the account for its owner. Users still see the account and its statements. `other_id` is another account
    of the owner, one of `others_of`: interest that the closing account has earned goes there, and charges that it owes
    are paid from there.

    Raises StrongProofNeeded; OtherAccountNeeded if there is interest or a charge and no such account; or NotClosable if
    the account has money, holds or a payment on its way, or is frozen, or if the user does not own it.
    """
    if not is_proven:
        raise StrongProofNeeded
    if not AccountAccess.objects.filter(account=account_id, user=by, role=Role.OWNER).exists():
        raise NotClosable
    _close(account_id, by, other_id, is_officer=False, reason="closed by its owner")


@transaction.atomic
def close_by_officer(account_id: UUID, *, officer: UUID, reason: str) -> None:
    """Interest that the account has earned goes to the oldest other account of its owner. Charges that it owes are
    waived, because officers do not debit another account. Raises OtherAccountNeeded or NotClosable.
    """
    other = others_of(Account.objects.get(pk=account_id)).first()
    _close(account_id, officer, other.pk if other else None, is_officer=True, reason=reason)


def others_of(account: Account) -> AccountQuerySet:
    """The open accounts of the owner in this currency that they may use, the oldest first."""
    others = Account.objects.filter(access__user=account.holder_id, access__role__in=HOLDING, currency=account.currency)
    return (
        others.filter(status=Account.Status.OPEN, dormant_since=None).exclude(pk=account.pk).order_by("opened_at", "pk")
    )


def _close(account_id: UUID, actor: UUID, other_id: UUID | None, *, is_officer: bool, reason: str) -> None:
    end_all_of_account(account_id)
    found = {one.pk: one for one in ledger.lock([one for one in (account_id, other_id) if one])}
    account, other = found[account_id], found.get(other_id) if other_id else None
    if other is not None and not others_of(account).filter(pk=other.pk).exists():
        raise OtherAccountNeeded
    if account.status == Account.Status.OPEN:
        _settle(account, other, is_officer=is_officer)
    if not call("close_account", account_id, actor, is_officer, reason):
        raise NotClosable
    direct_debits.end_all_of_account(account_id)
    tell_holders(Kind.ACCOUNT_CLOSED, last_act(account_id))


def _settle(account: Account, other: Account | None, *, is_officer: bool) -> None:
    """Posts the final charges. The only money that the account may have is what was paid in for these charges."""
    final = end_of_day.final_charges(account)
    rest_minor = account.posted_minor + final.amount_minor
    if account.posted_minor and rest_minor:
        raise NotClosable
    if rest_minor < 0 and not is_officer:
        _move(_or_refuse(other, account, rest_minor), account, -rest_minor, closing=account)
        account.posted_minor -= rest_minor
    rest_minor = end_of_day.post_final_charges(account, final, are_waived=is_officer)
    if rest_minor:
        _move(account, _or_refuse(other, account, rest_minor), rest_minor, closing=account)


def _or_refuse(other: Account | None, account: Account, rest_minor: int) -> Account:
    if other is not None:
        return other
    words = (
        _("The account has earned %(amount)s in interest. Choose another of your accounts to receive it.")
        if rest_minor > 0
        else _("The account owes %(amount)s in interest and fees. Pay it from another of your accounts, or pay it in.")
    )
    raise OtherAccountNeeded(words % {"amount": amounts.with_code(account.currency, abs(rest_minor))})


def _move(source: Account, destination: Account, amount_minor: int, *, closing: Account) -> None:
    posted = ledger.post(
        [(source, -amount_minor), (destination, amount_minor)],
        description=f"Closing of {closing.name}"[:140],
        kind="transfer",
    )
    webhooks.announce([(Event.TRANSACTION_BOOKED, one.pk, posted.pk) for one in (source, destination)])
