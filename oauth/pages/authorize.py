"""The authorization endpoint (RFC 6749 §3.1): log-in, consent, code.

GET reads the request, keeps it on the server and asks the person; POST is their answer to the consent page.
"""

from collections.abc import Callable
from contextlib import suppress
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.contrib.auth import logout
from django.contrib.auth.views import redirect_to_login
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.utils import translation
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop
from django.views import View
from django.views.decorators.csrf import csrf_exempt, csrf_protect

from oauth import authorization_details, parameters
from oauth.authorize import (
    consent,
    grant_management,
    interaction,
    picker,
    pushed_request,
    remembered,
    request_object,
    response,
)
from oauth.authorize.request import AuthorizationRequest, find_client, read, return_address
from oauth.conf import conf
from oauth.endpoints.protocol import record_refusal
from oauth.errors import (
    AccessDenied,
    ConsentRequired,
    InvalidGrantID,
    InvalidRequest,
    LoginRequired,
    OAuthError,
    TooManyRequests,
    UnmetAuthenticationRequirements,
)
from oauth.grants import entitlement, issuance
from oauth.infrastructure import metrics, rate_limits
from oauth.models import Authorization, Client
from oauth.models.audit_event import AuditEvent, origin
from oauth.parameters import Parameters
from oauth.sessions import authentication_context, login_session
from oauth.tokens import subject

PATH = "/oauth/authorize"
_CHOICES = parameters.REPEATABLE | picker.REPEATABLE


@method_decorator(csrf_exempt, name="dispatch")
class AuthorizationEndpoint(View):
    """A client's request comes by GET or POST (OpenID Connect Core §3.1.2.1), from another site, so without a token
    against CSRF; the person's decision, our own form, has one."""

    http_method_names = ["get", "head", "post"]

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        with origin("authorize", request), metrics.timed("authorize") as timer:
            try:
                rate_limits.spend_page("authorize", request)  # GET writes, too: what was asked is kept
                answer = super().dispatch(request, *args, **kwargs)
            except OAuthError as refusal:
                timer.outcome = refusal.code
                record_refusal("authorize", refusal, request)
                answer = error_page(request, refusal)
        # RFC 9700 §4.2, §4.3: nothing of this page goes into a Referer header or a cache.
        answer["Cache-Control"] = "no-store"
        answer["Referrer-Policy"] = "no-referrer"
        return answer

    def get(self, request: HttpRequest) -> HttpResponseBase:
        params = parameters.parse(request.META.get("QUERY_STRING", "").encode())
        if "interaction" in params:
            return self._resume(request, params["interaction"])
        client = find_client(params)
        if "request_uri" in params and params["request_uri"].startswith(pushed_request.PREFIX):
            # RFC 9126 §4: what was pushed counts, and nothing that the browser adds.
            return _begin(request, pushed_request.find(client, params["request_uri"]), client)
        return self._read(request, params, client, then=lambda asked: _begin(request, asked, client))

    def post(self, request: HttpRequest) -> HttpResponseBase:
        params = parameters.from_body(request, repeatable=_CHOICES)
        if "interaction" in params:
            return self._decided(request)
        # Browsers send no SameSite cookie with another site's POST: what it brought is kept, as if it had been
        # pushed, and the browser comes again by GET, as who it is.
        client = find_client(params)
        return self._read(request, params, client, then=lambda asked: _come_again(client, asked))

    @method_decorator(csrf_protect)
    def _decided(self, request: HttpRequest) -> HttpResponseBase:
        """The person's decision; everything else is what the server kept."""
        params = parameters.from_body(request, repeatable=_CHOICES)
        interaction_id = params.require("interaction")
        authorization_request, client = _load(request, interaction_id)
        if not request.user.is_authenticated:
            return _log_in(request, authorization_request, interaction_id)
        match params.get("decision", ""):
            case "allow":
                return _ask(request, authorization_request, client, interaction_id, given=params)
            case look if picker.is_look(look):
                return _page(request, "oauth/consent.html", authorization_request, client, interaction_id, given=params)
            case "deny":
                with transaction.atomic():
                    AuditEvent.record(AuditEvent.Action.DENIED, user=request.user.pk, client=client.client_id)
                    remembered.narrow(request.user, client, authorization_request.consented_scopes)
                return _refuse(
                    request, authorization_request, client, AccessDenied("The person declined."), interaction_id
                )
            case "switch":
                logout(request)
                return _log_in(request, authorization_request, interaction.start(request, authorization_request))
            case _:
                raise InvalidRequest("The decision is allow, deny or switch.")

    def _read(
        self,
        request: HttpRequest,
        params: Parameters,
        client: Client,
        *,
        then: Callable[[AuthorizationRequest], HttpResponseBase],
    ) -> HttpResponseBase:
        """Goes on with a valid request; what is wrong with another is told to its client."""
        address = None
        try:
            if client.must_push:
                # RFC 9126 §5, §6, FAPI 2.0 §5.3.2.2: the client said that all its requests are pushed.
                address = return_address(params, client)
                raise InvalidRequest("This client pushes its requests: use the request_uri of /oauth/par.")
            if "redirect_uri" in params:
                # Proven beside a request object, which nothing inside of it is until its signature holds.
                address = return_address(params, client)
            opened = request_object.opened(params, client)
            if "authorization_details" in params and "request" not in params and not client.is_public:
                # ASVS 5.0 10.4.15: a client with a server lets no browser carry them.
                address = return_address(opened, client)
                raise InvalidRequest("Push authorization_details to /oauth/par, or sign them (RFC 9101).")
            address = return_address(opened, client)
            authorization_request = read(opened, address)
        except OAuthError as refusal:
            if address is None:
                raise
            record_refusal("authorize", refusal, request, client=client)
            return response.error(request, address, client, refusal)
        return then(authorization_request)

    def _resume(self, request: HttpRequest, interaction_id: str) -> HttpResponseBase:
        """Back from the log-in page."""
        authorization_request, client = _load(request, interaction_id)
        return _ask(request, authorization_request, client, interaction_id)


