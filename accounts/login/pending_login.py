"""Ends an unfinished login when the user's password, emails, state or session generation has changed since it began, or
when it waits for a second factor and the user has none any more.

Otherwise a code sent to a removed email, or the old password, would still complete the login (ASVS 5.0 6.5.5, 7.4.3),
because allauth keeps an unfinished login in the browser session. Without a second factor, allauth's page for it and the
login page would redirect to each other until the login expires.
"""

from collections.abc import Callable

from allauth.account.internal.stagekit import LOGIN_SESSION_KEY, clear_login
from allauth.account.models import EmailAddress
from allauth.mfa.stages import AuthenticateStage
from django.http import HttpRequest, HttpResponseBase
from django.utils.crypto import constant_time_compare, salted_hmac

from accounts import second_factors
from accounts.models import User

_KEY = "accounts.pending"


class PendingLoginMiddleware:
    """Must come after SessionMiddleware."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if not request.path_info.startswith("/accounts/"):
            return self.get_response(request)
        if _is_stale(request):
            clear_login(request)
        response = self.get_response(request)
        _mark(request)
        return response


def _is_stale(request: HttpRequest) -> bool:
    """A login without a fingerprint is stale, too."""
    pending = _pending(request)
    if pending is None:
        return False
    user_id, began = pending
    marked = request.session.get(_KEY) or [None, ""]
    if marked[0] != began or not constant_time_compare(marked[1], _fingerprint(user_id)):
        return True
    return _waits_for_factor(request) and not second_factors.types_of(User(pk=user_id))


def _waits_for_factor(request: HttpRequest) -> bool:
    state = request.session[LOGIN_SESSION_KEY].get("state") or {}
    return bool(state.get("stages", {}).get("current") == AuthenticateStage.key)


def _mark(request: HttpRequest) -> None:
    """Stores the user's fingerprint in the session when a login begins."""
    pending = _pending(request)
    if pending is None:
        return
    user_id, began = pending
    if (request.session.get(_KEY) or [None])[0] != began:
        request.session[_KEY] = [began, _fingerprint(user_id)]


def _pending(request: HttpRequest) -> tuple[str, float] | None:
    """The primary key of the user whose login is unfinished, and when it began. None if there is no such user."""
    data = request.session.get(LOGIN_SESSION_KEY)
    if not isinstance(data, dict) or not data.get("user_pk"):
        return None
    return data["user_pk"], data["initiated_at"]


def _fingerprint(user_id: str) -> str:
    user = User.objects.filter(pk=user_id).first()
    if user is None:
        return ""
    verified = EmailAddress.objects.filter(user=user, verified=True).order_by("email").values_list("email", flat=True)
    parts = [user.get_session_auth_hash(), str(user.is_active), user.email, *verified]
    return salted_hmac(_KEY, "\n".join(parts), algorithm="sha256").hexdigest()
