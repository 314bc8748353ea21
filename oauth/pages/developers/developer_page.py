"""The base class of the portal's pages, which only developers can open. Some actions require a recent login."""

from datetime import timedelta
from typing import Any

from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse

from oauth.clients.self_service.host import developers
from oauth.clients.self_service.ownership import why_not_a_developer
from oauth.conf import conf
from oauth.infrastructure import clock
from oauth.models import Client
from oauth.pages.user_page import UserPage
from oauth.sessions.authentication_context import login_of

#: ASVS 5.0 7.5.3: actions on a secret, or that cannot be undone, require a login within this time.
PROOF_MAX_AGE = timedelta(minutes=10)


class DeveloperPage(UserPage):
    endpoint = "developers"

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if developers() is None:
            raise Http404
        if request.user.is_authenticated and (why := why_not_a_developer(request.user)):
            return render(request, "oauth/developers/not_yet.html", {"why": why}, status=403)
        return super().dispatch(request, *args, **kwargs)

    def show(self, template: str, status: int = 200, **context: Any) -> HttpResponse:
        return render(self.request, f"oauth/developers/{template}.html", context, status=status)


def to_app(client: Client) -> HttpResponseRedirect:
    return HttpResponseRedirect(reverse("oauth:developer-app", args=[client.pk]), status=303)


def proof_needed(request: HttpRequest, back: str) -> HttpResponse | None:
    """A redirect to reauthentication and then to `back`; None if the login is recent."""
    login = login_of(request)
    if login is not None and clock.now() - login.auth_time < PROOF_MAX_AGE:
        return None
    answer = redirect_to_login(back, login_url=conf.REAUTHENTICATION_URL)
    answer.status_code = 303
    return answer
