"""Pages that are ours; the rest of log-in is allauth's."""

from typing import Any

from allauth.account.views import LoginView as AllauthLoginView
from allauth.account.views import SignupView as AllauthSignupView
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render

from accounts import known_device
from oauth.authorization import interaction


def home(request: HttpRequest) -> HttpResponse:
    return render(request, "home.html")


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
