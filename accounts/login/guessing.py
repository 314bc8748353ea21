"""Slows down password guessing by asking for a second proof. Never refuses a login.

After a few failures, the page also asks for an emailed code, whether or not the password is correct. So further guesses
reveal nothing, and the owner can still log in with the code or with a passkey (ASVS 5.0 6.3.1). Strangers can neither
lock the owner out nor use up the owner's emails.
"""

from allauth.account.internal.stagekit import LOGIN_SESSION_KEY
from allauth.account.models import Login
from django.http import HttpRequest

from accounts.browsers import known_device
from accounts.metrics import logins
from accounts.models import User, UserManager
from oauth.infrastructure import rate_limits
from oauth.infrastructure.rate_limits import Limit, LimitReached

# Failures for one user account from one IP address, or from one browser in which its owner has logged in before.
OF_ONE_PLACE = Limit("guesses-of-one-place", 5, seconds=300)
# Failures from one IP address for all user accounts together.
OF_ONE_ADDRESS = Limit("guesses-of-one-address", 10)
# Failures for one user account from all IP addresses together, against a botnet.
OF_STRANGERS = Limit("strangers", 100, seconds=3600)
# Failed reauthentications of one user.
OF_PROOFS = Limit("guesses-of-proofs", 5, seconds=300)

_KEY = "accounts.needs_code"


def is_suspected(request: HttpRequest, email: str) -> bool:
    return any(_is_reached(limit, key) for limit, key in _counts(request, email))


def count(request: HttpRequest, email: str) -> None:
    """Counts one failure."""
    for limit, key in _counts(request, email):
        try:
            rate_limits.spend(limit, *key)
        except LimitReached:
            continue


def is_proof_refused(user: User) -> bool:
    return _is_reached(OF_PROOFS, (str(user.pk),))


def count_proof(user: User) -> None:
    try:
        rate_limits.spend(OF_PROOFS, str(user.pk))
    except LimitReached:
        return


def demand_code(login: Login) -> None:
    """Makes this login continue with an emailed code. For an unknown email, the page looks the same."""
    login.state[_KEY] = True
    logins.labels("code_demanded").inc()


def demands_code(login: Login) -> bool:
    return bool(login.state.get(_KEY))


def is_code_demanded_in(request: HttpRequest) -> bool:
    """Whether the login under way in this browser needs a code."""
    data = request.session.get(LOGIN_SESSION_KEY)
    return isinstance(data, dict) and bool((data.get("state") or {}).get(_KEY))


def _counts(request: HttpRequest, email: str) -> list[tuple[Limit, tuple[str, ...]]]:
    email = UserManager.normalize_email(email)
    device, address = known_device.device_of(request, email), rate_limits.address_of(request)
    if device is not None:
        return [(OF_ONE_PLACE, (email, device))]
    return [(OF_ONE_PLACE, (email, address)), (OF_ONE_ADDRESS, (address,)), (OF_STRANGERS, (email,))]


def _is_reached(limit: Limit, key: tuple[str, ...]) -> bool:
    try:
        rate_limits.check(limit, *key)
    except LimitReached:
        return True
    return False
