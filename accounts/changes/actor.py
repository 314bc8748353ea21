"""The user who makes a change, for code that gets no request: a save or a deletion."""

from allauth.core import context
from django.http import HttpRequest

from accounts.models import User


def request() -> HttpRequest | None:
    """The request of the page. None in commands and in the shell."""
    current: HttpRequest | None = context.request
    return current


def staff(user: User) -> User | None:
    """The member of staff who changes the account of `user`. None if it is the user, a command or the shell."""
    current = request()
    if current is None or not isinstance(current.user, User) or current.user == user:
        return None
    return current.user
