"""Renders outcomes of the steps of the authorization endpoint."""

from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render

from oauth.audit import refusals
from oauth.authorize.interaction import Interaction
from oauth.authorize.outcome import AskConsent, LogIn, OfferOtherAccount, Outcome, Refuse, Repeat, Respond, StepUp
from oauth.conf import conf
from oauth.infrastructure import browser_binding
from oauth.infrastructure.form_action import allow_forms_to
from oauth.infrastructure.hosts import host_of
from oauth.pages import authorization_response


def show(request: HttpRequest, outcome: Outcome) -> HttpResponse:
    page = _rendered(request, outcome)
    if isinstance(outcome, LogIn | StepUp | OfferOtherAccount | AskConsent):
        _bind(page, outcome.interaction)
    return page


def _rendered(request: HttpRequest, outcome: Outcome) -> HttpResponse:
    match outcome:
        case Respond():
            return authorization_response.send(request, outcome.delivery)
        case Refuse():
            refusals.record("authorize", outcome.refusal, request, client=outcome.client)
            return authorization_response.send_error(request, outcome)
        case Repeat():
            return authorization_response.send_again(request, outcome)
        case LogIn():
            return _login(outcome.interaction)
        case StepUp():
            query = urlencode({"next": outcome.interaction.path})
            return HttpResponseRedirect(f"{conf.STEP_UP_URL}?{query}", status=303)
        case OfferOtherAccount():
            return _page(outcome.interaction, "oauth/other_account.html", {"is_sandbox": outcome.is_sandbox})
        case AskConsent():
            return _consent_page(outcome)


def _login(interaction: Interaction) -> HttpResponseRedirect:
    """The login page or, for a logged-in user, the page for reauthentication."""
    url = conf.REAUTHENTICATION_URL if interaction.login else None
    answer = redirect_to_login(interaction.path, login_url=url)
    answer.status_code = HTTPStatus.SEE_OTHER
    return answer


def _consent_page(outcome: AskConsent) -> HttpResponse:
    prompt = outcome.prompt
    context = {
        "groups": prompt.groups,
        "may_change": prompt.may_change,
        "parts": prompt.parts,
        "act": prompt.act,
        "problem": prompt.problem,
        "grant_management_action": prompt.grant_management_action,
        "expires_at": prompt.expires_at,
        "shown": prompt.shown,
    }
    status = HTTPStatus.BAD_REQUEST if prompt.problem else HTTPStatus.OK
    return _page(outcome.interaction, "oauth/consent.html", context, status=status)


def _page(
    interaction: Interaction, template: str, context: dict[str, Any], *, status: int = HTTPStatus.OK
) -> HttpResponse:
    redirect_uri = interaction.request.redirect_uri
    context = {
        "client": interaction.client,
        "redirect_host": host_of(redirect_uri),
        "interaction": interaction.id,
        "here": interaction.path,
        **context,
    }
    page = render(interaction.http_request, template, context, status=status)
    allow_forms_to(page, redirect_uri)
    return page


def _bind(page: HttpResponse, interaction: Interaction) -> None:
    """Sets the cookies. They expire later than the interaction, so that a late user can still go back to the app."""
    if interaction.is_new:
        browser_binding.bind(page, interaction.id, interaction.secret, lifetime=2 * conf.INTERACTION_LIFETIME)
    for interaction_id in interaction.dropped:
        browser_binding.release(page, interaction_id)
