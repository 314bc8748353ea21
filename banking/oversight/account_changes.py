"""Decisions of two officers about an account: a higher overdraft, or access for a user. One asks, another approves or
declines; those who may decide are notified by email. Lowering an overdraft or ending an access needs only one officer.

Officers never act on an account that they have access to.
"""

from uuid import UUID

from django.contrib.auth import get_user_model
from django.db import IntegrityError, transaction

from banking import ledger
from banking.account_life import access, closing
from banking.account_life.functions import call, last_act
from banking.account_life.officers import tell_officers
from banking.account_life.refusals import NoSuchAccess
from banking.account_life.sandbox import is_sandbox_customer
from banking.account_life.telling import tell_holders
from banking.ledger.refusals import InsufficientFunds, NotAllowed, Refusal, WrongState
from banking.models import Account, AccountAccess, AccountChange, Role
from banking.notation.currencies import PLAY_MONEY
from banking.notices import Kind
from banking.oversight.audit import Officer, record
from banking.oversight.own_money import refuse_own_money
from banking.oversight.requester import refuse_former, refuse_insider


class ChangeRequested(WrongState):
    code = "account_change_requested"
    title = "The same change was requested before and waits for a second officer."


class SameUser(NotAllowed):
    code = "account_change_by_same_person"
    title = "You have asked for this change, or it gives you access. Somebody else must decide."


class AlreadyDecided(WrongState):
    code = "account_change_already_decided"
    title = "The request was approved or declined before."


class NotPossible(WrongState):
    code = "account_change_not_possible"
    title = (
        "This cannot be carried out: the account or user has changed, the account's product allows no overdraft, or "
        "only one of account and user belongs to the sandbox."
    )


class NoSuchUser(Refusal):
    code = "no_such_user"
    title = "No active user has this email address."


def request_overdraft(account_id: UUID, overdraft_minor: int, *, by: Officer, reason: str) -> AccountChange:
    """Requests a higher overdraft. Raises NotPossible if it is not higher, the account is not open, or its product
    allows none.
    """
    account = Account.objects.select_related("product").get(pk=account_id)
    if not _may_have(account, overdraft_minor):
        raise NotPossible
    return _ask(
        AccountChange(account=account, kind=AccountChange.Kind.OVERDRAFT, overdraft_minor=overdraft_minor), by, reason
    )


def request_access(account_id: UUID, email: str, role: str, *, by: Officer, reason: str) -> AccountChange:
    """Requests access for the user with this email address. Raises NoSuchUser, SameUser, or NotPossible."""
    account = Account.objects.get(pk=account_id)
    users = get_user_model()
    field = users.get_email_field_name()
    user = users._default_manager.filter(**{f"{field}__iexact": email.strip(), "is_active": True}).first()
    if user is None:
        raise NoSuchUser
    if user.pk == by.user.pk:
        raise SameUser
    has_it = AccountAccess.objects.filter(account=account, user=user, role__in=(Role.OWNER, role)).exists()
    if (account.currency == PLAY_MONEY) != is_sandbox_customer(user.pk):
        raise NotPossible
    if has_it or account.kind != Account.Kind.CUSTOMER or account.status == Account.Status.CLOSED:
        raise NotPossible
    return _ask(AccountChange(account=account, kind=AccountChange.Kind.ACCESS, user=user, role=role), by, reason)


@transaction.atomic
def approve_change(change_id: UUID, *, by: Officer, reason: str = "") -> AccountChange:
    """Approves the change and carries it out in one transaction. Raises AlreadyDecided, SameUser, OwnMoney,
    RequesterNotAllowed, RequesterHasAccess or NotPossible.
    """
    change = _open_change(change_id, by)
    refuse_former(change.requested_by, "banking.request_accountchange")
    refuse_insider(change.requested_by, [change.account_id])
    ledger.lock([change.account_id])
    try:
        with transaction.atomic():
            is_done = call("approve_account_change", change.pk, by.user.pk, reason)
    except IntegrityError as error:
        if _constraint_of(error) == "account_change_possible":
            raise NotPossible from error
        raise
    if not is_done:
        raise AlreadyDecided
    change.refresh_from_db()
    _record("account_change_approved", change, by, f"{change.reason} {reason}".strip())
    kind = Kind.OVERDRAFT_CHANGED if change.kind == AccountChange.Kind.OVERDRAFT else Kind.ACCESS_GIVEN
    tell_holders(kind, last_act(change.account_id, user_id=change.user_id), also=change.user_id)
    return change


