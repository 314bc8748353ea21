"""Whose an email address is: the user's who verified it, or else the one whose main address it is.

Any other address is a claim that anybody can make. It lets nobody in, gets no code and no reset link, and keeps nobody
else from signing up with it.
"""

from allauth.account.models import EmailAddress
from django.db.models import F, QuerySet

from accounts.models import User, UserManager


def owner(email: str) -> User | None:
    email = UserManager.normalize_email(email)
    verified = EmailAddress.objects.filter(email=email, verified=True).select_related("user").first()
    return verified.user if verified else User.objects.filter(email=email).first()


def forget_claims(email: str, *, but_of: User | None = None) -> None:
    """Somebody verifies this address or signs up with it: what others only claimed goes."""
    _claims(email).exclude(user=but_of).delete()


def _claims(email: str) -> QuerySet[EmailAddress]:
    email = UserManager.normalize_email(email)
    return EmailAddress.objects.filter(email=email, verified=False).exclude(user__email=F("email"))
