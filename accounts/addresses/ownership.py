"""An email belongs to the user who has verified it. If nobody has, it belongs to the user whose main email it is.

Any other email of a user is only a claim. Nobody can log in with it, no code or reset link is sent to it, and another
user can still sign up with it.
"""

from allauth.account.models import EmailAddress
from django.db.models import F, QuerySet

from accounts.models import User, UserManager


def owner_of(email: str) -> User | None:
    email = UserManager.normalize_email(email)
    verified = EmailAddress.objects.filter(email=email, verified=True).select_related("user").first()
    return verified.user if verified else User.objects.filter(email=email).first()


def delete_claims(email: str, *, except_of: User | None = None) -> None:
    """Deletes claims of the email by users other than `except_of`. Call it when a user verifies the email or signs up
    with it.
    """
    _claims(email).exclude(user=except_of).delete()


def _claims(email: str) -> QuerySet[EmailAddress]:
    email = UserManager.normalize_email(email)
    return EmailAddress.objects.filter(email=email, verified=False).exclude(user__email=F("email"))
