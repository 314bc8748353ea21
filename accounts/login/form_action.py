"""Lets the forms of login lead back to the app that asked for the login."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from accounts.login import way_on
from oauth.conf import conf

_PAGES = ("login", "signup", "reauthenticate", "stronger", "2fa", "social", "confirm-email", "password/reset")
_WAYS_BACK = tuple(f"/accounts/{page}/" for page in _PAGES)
# A page that has one button and no data. Its form redirects to the login page of the identity provider.
_WAYS_OUT = "/accounts/oidc/"


class FormActionMiddleware:
    """Browsers apply CSP `form-action` to the redirects after a form as well: login, second factor or reauthentication,
    then /oauth/authorize, then the app. It must come after CSPMiddleware, which merges this into the site's policy."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        # Called before the view, because the view may end the session, which knows where the login leads.
        asking = way_on.asking_client(request) if request.path_info.startswith(_WAYS_BACK) else None
        response = self.get_response(request)
        sources = list(asking.form_action) if asking else []
        if request.path_info.startswith(_WAYS_OUT):
            sources = ["https:", *(f"http://{host}" for host in conf.OUTBOUND_ALLOWED_HOSTS)]
        if sources:
            response._csp_update = {"form-action": sources}  # type: ignore[attr-defined]  # django-csp reads it
        return response
