"""The authorization endpoint (RFC 6749 §3.1): log-in, consent, code.

GET reads the request, keeps it on the server and asks the person; POST is their answer to the consent page.
"""

from typing import Any
from urllib.parse import urlencode

from django.contrib.auth import logout
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.csrf import csrf_protect

from oauth import metrics, parameters
from oauth.authorization import authentication_context, consent, interaction, response, sessions
from oauth.authorization.request import AuthorizationRequest, read, return_address
from oauth.endpoints.protocol import log_refusal
from oauth.errors import AccessDenied, ConsentRequired, InvalidRequest, LoginRequired, OAuthError
from oauth.models import Client

PATH = "/oauth/authorize"


@method_decorator(csrf_protect, name="dispatch")
class AuthorizationEndpoint(View):
    http_method_names = ["get", "head", "post"]

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        try:
            answer = super().dispatch(request, *args, **kwargs)
        except OAuthError as refusal:
            _record(refusal)
            answer = error_page(request, refusal)
        # RFC 9700 §4.2, §4.3: nothing of this page goes into a Referer header or a cache.
        answer["Cache-Control"] = "no-store"
        answer["Referrer-Policy"] = "no-referrer"
        return answer

    def get(self, request: HttpRequest) -> HttpResponseBase:
        params = parameters.parse(request.META.get("QUERY_STRING", "").encode())
        if "interaction" in params:
            return self._resume(request, params["interaction"])
        address = return_address(params)
        try:
            authorization_request = read(params, address)
        except OAuthError as refusal:
            _record(refusal)
            return response.error(address.redirect_uri, refusal, state=address.state)
        return _ask(request, authorization_request, address.client, None)

    def post(self, request: HttpRequest) -> HttpResponseBase:
        """The person's decision; everything else is what the server kept."""
        params = parameters.from_body(request)
        interaction_id = params.require("interaction")
        authorization_request, client = _load(request, interaction_id)
        if not request.user.is_authenticated:
            return _log_in(interaction_id)
        match params.get("decision"):
            case "allow":
                if _needs_log_in(request, authorization_request):
                    return _log_in(interaction_id)
                return _allow(request, authorization_request, client, interaction_id)
            case "deny":
                return _refuse(request, authorization_request, AccessDenied("The person declined."), interaction_id)
            case "switch":
                logout(request)
                return _log_in(interaction.start(request, authorization_request))
            case _:
                raise InvalidRequest("The decision is allow, deny or switch.")

    def _resume(self, request: HttpRequest, interaction_id: str) -> HttpResponseBase:
        """Back from the log-in page."""
        authorization_request, client = _load(request, interaction_id)
        return _ask(request, authorization_request, client, interaction_id)


def _ask(
    request: HttpRequest,
    authorization_request: AuthorizationRequest,
    client: Client,
    interaction_id: str | None,
) -> HttpResponseBase:
    """The next thing the person has to do, or the code where nothing is left."""
    silent = "none" in authorization_request.prompts
    if _needs_log_in(request, authorization_request):
        if silent:
            return _refuse(request, authorization_request, LoginRequired("Nobody is logged in."), interaction_id)
        return _log_in(interaction_id or interaction.start(request, authorization_request))
    if not consent.is_needed(authorization_request, client, request.user):
        return _allow(request, authorization_request, client, interaction_id)
    if silent:
        return _refuse(request, authorization_request, ConsentRequired("The person has to be asked."), interaction_id)
    return _consent_page(
        request,
        authorization_request,
        client,
        interaction_id or interaction.start(request, authorization_request),
    )


def _needs_log_in(request: HttpRequest, authorization_request: AuthorizationRequest) -> bool:
    """Nobody is logged in, or not freshly enough (OpenID Connect Core §3.1.2.1: prompt, max_age)."""
    if not request.user.is_authenticated:
        return True
    auth_time = authentication_context.of(request).auth_time
    if authorization_request.prompts & {"login", "select_account"}:
        return not interaction.logged_in_since(authorization_request.created_at, auth_time)
    max_age = authorization_request.max_age
    return max_age is not None and authorization_request.created_at - auth_time > max_age


def _load(request: HttpRequest, interaction_id: str) -> tuple[AuthorizationRequest, Client]:
    """The kept request and its client. Raises InvalidRequest where either is gone."""
    authorization_request = interaction.load(request, interaction_id)
    if authorization_request is None:
        raise InvalidRequest("This log-in was already answered, or took too long. Start again from the app.")
    client = Client.objects.filter(client_id=authorization_request.client_id, is_active=True).first()
    if client is None:
        raise InvalidRequest("The app was disabled in the meantime.")
    return authorization_request, client


def _log_in(interaction_id: str) -> HttpResponseRedirect:
    answer = redirect_to_login(f"{PATH}?{urlencode({'interaction': interaction_id})}")
    answer.status_code = 303
    return answer


def _allow(
    request: HttpRequest,
    authorization_request: AuthorizationRequest,
    client: Client,
    interaction_id: str | None,
) -> HttpResponse:
    code = consent.allow(authorization_request, client, sessions.current(request))
    if interaction_id:
        interaction.finish(request, interaction_id)
    return response.success(authorization_request.redirect_uri, code=code, state=authorization_request.state)


def _refuse(
    request: HttpRequest,
    authorization_request: AuthorizationRequest,
    refusal: OAuthError,
    interaction_id: str | None,
) -> HttpResponse:
    _record(refusal)
    if interaction_id:
        interaction.finish(request, interaction_id)
    return response.error(authorization_request.redirect_uri, refusal, state=authorization_request.state)


def _consent_page(
    request: HttpRequest, authorization_request: AuthorizationRequest, client: Client, interaction_id: str
) -> HttpResponse:
    context = {
        "client": client,
        "redirect_host": interaction.redirect_host(authorization_request.redirect_uri),
        "groups": consent.groups(authorization_request.scopes),
        "expires_at": consent.expires_at(client),
        "interaction": interaction_id,
    }
    page = render(request, "oauth/consent.html", context)
    # django-csp merges this into the site's policy.
    page._csp_update = {"form-action": list(interaction.form_action(authorization_request.redirect_uri))}  # type: ignore[attr-defined]
    return page


def _record(refusal: OAuthError) -> None:
    metrics.refusals.labels("authorize", refusal.code).inc()
    log_refusal("authorize", refusal)


def error_page(request: HttpRequest, refusal: OAuthError) -> HttpResponse:
    """For faults that must not be redirected: shown to the person at the browser (RFC 9700 §4.11)."""
    context = {
        "title": "This log-in link does not work",
        "message": refusal.description,
        "error": refusal.code,
        "error_id": refusal.error_id,
    }
    return render(request, "oauth/error.html", context, status=refusal.status)
