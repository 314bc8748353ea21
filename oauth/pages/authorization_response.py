"""Sends an authorization response to the client: by redirect, by a form that posts itself, or by a page."""

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
    """An error redirects by itself only if nobody can misuse that to redirect a stranger through this site."""
    refusal, client, delivery = outcome.refusal, outcome.client, outcome.delivery
    if not _is_open_redirect(request, client, refusal):
        return send(request, delivery)
    return _ask_first(request, client, delivery) or error_page.show(request, refusal)


def send_again(request: HttpRequest, outcome: Repeat) -> HttpResponse:
    """Sends the same response as the first time."""
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
    """RFC 9700 §4.11.2: a link with a deliberate mistake takes a browser to any address that the client registered.

    An error redirects by itself only for a client that staff have checked, or if a user is logged in who may allow
    it. The RFC exempts silent authentication. It runs in a hidden frame, where no user could press a button or be
    misled by a URL. Browsers send `Sec-Fetch-Dest: document` if the answer is shown as a page, as for a link in an
    email. Such a request is not exempt.
    """
    if _is_trusted(request, client):
        return False
    is_silent = isinstance(refusal, LoginRequired)
    return not is_silent or request.headers.get("Sec-Fetch-Dest") == "document"


def _is_trusted(request: HttpRequest, client: Client) -> bool:
    """Anybody can register an app, so only the sandbox users of its developer are redirected to an app that is not live
    without a page in between.
    """
    if client.is_vouched_for:
        return True
    return request.user.is_authenticated and SandboxUser.may_allow(client, request.user.pk)


def send(request: HttpRequest, delivery: Delivery) -> HttpResponse:
    match delivery:
        case Redirect():
            # RFC 9700 §4.12: after 303 See Other, a browser does not repeat the POST with the user's input.
            return see_other(delivery.location)
        case Form():
            # Our script sends the form. Without scripts, the user presses its button.
            context = {"action": delivery.action, "parameters": delivery.fields}
            page = render(request, "oauth/form_post.html", context)
            allow_forms_to(page, delivery.action)
            return page
        case Page():
            return render(request, delivery.template, dict(delivery.context))