@transaction.atomic
def decline_change(change_id: UUID, *, by: Officer, reason: str) -> AccountChange:
    change = _open_change(change_id, by)
    if not call("decline_account_change", change.pk, by.user.pk, reason):
        raise AlreadyDecided
    change.refresh_from_db()
    _record("account_change_declined", change, by, reason)
    return change


@transaction.atomic
def lower_overdraft(account_id: UUID, overdraft_minor: int, *, by: Officer, reason: str) -> Account:
    """Lowers the overdraft; one officer is enough. Raises NotPossible, or InsufficientFunds if the account uses more of
    its overdraft.
    """
    (account,) = ledger.lock([account_id])
    refuse_own_money(by, [account_id])
    try:
        with transaction.atomic():
            is_done = call("lower_overdraft", account_id, overdraft_minor, by.user.pk, reason)
    except IntegrityError as error:
        if _constraint_of(error) == "no_overdraft":
            raise InsufficientFunds("The account uses more of its overdraft than this.") from error
        raise
    if not is_done:
        raise NotPossible
    record("overdraft_lowered", by=by, about=account.holder_id, reason=f"Account {account_id}: {reason}")
    tell_holders(Kind.OVERDRAFT_CHANGED, last_act(account_id))
    account.refresh_from_db()
    return account


@transaction.atomic
def end_access(account_id: UUID, email: str, *, by: Officer, reason: str) -> None:
    """Ends a user's access; one officer is enough. Raises NoSuchAccess for a user without access, and for the owner."""
    refuse_own_money(by, [account_id])
    field = get_user_model().get_email_field_name()
    found = AccountAccess.objects.filter(account=account_id, **{f"user__{field}__iexact": email.strip()}).first()
    if found is None:
        raise NoSuchAccess
    access.end_access_by_officer(account_id, found.user_id, officer=by.user.pk, reason=reason)
    record("access_ended", by=by, about=found.user_id, reason=f"Account {account_id}: {reason}")


@transaction.atomic
def close_account(account_id: UUID, *, by: Officer, reason: str) -> None:
    """Raises NotClosable while the account has money, holds or a payment on its way, or is not open."""
    refuse_own_money(by, [account_id])
    closing.close_by_officer(account_id, officer=by.user.pk, reason=reason)
    holder = Account.objects.values_list("holder_id", flat=True).get(pk=account_id)
    record("account_closed", by=by, about=holder, reason=f"Account {account_id}: {reason}")


def _may_have(account: Account, overdraft_minor: int) -> bool:
    is_open = account.kind == Account.Kind.CUSTOMER and account.status == Account.Status.OPEN
    allows = account.product is None or account.product.allows_overdraft
    return is_open and allows and overdraft_minor > account.overdraft_minor


def _ask(change: AccountChange, by: Officer, reason: str) -> AccountChange:
    refuse_own_money(by, [change.account_id])
    change.requested_by, change.reason = by.user, reason
    try:
        with transaction.atomic():
            change.save(force_insert=True)
            _record("account_change_requested", change, by, reason)
            but_not = [
                by.user.pk,
                *AccountAccess.objects.filter(account=change.account_id).values_list("user_id", flat=True),
            ]
            tell_officers("banking.approve_accountchange", Kind.CHANGE_REQUESTED, change.pk, but_not=but_not)
    except IntegrityError as error:
        if _constraint_of(error) == "account_change_once_at_a_time":
            raise ChangeRequested from error
        raise
    return change


def _open_change(change_id: UUID, by: Officer) -> AccountChange:
    change = AccountChange.objects.get(pk=change_id)
    if change.status != AccountChange.Status.OPEN:
        raise AlreadyDecided
    if by.user.pk in (change.requested_by_id, change.user_id):
        raise SameUser
    refuse_own_money(by, [change.account_id])
    return change


def _record(act: str, change: AccountChange, by: Officer, reason: str) -> None:
    about = change.user_id or change.account.holder_id
    record(act, by=by, about=about, reason=f"Account {change.account_id}: {change.get_kind_display()}; {reason}")


def _constraint_of(error: IntegrityError) -> str | None:
    return getattr(getattr(error.__cause__, "diag", None), "constraint_name", None)
