"""Guessing at passwords is slowed down by a second proof, never by a refusal.

After a few failures the page asks for a code from the mailbox as well, in one and the same way for a right and for a
wrong password. Guesses then tell nothing, whatever their number, and the owner of the right password still gets in: by
the code, or by a passkey (ASVS 5.0 6.3.1). Strangers' failures neither lock the owner out nor use up the owner's mails.
"""

from allauth.account.internal.stagekit import LOGIN_SESSION_KEY
from allauth.account.models import Login
from django.http import HttpRequest

from accounts import known_device
from accounts.models import User, UserManager
from oauth.errors import TooManyRequests
from oauth.infrastructure import rate_limits
from oauth.infrastructure.rate_limits import Limit

# At one account, from one address or one browser that its owner has logged in from before.
OF_ONE_PLACE = Limit("guesses-of-one-place", 5, seconds=300)
# From one address, at any account.
OF_ONE_ADDRESS = Limit("guesses-of-one-address", 10)
# From all addresses together, at one account: what a botnet may try.
OF_STRANGERS = Limit("strangers", 100, seconds=3600)
# By whoever sits at a browser that is logged in, to prove who they are.
OF_PROOFS = Limit("guesses-of-proofs", 5, seconds=300)

_KEY = "accounts.needs_code"


def is_suspected(request: HttpRequest, email: str) -> bool:
    return any(_is_reached(limit, key) for limit, key in _counts(request, email))


def count(request: HttpRequest, email: str) -> None:
    """One failure."""
    for limit, key in _counts(request, email):
        try:
            rate_limits.spend(limit, *key)
        except TooManyRequests:
            continue


def is_proof_refused(user: User) -> bool:
    return _is_reached(OF_PROOFS, (str(user.pk),))


def count_proof(user: User) -> None:
    try:
        rate_limits.spend(OF_PROOFS, str(user.pk))
    except TooManyRequests:
        return


def demand_code(login: Login) -> None:
    """This login goes on with a code from the mailbox. Without a user it only looks so."""
    login.state[_KEY] = True


def demands_code(login: Login) -> bool:
    return bool(login.state.get(_KEY))


def is_code_demanded_in(request: HttpRequest) -> bool:
    """In this browser, right now."""
    data = request.session.get(LOGIN_SESSION_KEY)
    return isinstance(data, dict) and bool((data.get("state") or {}).get(_KEY))


def _counts(request: HttpRequest, email: str) -> list[tuple[Limit, tuple[str, ...]]]:
    email = UserManager.normalize_email(email)
    device, address = known_device.of(request, email), rate_limits.address_of(request)
    if device is not None:
        return [(OF_ONE_PLACE, (email, device))]
    return [(OF_ONE_PLACE, (email, address)), (OF_ONE_ADDRESS, (address,)), (OF_STRANGERS, (email,))]


def _is_reached(limit: Limit, key: tuple[str, ...]) -> bool:
    try:
        rate_limits.check(limit, *key)
    except TooManyRequests:
        return True
    return False