def _begin(request: HttpRequest, authorization_request: AuthorizationRequest, client: Client) -> HttpResponseBase:
    """In the language that the app asks for; on the way, what the person chooses at the foot of a page counts."""
    language = _language(authorization_request)
    if language is None:
        return _ask(request, authorization_request, client, None)
    translation.activate(language)
    answer = _ask(request, authorization_request, client, None)
    answer.set_cookie(
        settings.LANGUAGE_COOKIE_NAME,
        language,
        samesite="Lax",
        httponly=True,
        secure=settings.SESSION_COOKIE_SECURE,
    )
    return answer


def _language(authorization_request: AuthorizationRequest) -> str | None:
    """ui_locales (OpenID Connect Core §3.1.2.1): the first of them that the site has."""
    for locale in authorization_request.ui_locales:
        with suppress(LookupError):
            return translation.get_supported_language_variant(locale)
    return None


def _ask(
    request: HttpRequest,
    authorization_request: AuthorizationRequest,
    client: Client,
    interaction_id: str | None,
    *,
    given: Parameters | None = None,
) -> HttpResponseBase:
    """The next thing the person has to do, or the code where nothing is left.

    `given` is the form of the consent page, None where they have not been asked yet.
    """
    if not client.redirect_uri_allowed(authorization_request.redirect_uri):
        # It was when the request was pushed or the page was shown, and was taken away since (RFC 9700 §2.1).
        raise InvalidRequest(gettext_noop("The redirect_uri is not one that is registered for this app."))
    silent = "none" in authorization_request.prompts

    def started() -> str:
        return interaction_id or interaction.start(request, authorization_request)

    if _needs_log_in(request, authorization_request):
        if silent:
            return _refuse(
                request, authorization_request, client, LoginRequired("Nobody is logged in."), interaction_id
            )
        return _log_in(request, authorization_request, started())
    if _is_somebody_else(request, authorization_request, client):
        if silent:
            refusal = LoginRequired("Somebody else is logged in than the one who was asked for.")
            return _refuse(request, authorization_request, client, refusal, interaction_id)
        return _page(request, "oauth/other_account.html", authorization_request, client, started())
    match _step_up(request, authorization_request, silent=silent):
        case "ask":
            return _prove_more(started())
        case "refuse":
            too_weak = UnmetAuthenticationRequirements("The person did not log in as strongly as is essential here.")
            return _refuse(request, authorization_request, client, too_weak, interaction_id)
    if authorization_request.grant_id:
        try:
            grant_management.find(authorization_request.grant_id, client, user=request.user)
        except InvalidGrantID as refusal:
            return _refuse(request, authorization_request, client, refusal, interaction_id)
    if given is not None:
        return _allow(request, authorization_request, client, interaction_id, given)
    if not consent.is_always_needed(authorization_request, client):
        with suppress(consent.ConsentNeeded):
            return _allow_silently(request, authorization_request, client, interaction_id)
    if silent:
        return _refuse(
            request, authorization_request, client, ConsentRequired("The person has to be asked."), interaction_id
        )
    return _page(request, "oauth/consent.html", authorization_request, client, started())


