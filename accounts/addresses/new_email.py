"""The change of a user's email at the request of staff.

It takes effect once another member of staff approves it. Whoever reads the mailbox can log in by a link or a code. So
no member of staff, superusers included, can give a user another mailbox alone (NIST SP 800-53 AC-5, separation of
duties).
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
    """Raises ValidationError for the email of another user."""
    email = UserManager.normalize_email(given)
    if EmailAddress.objects.filter(email=email, verified=True).exclude(user=user).exists():
        raise ValidationError("This email belongs to another user.")
    return email


@transaction.atomic
def ask(user: User, email: str, by: Any) -> NewEmail:
    """Sends the user an email, because the user may not know of the request. An earlier request that is still open is
    withdrawn, so staff who approve see one new email for each user.
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
    """Raises PermissionDenied if the caller is the requester or the user, or if the request was decided before. Raises
    ValidationError if another user has the email by now.
    """
    user, waiting = _waiting(asked)
    # If the user who asked was deleted, the approver may be the same user, so the email must be asked for again.
    if waiting.asked_by_id is None or by.pk in (waiting.asked_by_id, user.pk):
        raise PermissionDenied("Another member of staff must approve a new email.")
    if user.closed_at is not None:
        raise ValidationError("The user has closed this account for good.")
    email = checked(waiting.email, user=user)
    if User.objects.filter(email=email).exclude(pk=user.pk).exists():
        raise ValidationError("This email belongs to another user.")
    _decide(waiting, by, is_approved=True)
    changes.replace_address(user, email)


@transaction.atomic
def reject(asked: NewEmail, by: Any) -> None:
    """The user who made the request may also withdraw it."""
    _user, waiting = _waiting(asked)
    _decide(waiting, by, is_approved=False)


def _waiting(asked: NewEmail) -> tuple[User, NewEmail]:
    user = User.objects.select_for_update(of=("self",)).get(pk=asked.user_id)
    waiting = NewEmail.objects.select_for_update(of=("self",)).filter(pk=asked.pk, decided_at=None).first()
    if waiting is None:
        raise PermissionDenied("This was decided before.")
    return user, waiting


def _decide(waiting: NewEmail, by: Any, *, is_approved: bool) -> None:
    waiting.decided_by, waiting.decided_at, waiting.is_approved = by, timezone.now(), is_approved
    waiting.save(update_fields=["decided_by", "decided_at", "is_approved"])
