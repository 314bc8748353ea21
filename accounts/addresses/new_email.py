"""The change of a user's email at the request of staff.

Another member of staff must approve the change. Whoever reads the mailbox can log in by a link or a code, so no member
of staff, not even a superuser, may change it alone (NIST SP 800-53 AC-5, separation of duties).
"""

from typing import Any

from allauth.account.models import EmailAddress
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.utils import timezone

from accounts import changes, notices
from accounts.changes import actor
from accounts.models import NewEmail, User, UserManager


def checked(given: str, *, user: User | None) -> str:
    """Raises ValidationError if the email belongs to another user."""
    email = UserManager.normalize_email(given)
    if EmailAddress.objects.filter(email=email, verified=True).exclude(user=user).exists():
        raise ValidationError("This email belongs to another user.")
    return email


@transaction.atomic
def ask(user: User, email: str, by: Any) -> NewEmail:
    """Tells the user by email, because the user may not know of the request. An earlier request that is still open is
    withdrawn, so each user has at most one open request.
    """
    User.objects.select_for_update(of=("self",)).get(pk=user.pk)
    waiting = NewEmail.objects.filter(user=user, decided_at=None)
    if same := waiting.filter(email=email).first():
        return same
    waiting.update(decided_by=by, decided_at=timezone.now())
    verified = EmailAddress.objects.filter(user=user, verified=True).values_list("email", flat=True)
    for address in sorted({user.email, *verified}):
        notices.enqueue_notice("new_email_asked", user, actor.request(), to=address, by=by)
    return NewEmail.objects.create(user=user, email=email, asked_by=by)


@transaction.atomic
def approve(asked: NewEmail, by: Any) -> None:
    """Raises PermissionDenied if `by` is the requester or the user, if the requester may no longer change users, or if
    the request was already decided. Raises ValidationError if the account was closed or another user now has the email.
    """
    user, waiting = _waiting(asked)
    # The requester may have been deleted; then nobody can show that the approver is somebody else.
    requester = waiting.asked_by
    if requester is None or by.pk in (requester.pk, user.pk):
        raise PermissionDenied("Another member of staff must approve a new email.")
    # ASVS 5.0 8.3.2. A disabled user has no permissions.
    if not requester.has_perm("accounts.change_user"):
        raise PermissionDenied(
            "The member of staff who asked for this may no longer change users. Reject it; somebody else can ask again."
        )
    if user.closed_at is not None:
        raise ValidationError(changes.why_inactive(user))
    email = checked(waiting.email, user=user)
    if User.objects.filter(email=email).exclude(pk=user.pk).exists():
        raise ValidationError("This email belongs to another user.")
    _decide(waiting, by, is_approved=True)
    changes.replace_address(user, email)


@transaction.atomic
def reject(asked: NewEmail, by: Any) -> None:
    """The requester, too, may reject (withdraw) it."""
    _user, waiting = _waiting(asked)
    _decide(waiting, by, is_approved=False)


def _waiting(asked: NewEmail) -> tuple[User, NewEmail]:
    user = User.objects.select_for_update(of=("self",)).get(pk=asked.user_id)
    waiting = NewEmail.objects.select_for_update(of=("self",)).filter(pk=asked.pk, decided_at=None).first()
    if waiting is None:
        raise PermissionDenied("This request was already decided.")
    return user, waiting


def _decide(waiting: NewEmail, by: Any, *, is_approved: bool) -> None:
    waiting.decided_by, waiting.decided_at, waiting.is_approved = by, timezone.now(), is_approved
    waiting.save(update_fields=["decided_by", "decided_at", "is_approved"])