def _come_again(client: Client, authorization_request: AuthorizationRequest) -> HttpResponseRedirect:
    query = {"client_id": client.client_id, "request_uri": pushed_request.keep(client, authorization_request)}
    return HttpResponseRedirect(f"{PATH}?{urlencode(query)}", status=303)


def _needs_log_in(request: HttpRequest, authorization_request: AuthorizationRequest) -> bool:
    """Nobody is logged in, or not freshly enough (OpenID Connect Core §3.1.2.1: prompt, max_age)."""
    if not request.user.is_authenticated:
        return True
    auth_time = authentication_context.of(request).auth_time
    if interaction.logged_in_since(authorization_request.created_at, auth_time):
        return False
    max_age = authorization_request.max_age
    is_too_old = max_age is not None and authorization_request.created_at - auth_time > max_age
    return is_too_old or "login" in authorization_request.prompts


def _step_up(request: HttpRequest, authorization_request: AuthorizationRequest, *, silent: bool) -> str:
    """`ask` the person for a stronger log-in, `refuse`, or nothing (RFC 9470 §5, OpenID Connect Core §5.5.1.1).

    Asked are those who have set up how; of others what is essential is refused, and what is preferred left.
    """
    context = authentication_context.of(request)
    essential, preferred = authorization_request.essential_acr_values, authorization_request.acr_values
    if context.meets(essential) and context.meets(preferred):
        return ""
    unmet = preferred if context.meets(essential) else essential
    if conf.STEP_UP_URL and not silent and context.could_meet(unmet):
        return "ask"
    return "" if context.meets(essential) else "refuse"


def _prove_more(interaction_id: str) -> HttpResponseRedirect:
    query = {"next": f"{PATH}?{urlencode({'interaction': interaction_id})}"}
    return HttpResponseRedirect(f"{conf.STEP_UP_URL}?{urlencode(query)}", status=303)


def _is_somebody_else(request: HttpRequest, authorization_request: AuthorizationRequest, client: Client) -> bool:
    """OpenID Connect Core §3.1.2.1: id_token_hint, and §5.5.1: the claim sub, name who may answer."""
    wanted = authorization_request.subject
    return bool(wanted) and subject.of(client, request.user.pk) != wanted


def _load(request: HttpRequest, interaction_id: str) -> tuple[AuthorizationRequest, Client]:
    """The kept request and its client. Raises InvalidRequest where either is gone."""
    authorization_request = interaction.load(request, interaction_id)
    if authorization_request is None:
        raise InvalidRequest(
            gettext_noop("This log-in was already answered, or took too long. Start again from the app.")
        )
    client = Client.objects.filter(client_id=authorization_request.client_id, is_active=True).first()
    if client is None:
        raise InvalidRequest(gettext_noop("The app was disabled in the meantime."))
    return authorization_request, client


def _log_in(
    request: HttpRequest, authorization_request: AuthorizationRequest, interaction_id: str
) -> HttpResponseRedirect:
    """To the log-in page, or for somebody who is logged in, to where they prove it again."""
    url = conf.REAUTHENTICATION_URL if request.user.is_authenticated else None
    answer = redirect_to_login(f"{PATH}?{urlencode({'interaction': interaction_id})}", login_url=url)
    answer.status_code = 303
    return answer


def _allow_silently(
    request: HttpRequest, authorization_request: AuthorizationRequest, client: Client, interaction_id: str | None
) -> HttpResponse:
    """The user was shown all of it before and allowed it. Raises consent.ConsentNeeded."""
    with transaction.atomic():
        until = consent.remembered_until(authorization_request, client, request.user)
        pushed_request.use_up(authorization_request)
        # Last: a new session may end an older one, and its id is kept in the browser's session whatever happens here.
        session = login_session.current(request)
        if authorization_request.response_type == "token":
            authorization = consent.allow(authorization_request, client, session, {}, until=until)
            answer = _implicit(authorization, authorization_request)
        else:
            answer = {"code": consent.allow_by_code(authorization_request, client, session, {}, until=until)}
    if interaction_id:
        interaction.finish(request, interaction_id)
    return response.success(request, authorization_request, client, answer)


