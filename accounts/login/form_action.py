"""Allows the login forms to redirect to the app that requested the login (CSP `form-action`)."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from accounts.login import next_url
from oauth.conf import conf

_PAGES = ("login", "signup", "reauthenticate", "stronger", "2fa", "social", "confirm-email", "password/reset")
_LOGIN_PATHS = tuple(f"/accounts/{page}/" for page in _PAGES)
# These pages have one button, whose form redirects to an identity provider.
_PROVIDER_PATHS = "/accounts/oidc/"


class FormActionMiddleware:
    """Browsers apply `form-action` also to redirects that follow a form: from the login to /oauth/authorize, and from
    there to the app. Must come after CSPMiddleware, which merges the sources into the site's policy.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        # Look up the app before the view runs, because the view may end the session, which stores where the login
        # leads.
        asking = next_url.asking_client(request) if request.path_info.startswith(_LOGIN_PATHS) else None
        response = self.get_response(request)
        sources = list(asking.form_action) if asking else []
        if request.path_info.startswith(_PROVIDER_PATHS):
            sources = ["https:", *(f"http://{host}" for host in conf.OUTBOUND_ALLOWED_HOSTS)]
        if sources:
            response._csp_update = {"form-action": sources}  # type: ignore[attr-defined]  # django-csp reads it
        return response
