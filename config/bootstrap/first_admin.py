"""The first user of the admin, without a password in arguments, variables or logs."""

import sys
from getpass import getpass

from allauth.account.models import EmailAddress
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import CommandError
from django.core.validators import validate_email
from django.db import transaction

from accounts.models import User, UserManager
from oauth.models import AuditEvent


def ensure_admin(email: str, *, asks_password: bool) -> tuple[User | None, str]:
    """Makes sure that there is an admin. Returns a tuple: the admin who must still choose a password by a link, or
    None; and a sentence that says what was done. Raises CommandError.
    """
    email = UserManager.normalize_email(email)
    admins = list(User.objects.filter(is_superuser=True, is_active=True).order_by("date_joined")[:3])
    if admins:
        waiting = next((one for one in admins if one.email == email and not one.has_usable_password()), None)
        return waiting, f"there is an admin: {', '.join(one.email for one in admins)}"
    if User.objects.filter(email=email).exists():
        # Somebody else may have signed up with this email earlier.
        raise CommandError(f"{email} already belongs to a user who is not an admin. Name another email.")
    try:
        validate_email(email)
        password = _ask(email) if asks_password else None
    except ValidationError as error:
        raise CommandError(f"{email}: {' '.join(error.messages)}") from error
    with transaction.atomic():
        user = User.objects.create_superuser(email, password)
        EmailAddress.objects.create(user=user, email=email, verified=True, primary=True)
        AuditEvent.record(
            AuditEvent.Action.STAFF_ACTED, endpoint="bootstrap", user=str(user.pk), reason="made the first admin"
        )
    return (None if asks_password else user), f"{email} is an admin; made"


def _ask(email: str) -> str:
    if not sys.stdin.isatty():
        raise CommandError("--ask-password needs a terminal. Without it, the last lines have a link.")
    password = getpass(f"Password of {email}: ")
    validate_password(password, User(email=email))
    if getpass("Again: ") != password:
        raise CommandError("The two passwords differ.")
    return password
