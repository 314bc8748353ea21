"""The end-session endpoint (OpenID Connect RP-Initiated Logout): ends one session, after asking where it must.

Only this browser's session ends, with the access that depended on it; apps that were allowed to go on
(`offline_access`) go on.
"""

import re
import secrets
from typing import Any
from urllib.parse import urlencode, urlsplit, urlunsplit

from django.contrib.auth import logout
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.utils.decorators import method_decorator
from django.utils.translation import gettext_noop as _
from django.views import View
from django.views.decorators.csrf import csrf_exempt, csrf_protect

from oauth import parameters
from oauth.authorize.response import form_action, leaving
from oauth.endpoints.protocol import record_refusal
from oauth.errors import InvalidRequest, OAuthError
from oauth.infrastructure import metrics, rate_limits
from oauth.models.audit_event import origin
from oauth.pages.authorize import error_page
from oauth.sessions import logout_request
from oauth.sessions.logout_request import LogoutRequest

PATH = "/oauth/logout"
_SECONDS = 600
_KEY = "oauth.logout."
_INTERACTION = re.compile(r"[A-Za-z0-9_-]{22}")


@method_decorator(csrf_exempt, name="dispatch")
class LogoutEndpoint(View):
    """GET and POST (§2). A client's form comes from its own site, so it has no token against CSRF: it only starts
    the conversation. What ends it, our own form, has one."""

    http_method_names = ["get", "head", "post"]

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        with origin("logout", request), metrics.timed("logout") as timer:
            try:
                rate_limits.spend_page("logout", request)
                answer = super().dispatch(request, *args, **kwargs)
            except OAuthError as refusal:
                timer.outcome = refusal.code
                record_refusal("logout", refusal, request)
                answer = error_page(request, refusal)
        answer["Cache-Control"] = "no-store"
        answer["Referrer-Policy"] = "no-referrer"
        return answer

    def get(self, request: HttpRequest) -> HttpResponseBase:
        params = parameters.parse(request.META.get("QUERY_STRING", "").encode())
        if "interaction" in params:
            return _next(request, _load(params["interaction"]), params["interaction"])
        return _next(request, logout_request.read(params), None)

    def post(self, request: HttpRequest) -> HttpResponseBase:
        params = parameters.from_body(request)
        if "decision" in params:
            return _decided(request)
        # Browsers send no SameSite cookie with another site's POST: come again by GET, as who you are. What the
        # client sent stays here, so that no token is in the address.
        return _see_other(f"{PATH}?{urlencode({'interaction': _keep(logout_request.read(params))})}")


def _next(request: HttpRequest, wanted: LogoutRequest, interaction_id: str | None) -> HttpResponseBase:
    if not request.user.is_authenticated:
        return _done(request, wanted, asks_first=True)
    if wanted.is_from(request.user.pk):
        logout(request)
        return _done(request, wanted)
    # ASVS 5.0 10.6.2: nobody is logged out by a link. Without proof whom the client means, the person is asked.
    page = render(request, "oauth/logout.html", {"wanted": wanted, "interaction": interaction_id or _keep(wanted)})
    if wanted.redirect_uri:
        page._csp_update = {"form-action": list(form_action(wanted.redirect_uri))}  # type: ignore[attr-defined]
    return page


@csrf_protect
def _decided(request: HttpRequest) -> HttpResponseBase:
    params = parameters.from_body(request)
    wanted = _load(params.require("interaction"))
    if params["decision"] == "stay":
        return HttpResponseRedirect("/", status=303)
    if params["decision"] != "logout":
        raise InvalidRequest("The decision is logout or stay.")
    cache.delete(_KEY + params["interaction"])
    logout(request)
    return _done(request, wanted)


def _done(request: HttpRequest, wanted: LogoutRequest, *, asks_first: bool = False) -> HttpResponse:
    """Back to the app. `asks_first` if nobody was logged in: a link then leads through this site to wherever the client
    registered, so a client that nobody here looked at gets a page first (RFC 9700 §4.11.2)."""
    if not wanted.redirect_uri:
        return render(request, "oauth/logged_out.html")
    parts = urlsplit(wanted.redirect_uri)
    query = urlencode({} if wanted.state is None else {"state": wanted.state})
    location = urlunsplit(parts._replace(query="&".join(filter(None, (parts.query, query)))))
    client = wanted.client if asks_first else None
    if client is not None and not client.is_vouched_for:
        return leaving(request, client, location)
    return _see_other(location)


def _see_other(location: str) -> HttpResponse:
    # Not HttpResponseRedirect: its list of schemes knows nothing of com.example.app:/logged-out (RFC 8252 §7.1).
    return HttpResponse(status=303, headers={"Location": location})


def _keep(wanted: LogoutRequest) -> str:
    interaction_id = secrets.token_urlsafe(16)
    cache.set(_KEY + interaction_id, wanted.to_json(), _SECONDS)
    return interaction_id


def _load(interaction_id: str) -> LogoutRequest:
    stored = cache.get(_KEY + interaction_id) if _INTERACTION.fullmatch(interaction_id) else None
    if stored is None:
        raise InvalidRequest(_("This log-out took too long, or is over. Start again from the app."))
    return LogoutRequest.from_json(stored)
