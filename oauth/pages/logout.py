"""The end-session endpoint (OpenID Connect RP-Initiated Logout): ends a session, if necessary after asking the user.

Ends only this browser's session and the access that depends on it. Apps with `offline_access` keep their access.
"""

import re
import secrets
from urllib.parse import urlencode, urlsplit, urlunsplit

from django.contrib.auth import logout
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.urls import get_script_prefix, reverse
from django.utils.translation import gettext_noop as _
from django.views.decorators.csrf import csrf_protect

from oauth import parameters
from oauth.audit import refusals
from oauth.conf import conf
from oauth.errors import InvalidRequest
from oauth.infrastructure.form_action import allow_forms_to
from oauth.pages import leaving
from oauth.pages.protocol_page import ProtocolPage
from oauth.pages.redirect import see_other
from oauth.sessions import login_session, logout_request
from oauth.sessions.logout_request import LogoutRequest

_SECONDS = 600
_KEY = "oauth.logout."
_INTERACTION = re.compile(r"[A-Za-z0-9_-]{22}")


class LogoutPage(ProtocolPage):
    """Handles a client's GET or POST (§2), and our own form, which has a CSRF token."""

    endpoint = "logout"
    refused_title = _("This logout did not work")

    def get(self, request: HttpRequest) -> HttpResponseBase:
        try:
            params = parameters.parse(request.META.get("QUERY_STRING", "").encode())
        except InvalidRequest as refusal:
            return _next(request, _recorded(request, logout_request.faulty(refusal)), None)
        if "interaction" in params:
            return _next(request, _load(params["interaction"]), params["interaction"])
        return _next(request, _recorded(request, logout_request.parse(params, issuer=conf.ISSUER)), None)

    def post(self, request: HttpRequest) -> HttpResponseBase:
        try:
            params = parameters.from_body(request)
        except InvalidRequest as refusal:
            wanted = logout_request.faulty(refusal)
        else:
            if "decision" in params:
                return _decided(request)
            wanted = logout_request.parse(params, issuer=conf.ISSUER)
        # Browsers send no SameSite cookies with a POST from another site, so redirect to a GET. Keep the client's
        # parameters on the server, so that no token is in the URL.
        query = urlencode({"interaction": _store(_recorded(request, wanted))})
        return see_other(f"{reverse('oauth:logout')}?{query}")


def _recorded(request: HttpRequest, wanted: LogoutRequest) -> LogoutRequest:
    """Records an error of the request in the log and in the audit log, for the client's developer."""
    if wanted.fault:
        refusals.record(LogoutPage.endpoint, InvalidRequest(wanted.fault), request)
    return wanted


def _next(request: HttpRequest, wanted: LogoutRequest, interaction_id: str | None) -> HttpResponseBase:
    if not request.user.is_authenticated:
        return _done(request, wanted, asks_first=True)
    sid = login_session.current_sid(request)
    if wanted.is_from(request.user.pk, sid, pairwise_key=conf.PAIRWISE_SUBJECT_KEY):
        logout(request)
        return _done(request, wanted)
    # ASVS 5.0 10.6.2: a link must not log anybody out, so ask the user unless id_token_hint identifies this session.
    page = render(request, "oauth/logout.html", {"wanted": wanted, "interaction": interaction_id or _store(wanted)})
    if wanted.redirect_uri:
        allow_forms_to(page, wanted.redirect_uri)
    return page


@csrf_protect
def _decided(request: HttpRequest) -> HttpResponseBase:
    params = parameters.from_body(request)
    wanted = _load(params.require("interaction"))
    if params["decision"] == "stay":
        return HttpResponseRedirect(get_script_prefix(), status=303)
    if params["decision"] != "logout":
        raise InvalidRequest("The decision must be logout or stay.")
    cache.delete(_KEY + params["interaction"])
    logout(request)
    return _done(request, wanted)


def _done(request: HttpRequest, wanted: LogoutRequest, *, asks_first: bool = False) -> HttpResponse:
    """Redirects back to the app. `asks_first` is set if nobody was logged in: then a page precedes the redirect to a
    client that staff have not checked, so that this site is not an open redirector (RFC 9700 §4.11.2).
    """
    if not wanted.redirect_uri:
        return render(request, "oauth/logged_out.html")
    parts = urlsplit(wanted.redirect_uri)
    query = urlencode({} if wanted.state is None else {"state": wanted.state})
    location = urlunsplit(parts._replace(query="&".join(filter(None, (parts.query, query)))))
    client = wanted.client if asks_first else None
    if client is not None and not client.is_vouched_for:
        return leaving.ask_first(request, client, location)
    return see_other(location)


def _store(wanted: LogoutRequest) -> str:
    interaction_id = secrets.token_urlsafe(16)
    cache.set(_KEY + interaction_id, wanted.to_json(), _SECONDS)
    return interaction_id


def _load(interaction_id: str) -> LogoutRequest:
    """The stored request. If it has expired or is finished, the user can still log out, but is not redirected."""
    stored = cache.get(_KEY + interaction_id) if _INTERACTION.fullmatch(interaction_id) else None
    if stored is None:
        return LogoutRequest(fault="The logout request has expired or is already finished.")
    return LogoutRequest.from_json(stored).checked_again()
