"""Reauthentication of a user who has no way to reauthenticate: without a password, a second factor and an identity
provider, for example after “This wasn't me” and a login with a code.

The user logs out and logs in again, which counts as a recent login. A code from the mailbox alone is no
reauthentication (ASVS 5.0 7.5.1), but it is how this user logs in.
"""

from typing import Any

from allauth.account.adapter import get_adapter
from allauth.account.utils import get_next_redirect_url
from allauth.account.views import ReauthenticateView as AllauthReauthenticateView
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse

from accounts.login import next_url


class ReauthenticateView(AllauthReauthenticateView):
    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if request.user.is_authenticated and not get_adapter().get_reauthentication_methods(request.user):
            return _log_in_again(request)
        answer: HttpResponseBase = super().dispatch(request, *args, **kwargs)
        return answer


def _log_in_again(request: HttpRequest) -> HttpResponse:
    if request.method != "POST":
        return render(request, "account/log_in_again.html")
    login = next_url.with_next(reverse("account_login"), get_next_redirect_url(request) or "")
    logout(request)
    return HttpResponseRedirect(login, status=303)
