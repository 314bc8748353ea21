"""Sends an authorization response to the client: a redirect, a form that submits itself, or a page."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from oauth.authorize.outcome import Refuse, Repeat
from oauth.authorize.response_modes import Delivery, Form, Page, Redirect
from oauth.errors import LoginRequired, OAuthError
from oauth.infrastructure.form_action import allow_forms_to
from oauth.models import Client, SandboxUser
from oauth.pages import error_page, leaving
from oauth.pages.redirect import see_other


def send_error(request: HttpRequest, outcome: Refuse) -> HttpResponse:
    """Sends an error response. Asks the user first if the site could otherwise be misused as an open redirector."""
    refusal, client, delivery = outcome.refusal, outcome.client, outcome.delivery
    if not _is_open_redirect(request, client, refusal):
        return send(request, delivery)
    return _ask_first(request, client, delivery) or error_page.show(request, refusal)


def send_again(request: HttpRequest, outcome: Repeat) -> HttpResponse:
    """Sends an earlier response again."""
    if outcome.is_refusal and not _is_trusted(request, outcome.client):
        return _ask_first(request, outcome.client, outcome.delivery) or send(request, outcome.delivery)
    return send(request, outcome.delivery)


def _ask_first(request: HttpRequest, client: Client, delivery: Delivery) -> HttpResponse | None:
    match delivery:
        case Redirect():
            return leaving.ask_first(request, client, delivery.location)
        case Form():
            return leaving.ask_first(request, client, delivery.action, form=delivery.fields)
        case Page():
            return None


def _is_open_redirect(request: HttpRequest, client: Client, refusal: OAuthError) -> bool:
    """RFC 9700 §4.11.2: with a deliberately invalid request, a link could redirect a browser to any redirect URI of the
    client.

    Errors redirect without a page only for clients that staff have checked, or if the logged-in user may allow the
    client. The RFC exempts silent authentication, which runs in a hidden frame, where no user could press a button or
    be misled by a URL. A request with `Sec-Fetch-Dest: document` is not exempt, because the browser shows the response
    as a page.
    """
    if _is_trusted(request, client):
        return False
    is_silent = isinstance(refusal, LoginRequired)
    return not is_silent or request.headers.get("Sec-Fetch-Dest") == "document"


def _is_trusted(request: HttpRequest, client: Client) -> bool:
    """Anybody can register an app, so only sandbox users of its developer are redirected without a page to an app that
    is not live.
    """
    if client.is_vouched_for:
        return True
    return request.user.is_authenticated and SandboxUser.may_allow(client, request.user.pk)


def send(request: HttpRequest, delivery: Delivery) -> HttpResponse:
    match delivery:
        case Redirect():
            # RFC 9700 §4.12: after 303 See Other, the browser does not repeat the POST with the user's input.
            return see_other(delivery.location)
        case Form():
            # Our script submits the form; without scripts, the user presses its button.
            context = {"action": delivery.action, "parameters": delivery.fields}
            page = render(request, "oauth/form_post.html", context)
            allow_forms_to(page, delivery.action)
            return page
        case Page():
            return render(request, delivery.template, dict(delivery.context))
