"""Decides where a login leads: to the app that asked for it, or to the page that the user wanted.

Each page of login carries this in its own URL, as `next`. The session has room for only one, and a user may log in in
several tabs.
"""

from collections.abc import Callable
from urllib.parse import parse_qs, urlencode, urlsplit, urlunsplit

from allauth.account.internal.stagekit import LOGIN_SESSION_KEY
from allauth.account.utils import get_next_redirect_url
from django.conf import settings
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.core.exceptions import SuspiciousOperation
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, UnreadablePostError
from django.urls import get_script_prefix

from oauth.authorize import interaction
from oauth.authorize.interaction import AskingClient

# Pages that a logged-in user does not need.
_WAYS_IN = tuple(
    f"/accounts/{page}/" for page in ("login", "signup", "2fa/authenticate", "2fa/trust", "2fa/webauthn/login")
)
# Pages to which a redirect keeps `next`.
_ON_THE_WAY = (
    *_WAYS_IN,
    *(f"/accounts/{page}/" for page in ("confirm-email", "password/reset", "reauthenticate", "2fa/reauthenticate")),
)


def way_on(request: HttpRequest) -> str:
    """The `next` of this page or, if it has none, of the login that is under way in this browser; empty if none."""
    own: str | None = get_next_redirect_url(request)
    if own:
        return own
    session = getattr(request, "session", {})  # a request may be refused before SessionMiddleware
    pending = session.get(LOGIN_SESSION_KEY)
    return (pending.get("redirect_url") or "") if isinstance(pending, dict) else ""


def interaction_id(request: HttpRequest) -> str:
    """The interaction that this page belongs to: the one it asks about, or where its login leads; empty if none."""
    own = interaction.id_in(request.get_full_path())
    if own or not request.path_info.startswith(("/accounts/", "/oauth/")):
        return own
    posted = request.POST.get("interaction", "") if request.method == "POST" else ""
    is_login = request.path_info.startswith("/accounts/")
    return posted or (interaction.id_in(way_on(request)) if is_login else "")


def asking_client(request: HttpRequest) -> AskingClient | None:
    """The app that this page of login is shown for. If the page leads nowhere, the home page comes next, which offers
    the newest app that waits in this browser."""
    path = way_on(request)
    if path:
        return interaction.asking_client(request, path)
    return next(iter(interaction.waiting(request)), None)


def after_stale_form(request: HttpRequest) -> HttpResponse | None:
    """Where to go instead of an error about the CSRF token: a login form in another tab that was sent by a user who has
    logged in meanwhile. It changes nothing, so it needs no token. None for any other form."""
    if not request.user.is_authenticated or not request.path_info.startswith(_WAYS_IN):
        return None
    return HttpResponseRedirect(get_next_redirect_url(request) or settings.LOGIN_REDIRECT_URL, status=303)


def apps_of_refused(request: HttpRequest) -> list[AskingClient]:
    """Returns the app to which the refused page or form would have led, or otherwise all apps that wait in this
    browser.
    """
    asking = interaction.asking_client(request, _way_on_of_refused(request))
    return [asking] if asking else interaction.waiting(request)


def _way_on_of_refused(request: HttpRequest) -> str:
    """Empty if it cannot be read, because the request may have been refused before it had a session."""
    if not hasattr(request, "session"):
        return ""
    try:
        wanted = request.POST.get("interaction", "") or interaction.id_in(request.get_full_path())
        return interaction.path_of(wanted) if wanted else way_on(request)
    except (SuspiciousOperation, UnreadablePostError):
        return ""


class KeepWayOnMiddleware:
    """Adds `next`, if it leads on to an app, to redirects between the pages of login where allauth leaves it out."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        # Called before the view, because the view may end the session.
        path = way_on(request) if request.path_info.startswith("/accounts/") else ""
        if path and not interaction.id_in(path):
            path = ""  # a login keeps any other way on in its session, so the URL of its next page stays short
        response = self.get_response(request)
        if isinstance(response, HttpResponseRedirect):
            response["Location"] = with_next(response["Location"], path)
        return response


def with_next(location: str, path: str) -> str:
    """`location` with `path` as `next`. Unchanged if it is not a page of login of this site, if it has a `next`
    already, or if `path` is empty.
    """
    parts = urlsplit(location)
    prefix = get_script_prefix().rstrip("/")
    is_ours = not parts.netloc and parts.path.startswith(tuple(prefix + page for page in _ON_THE_WAY))
    if not path or not is_ours or REDIRECT_FIELD_NAME in parse_qs(parts.query):
        return location
    query = "&".join(filter(None, (parts.query, urlencode({REDIRECT_FIELD_NAME: path}))))
    return urlunsplit(parts._replace(query=query))
