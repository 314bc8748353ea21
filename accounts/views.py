"""Pages that are ours; the rest of log-in is allauth's."""

from typing import Any
from urllib.parse import urlencode

from allauth.account.views import LoginView as AllauthLoginView
from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST
from django.views.i18n import set_language

from accounts import second_factors
from oauth.authorize import interaction


def home(request: HttpRequest) -> HttpResponse:
    return render(request, "home.html")


@require_POST
def choose_language(request: HttpRequest) -> HttpResponse:
    """For this browser, as Django does it, and for mail to who is logged in."""
    language = request.POST.get("language", "")
    if request.user.is_authenticated and language in dict(settings.LANGUAGES):
        request.user.speak(language)
    return set_language(request)


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


class LoginView(AllauthLoginView):
    def get_form(self, *args: Any, **kwargs: Any) -> Any:
        """A browser that can offers passkeys in the address field (WebAuthn §5.1.4, conditional mediation)."""
        form = super().get_form(*args, **kwargs)
        form.fields["login"].widget.attrs["autocomplete"] = "username webauthn"
        return form

    def get_initial(self) -> dict[str, Any]:
        """OpenID Connect Core §3.1.2.1 `login_hint`: what the app believes to know is filled in, no more."""
        asking = interaction.asking_client(self.request)
        return {"login": asking.login_hint} if asking and asking.login_hint else super().get_initial()
