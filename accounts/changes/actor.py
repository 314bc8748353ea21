"""The user who makes a change, for code that gets no request: `save()` and `delete()`."""

from allauth.core import context
from django.http import HttpRequest

from accounts.models import User


def request() -> HttpRequest | None:
    """The current request. None in commands and in the shell."""
    current: HttpRequest | None = context.request
    return current


def staff(user: User) -> User | None:
    """The member of staff who changes the account of `user`. None if the user makes the change, or a command or the
    shell.
    """
    current = request()
    if current is None or not isinstance(current.user, User) or current.user == user:
        return None
    return current.user
