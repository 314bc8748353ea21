"""The page that closes a user account. It shows the obstacles, everything that will end, and the data that the bank
keeps.
"""

from django.conf import settings
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from accounts import closing
from accounts.closing import NotYet
from accounts.login import recent_proof
from accounts.models import User
from oauth.infrastructure import rate_limits
from oauth.infrastructure.rate_limits import LimitReached


@require_http_methods(["GET", "POST"])
@recent_proof.required
def close(request: HttpRequest) -> HttpResponseBase:
    """Requires a recent authentication (ASVS 5.0 7.5.1) and the page's checkbox `confirm`."""
    user = request.user
    assert isinstance(user, User)
    if request.method == "GET":
        return _asked(request, user)
    try:
        rate_limits.spend_page("close-account", request)
    except LimitReached:
        return _asked(request, user, status=429)
    if "confirm" not in request.POST:
        return _asked(request, user, is_unconfirmed=True, status=400)
    try:
        closing.close(user, request)
    except NotYet as refusal:
        return _asked(request, user, refusal.obstacles, status=409)
    logout(request)
    return HttpResponseRedirect(reverse("account_closed"), status=303)


@require_safe
def closed(request: HttpRequest) -> HttpResponse:
    return render(request, "account/closed.html")


def _asked(
    request: HttpRequest,
    user: User,
    obstacles: list[closing.Obstacle] | None = None,
    *,
    is_unconfirmed: bool = False,
    status: int = 200,
) -> HttpResponse:
    context = {
        "obstacles": closing.obstacles(user) if obstacles is None else obstacles,
        "is_unconfirmed": is_unconfirmed,
        "are_records_kept": closing.keeps_records(user.pk),
        "years": round(settings.FORMER_USERS_KEPT.days / 365.25),
    }
    return render(request, "account/close.html", context, status=status)
