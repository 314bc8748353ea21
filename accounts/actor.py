"""Who is acting, where the act itself is told nothing of a request: a save, a deletion."""

from allauth.core import context
from django.http import HttpRequest

from accounts.models import User


def request() -> HttpRequest | None:
    """The page's request. None for commands and the shell."""
    current: HttpRequest | None = context.request
    return current


def staff(user: User) -> User | None:
    """Who does this to somebody else's user account. None for the user, for commands and for the shell."""
    current = request()
    if current is None or not isinstance(current.user, User) or current.user == user:
        return None
    return current.user
