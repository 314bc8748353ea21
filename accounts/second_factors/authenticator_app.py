"""The pages that turn the authenticator app on and off."""

from typing import Any

from allauth.mfa.models import Authenticator
from allauth.mfa.totp.views import activate_totp, deactivate_totp
from django.contrib.auth.decorators import login_required
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.urls import reverse

from accounts.second_factors.factors import types_of


@login_required
def activate(request: HttpRequest) -> HttpResponseBase:
    """If the app is already on, for example after a double click, shows the overview. allauth would offer to turn it
    off, or refuse the code, because the first click has used it.
    """
    if _is_on(request.user):
        return _overview()
    answer = activate_totp(request)
    is_refused = request.method == "POST" and answer.status_code == 200
    return _overview() if is_refused and _is_on(request.user) else answer


@login_required
@transaction.atomic
def deactivate(request: HttpRequest) -> HttpResponseBase:
    """Removes the factor and enqueues the notice in one transaction. If the app is already off, shows
    the overview.
    """
    return deactivate_totp(request) if _is_on(request.user) else _overview()


def _is_on(user: Any) -> bool:
    return Authenticator.Type.TOTP in types_of(user)


def _overview() -> HttpResponse:
    return HttpResponseRedirect(reverse("mfa_index"))