def _allow(
    request: HttpRequest,
    authorization_request: AuthorizationRequest,
    client: Client,
    interaction_id: str | None,
    given: Parameters,
) -> HttpResponse:
    """The user was shown the consent page and answered it with `given`."""
    session = login_session.current(request)
    try:
        with transaction.atomic():
            pushed_request.use_up(authorization_request)
            allowed = consent.answered(authorization_request, given)
            chosen = picker.chosen(given)
            if allowed.response_type == "token":
                authorization = consent.allow(allowed, client, session, chosen, shown=authorization_request)
                answer = _implicit(authorization, allowed)
            else:
                code = consent.allow_by_code(allowed, client, session, chosen, shown=authorization_request)
                answer = {"code": code}
    except authorization_details.NotAnswered as error:
        page = _page(
            request,
            "oauth/consent.html",
            authorization_request,
            client,
            interaction_id or "",
            given=given,
            problem=str(error),
        )
        page.status_code = HTTPStatus.BAD_REQUEST
        return page
    if interaction_id:
        interaction.finish(request, interaction_id)
    return response.success(request, authorization_request, client, answer)


def _implicit(authorization: Authorization, authorization_request: AuthorizationRequest) -> dict[str, str]:
    """RFC 6749 §4.2.2: a short-lived access token in the fragment, no refresh token. Off unless allowed twice."""
    client = authorization.client
    scopes = entitlement.scopes(None, authorization_request.scopes, client)
    token, lifetime = issuance.access_token(
        client,
        scopes=scopes,
        resources=entitlement.resources((), authorization_request.resources, client),
        authorization=authorization,
        confirmation={},
    )
    return {
        "access_token": token,
        "token_type": "Bearer",
        "expires_in": str(int(lifetime.total_seconds())),
        "scope": " ".join(sorted(scopes)),
    }


def _refuse(
    request: HttpRequest,
    authorization_request: AuthorizationRequest,
    client: Client,
    refusal: OAuthError,
    interaction_id: str | None,
) -> HttpResponse:
    pushed_request.use_up(authorization_request)
    record_refusal("authorize", refusal, request, client=client)
    if interaction_id:
        interaction.finish(request, interaction_id)
    return response.error(request, authorization_request, client, refusal)


def _page(
    request: HttpRequest,
    template: str,
    authorization_request: AuthorizationRequest,
    client: Client,
    interaction_id: str,
    *,
    given: Parameters | None = None,
    problem: str = "",
) -> HttpResponse:
    """The form as the person left it where it was `given`, else with everything ticked that the app asks for."""
    details = authorization_request.authorization_details
    groups = consent.groups(authorization_request.consented_scopes, details, given=given)
    context = {
        "client": client,
        "redirect_host": interaction.redirect_host(authorization_request.redirect_uri),
        "groups": groups,
        "may_change": consent.may_change(groups, details),
        "parts": picker.parts(authorization_details.questions(details, request.user), given),
        "problem": problem,
        "grant_management_action": authorization_request.grant_management_action,
        "expires_at": consent.expires_at(client, details),
        "interaction": interaction_id,
        "here": f"{PATH}?{urlencode({'interaction': interaction_id})}",
    }
    page = render(request, template, context)
    # django-csp merges this into the site's policy.
    page._csp_update = {"form-action": list(response.form_action(authorization_request.redirect_uri))}  # type: ignore[attr-defined]
    return page


def error_page(request: HttpRequest, refusal: OAuthError) -> HttpResponse:
    """For faults that must not be redirected: shown to the person at the browser (RFC 9700 §4.11)."""
    is_limit = isinstance(refusal, TooManyRequests)
    context = {
        "title": _("Too many requests") if is_limit else _("This log-in link does not work"),
        "message": _("Wait a minute, then try again.") if is_limit else _(refusal.description),
        "error": refusal.code,
        "error_id": refusal.error_id,
    }
    page = render(request, "oauth/error.html", context, status=refusal.status)
    if isinstance(refusal, TooManyRequests):
        page["Retry-After"] = str(refusal.retry_after_seconds)
    return page
