"""Decides where a login leads: to the app whose request needs the login, or to the page that the user requested.

Each login page has this target in its URL as `next`, because a session can store only one target, but a user may log in
in several tabs.
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

# Pages that are useless to a logged-in user.
_LOGIN_PAGES = tuple(
    f"/accounts/{page}/" for page in ("login", "signup", "2fa/authenticate", "2fa/trust", "2fa/webauthn/login")
)
# Pages to which redirects keep `next`.
_PAGES_WITH_NEXT = (
    *_LOGIN_PAGES,
    *(f"/accounts/{page}/" for page in ("confirm-email", "password/reset", "reauthenticate", "2fa/reauthenticate")),
)


def next_url(request: HttpRequest) -> str:
    """The `next` of this page, or else of the unfinished login in this browser; empty if there is none."""
    own: str | None = get_next_redirect_url(request)
    if own:
        return own
    session = getattr(request, "session", {})  # there is none if the request was refused before SessionMiddleware
    pending = session.get(LOGIN_SESSION_KEY)
    return (pending.get("redirect_url") or "") if isinstance(pending, dict) else ""


def interaction_id(request: HttpRequest) -> str:
    """The interaction that this page belongs to, or to which its login leads; empty if there is none."""
    own = interaction.id_in(request.get_full_path())
    if own or not request.path_info.startswith(("/accounts/", "/oauth/")):
        return own
    posted = request.POST.get("interaction", "") if request.method == "POST" else ""
    is_login = request.path_info.startswith("/accounts/")
    return posted or (interaction.id_in(next_url(request)) if is_login else "")


def asking_client(request: HttpRequest) -> AskingClient | None:
    """The app for which this login page is shown. Without `next`, it is the newest app that waits in this browser,
    because the home page offers that one.
    """
    path = next_url(request)
    if path:
        return interaction.asking_client(request, path)
    return next(iter(interaction.waiting(request)), None)


def after_stale_form(request: HttpRequest) -> HttpResponse | None:
    """If a logged-in user submits a login form of another tab, redirects instead of returning a CSRF error. The form
    has no effect, so it needs no valid token. None for any other form.
    """
    if not request.user.is_authenticated or not request.path_info.startswith(_LOGIN_PAGES):
        return None
    return HttpResponseRedirect(get_next_redirect_url(request) or settings.LOGIN_REDIRECT_URL, status=303)


def apps_of_refused(request: HttpRequest) -> list[AskingClient]:
    """The app to which the refused request would have led; if there is none, all apps that wait in this browser."""
    asking = interaction.asking_client(request, _next_of_refused(request))
    return [asking] if asking else interaction.waiting(request)


def _next_of_refused(request: HttpRequest) -> str:
    """Empty if the request was refused before it had a session, or if its body cannot be read."""
    if not hasattr(request, "session"):
        return ""
    try:
        wanted = request.POST.get("interaction", "") or interaction.id_in(request.get_full_path())
        return interaction.path_of(wanted) if wanted else next_url(request)
    except (SuspiciousOperation, UnreadablePostError):
        return ""


class KeepNextMiddleware:
    """Adds `next` to redirects between login pages where allauth omits it, if `next` is an interaction."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        # Read `next` before the view runs, because the view may end the session.
        path = next_url(request) if request.path_info.startswith("/accounts/") else ""
        if path and not interaction.id_in(path):
            path = ""  # allauth keeps any other `next` in the session, so URLs can stay short
        response = self.get_response(request)
        if isinstance(response, HttpResponseRedirect):
            response["Location"] = with_next(response["Location"], path)
        return response


def with_next(location: str, path: str) -> str:
    """`location` with `path` as `next`. Unchanged if `location` is not a login page of this site or already has a
    `next`, or if `path` is empty.
    """
    parts = urlsplit(location)
    prefix = get_script_prefix().rstrip("/")
    is_ours = not parts.netloc and parts.path.startswith(tuple(prefix + page for page in _PAGES_WITH_NEXT))
    if not path or not is_ours or REDIRECT_FIELD_NAME in parse_qs(parts.query):
        return location
    query = "&".join(filter(None, (parts.query, urlencode({REDIRECT_FIELD_NAME: path}))))
    return urlunsplit(parts._replace(query=query))
