"""A holder invites somebody by email to see an account, pay from it, or hold it jointly.

The invited user accepts in the web bank. The user who invites does not learn whether the email address belongs to a
user.
"""

from uuid import UUID

from django.contrib.auth import get_user_model
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils import timezone

from banking import notices
from banking.account_life.functions import call, last_act
from banking.account_life.refusals import AlreadyInvited, InvitationOver, MayNotInvite, TooMany
from banking.account_life.telling import tell_holders
from banking.models import Account, AccountAccess, AccountInvitation, Role
from banking.models.role import HOLDING, MAY_INVITE
from banking.notices import Kind
from banking.payments.refusals import NotTheirs, StrongProofNeeded
from oauth.infrastructure import rate_limits
from oauth.infrastructure.rate_limits import Limit, LimitReached

LIMIT = Limit("account-invitations", 10, seconds=86_400)


@transaction.atomic
def invite(account_id: UUID, email: str, role: str, *, by: UUID, is_proven: bool) -> AccountInvitation:
    """Notifies the user with this email address, if there is one. Raises StrongProofNeeded, MayNotInvite,
    AlreadyInvited or TooMany.
    """
    if not is_proven:
        raise StrongProofNeeded
    if role not in may_invite(account_id, by):
        raise MayNotInvite
    try:
        rate_limits.spend(LIMIT, str(by))
    except LimitReached as error:
        raise TooMany from error
    email = email.strip().lower()
    _end_expired(account_id)
    if AccountAccess.objects.filter(account=account_id, **{f"user__{_field()}__iexact": email}).exists():
        raise AlreadyInvited
    try:
        with transaction.atomic():
            made = AccountInvitation.objects.create(account_id=account_id, email=email, role=role, invited_by_id=by)
    except IntegrityError as error:
        if open_ones(account_id).filter(email=email).exists():
            raise AlreadyInvited from error
        raise
    invited = get_user_model()._default_manager.filter(**{f"{_field()}__iexact": email, "is_active": True}).first()
    if invited is not None:
        notices.enqueue_notice(Kind.INVITED, made.pk, to=invited.pk)
    return made


@transaction.atomic
def accept(invitation_id: UUID, *, by: UUID, is_proven: bool) -> None:
    """Accepts the invitation for the user, and notifies all holders of the account. Raises NotTheirs, InvitationOver,
    or StrongProofNeeded for a joint account: payments to it are payments to an account of one's own, so it would be a
    new payee without the limits and the fresh login of one (SCA-RTS art. 13).
    """
    invitation = _for(by, invitation_id)
    if invitation.role in HOLDING and not is_proven:
        raise StrongProofNeeded
    if not call("accept_invitation", invitation_id, by):
        raise InvitationOver
    tell_holders(Kind.ACCESS_GIVEN, last_act(invitation.account_id, user_id=by), also=by)


def decline(invitation_id: UUID, *, by: UUID) -> None:
    invitation = _for(by, invitation_id)
    if not call("end_invitation", invitation.pk, AccountInvitation.Status.DECLINED):
        raise InvitationOver


def withdraw(invitation_id: UUID, *, by: UUID) -> None:
    """Withdraws an invitation, for a user who could have sent it. Raises NotTheirs, or InvitationOver."""
    invitation = AccountInvitation.objects.filter(pk=invitation_id).first()
    if invitation is None or invitation.role not in may_invite(invitation.account_id, by):
        raise NotTheirs
    if not call("end_invitation", invitation.pk, AccountInvitation.Status.WITHDRAWN):
        raise InvitationOver


def withdraw_all_of(user_id: UUID) -> None:
    """Withdraws the open invitations that the user has sent."""
    for pk in AccountInvitation.objects.filter(invited_by=user_id, status=AccountInvitation.Status.OPEN).values_list(
        "pk", flat=True
    ):
        call("end_invitation", pk, AccountInvitation.Status.WITHDRAWN)


def may_invite(account_id: UUID, user_id: UUID) -> tuple[Role, ...]:
    """The roles that this user may give for this account."""
    access = AccountAccess.objects.filter(account=account_id, user=user_id).exclude(
        account__status=Account.Status.CLOSED
    )
    role = access.values_list("role", flat=True).first()
    return MAY_INVITE.get(Role(role), ()) if role else ()


def for_user(user_id: UUID) -> QuerySet[AccountInvitation]:
    """The invitations that a user can answer: those to the user's own confirmed email address."""
    email = get_user_model()._default_manager.filter(pk=user_id).values_list(_field(), flat=True).first()
    found = AccountInvitation.objects.filter(email=(email or "").lower(), status=AccountInvitation.Status.OPEN)
    # No user may have both play money and real money.
    found = found.filter(account__in=Account.objects.like_those_of(user_id))
    return found.filter(expires_at__gt=timezone.now()).exclude(email="").select_related("account", "invited_by")


def open_ones(account_id: UUID) -> QuerySet[AccountInvitation]:
    found = AccountInvitation.objects.filter(account=account_id, status=AccountInvitation.Status.OPEN)
    return found.filter(expires_at__gt=timezone.now()).order_by("-id")


def _for(user_id: UUID, invitation_id: UUID) -> AccountInvitation:
    invitation = for_user(user_id).filter(pk=invitation_id).first()
    if invitation is None:
        raise NotTheirs
    return invitation


def _end_expired(account_id: UUID) -> None:
    expired = AccountInvitation.objects.filter(
        account=account_id, status=AccountInvitation.Status.OPEN, expires_at__lte=timezone.now()
    )
    for pk in expired.values_list("pk", flat=True):
        call("end_invitation", pk, AccountInvitation.Status.WITHDRAWN)


def _field() -> str:
    return get_user_model().get_email_field_name()
