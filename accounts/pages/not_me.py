"""“This wasn't me”: a user who does not recognize an event ends all access and gets a link to choose a new password.

If an attacker in the user's session uses it, their access ends, too, and only the owner of the mailbox gets the link.
"""

from typing import Any

from allauth.account.forms import default_token_generator
from allauth.account.internal.flows.password_reset import request_password_reset
from django.contrib.auth import logout
from django.contrib.auth.decorators import login_required
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from accounts.changes import acts
from accounts.login import resending
from accounts.models import User
from oauth.infrastructure import rate_limits
from oauth.infrastructure.rate_limits import LimitReached


@require_http_methods(["GET", "POST"])
@login_required
def not_me(request: HttpRequest) -> HttpResponse:
    if request.method == "GET":
        return render(request, "account/not_me.html")
    try:
        rate_limits.spend_page("not-me", request)
    except LimitReached:
        return render(request, "account/not_me.html", status=429)
    user: Any = request.user
    email = user.email
    with transaction.atomic():
        _end_everything(user)
    request_password_reset(request, user.email, [user], default_token_generator)
    logout(request)
    resending.remember(request, "reset", email)
    return HttpResponseRedirect(reverse("account_reset_password_done"), status=303)


def _end_everything(user: User) -> None:
    """Removes the password, which also ends browser sessions, the access of apps and the trust in browsers."""
    user.is_being_secured = True
    acts.set_password(user, None)
