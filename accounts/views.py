"""Pages that are ours; the rest of log-in is allauth's."""

from typing import Any
from urllib.parse import urlencode

from allauth.account.views import LoginView as AllauthLoginView
from allauth.account.views import SignupView as AllauthSignupView
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme

from accounts import known_device, second_factors
from oauth.authorization import interaction


def home(request: HttpRequest) -> HttpResponse:
    return render(request, "home.html")


@login_required
def stronger(request: HttpRequest) -> HttpResponseBase:
    """A log-in by more than a password (RFC 9470): to the page of the second factor that this person has."""
    way_back = request.GET.get("next", "")
    if not url_has_allowed_host_and_scheme(way_back, allowed_hosts=None):
        way_back = ""
    factors = second_factors.of(request.user)
    if not factors:
        return HttpResponseRedirect(reverse("mfa_index"))
    page = "mfa_reauthenticate" if "totp" in factors else "mfa_reauthenticate_webauthn"
    query = f"?{urlencode({'next': way_back})}" if way_back else ""
    return HttpResponseRedirect(f"{reverse(page)}{query}")


class _ForAnApp:
    """Says which app is asking, and remembers the browser of whoever got in."""

    request: HttpRequest

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        response: HttpResponseBase = super().dispatch(request, *args, **kwargs)  # type: ignore[misc]
        if request.method == "POST" and request.user.is_authenticated:
            known_device.remember(request, response, request.user)
        return response

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context_data(**kwargs)  # type: ignore[misc]
        return context | {"asking_client": interaction.asking_client(self.request)}


class LoginView(_ForAnApp, AllauthLoginView):
    def get_initial(self) -> dict[str, Any]:
        """OpenID Connect Core §3.1.2.1 `login_hint`: what the app believes to know is filled in, no more."""
        asking = interaction.asking_client(self.request)
        return {"login": asking.login_hint} if asking and asking.login_hint else super().get_initial()


class SignupView(_ForAnApp, AllauthSignupView):
    pass
