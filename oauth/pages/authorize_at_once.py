"""Answers the usual authorization request with remembered consent in two statements, before the middleware of pages.

The first statement reads the browser's session, its user and the user's decisions; the second writes the response if
nothing has changed since. The page decides everything else, including refusals.
"""

import time
from dataclasses import dataclass

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from oauth import parameters
from oauth.audit import metrics
from oauth.authorize import at_once, known_login
from oauth.authorize.response_modes import Redirect
from oauth.clients.cache import cached
from oauth.errors import InvalidRequest, LoginRequired, RequestTooLarge
from oauth.infrastructure import rate_limits
from oauth.infrastructure.rate_limits import LimitReached
from oauth.models import Client
from oauth.models.audit_event import origin
from oauth.pages.authorize import AuthorizationPage
from oauth.pages.redirect import see_other
from oauth.parameters import Parameters


def answer(request: HttpRequest) -> HttpResponse | None:
    """The redirect to the client. None, with nothing written or counted, if the page must answer.

    Sets `session` and `user` of the request, as Django's middleware does.
    """
    began = time.perf_counter()
    asked = _asked(request)
    known = None if asked is None else known_login.find(request, asked.session_key, asked.client)
    if asked is None or known is None:
        return None
    try:
        rate_limits.spend_page(AuthorizationPage.endpoint, request)
    except LimitReached:
        return None
    outcome = None
    try:
        with origin(AuthorizationPage.endpoint, request):
            outcome = at_once.answer(request, asked.params, asked.client, known.login, known.sid, known.decisions)
    except LoginRequired as refusal:
        # ASVS 5.0 7.4.1: the page must not start a new session for a user who is logging out.
        request.logged_out_meanwhile = refusal  # type: ignore[attr-defined]  # the page raises it
    if outcome is None or not isinstance(outcome.delivery, Redirect):
        rate_limits.take_back_page(AuthorizationPage.endpoint, request)
        return None
    page = AuthorizationPage.keep_private(see_other(outcome.delivery.location))
    metrics.observe(AuthorizationPage.endpoint, "", "ok", since=began)
    return page


@dataclass(frozen=True, slots=True)
class _Asked:
    session_key: str
    params: Parameters
    client: Client


def _asked(request: HttpRequest) -> _Asked | None:
    """The usual request; None if the page must answer it."""
    key = request.COOKIES.get(settings.SESSION_COOKIE_NAME)
    try:
        params = parameters.parse(request.META.get("QUERY_STRING", "").encode())
    except (InvalidRequest, RequestTooLarge):
        return None
    client = cached(params.get("client_id", ""))
    # An explicit response mode may need a page.
    if not key or client is None or "response_mode" in params or not at_once.is_possible(params, client):
        return None
    return _Asked(key, params, client)
