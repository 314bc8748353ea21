"""The authorization endpoint (RFC 6749 §3.1): finds the client and the login, runs the steps, renders the outcome."""

from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.utils.translation import get_language
from django.utils.translation import gettext_noop as _
from django.views.decorators.csrf import csrf_protect

from oauth import parameters
from oauth.authorize import at_once, interaction, picker, steps
from oauth.authorize.answer import REPEATED_FOR
from oauth.authorize.interaction import InteractionOver
from oauth.authorize.outcome import Outcome, Refuse, Repeat, Respond
from oauth.authorize.steps.decide import decide
from oauth.authorize.steps.load_request import store_posted_request
from oauth.clients.cache import cached
from oauth.clients.lookup import find_client
from oauth.errors import OAuthError
from oauth.infrastructure import browser_binding
from oauth.infrastructure.form_action import allow_forms_to
from oauth.pages import error_page, ui_locales
from oauth.pages.authorization_outcome import show
from oauth.pages.protocol_page import ProtocolPage
from oauth.sessions.authentication_context import login_of
from oauth.sessions.login_session import current_sid

_REPEATABLE = parameters.REPEATABLE | picker.REPEATABLE


class AuthorizationPage(ProtocolPage):
    """Handles a client's request by GET or POST (OpenID Connect Core §3.1.2.1), and the user's decision by POST."""

    endpoint = "authorize"

    def get(self, request: HttpRequest) -> HttpResponse:
        if (refusal := getattr(request, "logged_out_meanwhile", None)) is not None:
            raise refusal
        params = parameters.parse(request.META.get("QUERY_STRING", "").encode())
        if "interaction" in params:
            loaded = interaction.load(request, params["interaction"], login_of(request))
            return _show(request, loaded, steps.run(loaded))
        language = get_language()
        client = cached(params.get("client_id", ""))
        usual = client and at_once.answer(request, params, client, login_of(request), current_sid(request))
        outcome = usual or steps.begin(request, params, find_client(params), login_of(request))
        page = show(request, outcome)
        chosen = get_language()
        if chosen and chosen != language and not isinstance(outcome, Respond | Refuse | Repeat):
            ui_locales.remember(page, outcome.interaction, chosen)
        return page

    def post(self, request: HttpRequest) -> HttpResponse:
        params = parameters.from_body(request, repeatable=_REPEATABLE)
        if "interaction" in params:
            return self._decide(request)
        stored = store_posted_request(params, find_client(params))
        if isinstance(stored, Refuse):
            return show(request, stored)
        return HttpResponseRedirect(f"{reverse('oauth:authorize')}?{urlencode(stored)}", status=303)

    @method_decorator(csrf_protect)
    def _decide(self, request: HttpRequest) -> HttpResponse:
        form = parameters.from_body(request, repeatable=_REPEATABLE)
        loaded = interaction.load(request, form.require("interaction"), login_of(request), form)
        return _show(request, loaded, decide(loaded))

    def show_refusal(self, request: HttpRequest, refusal: OAuthError) -> HttpResponse:
        """Shows the refusal, with links to apps that still wait in this browser, and back to an app whose interaction
        has expired.
        """
        is_over = isinstance(refusal, InteractionOver)
        expired = refusal.expired if isinstance(refusal, InteractionOver) else None
        page = error_page.show(
            request,
            refusal,
            title=_("This login has ended") if is_over else self.title_of(refusal),
            links={"is_over": is_over, "expired": expired, "waiting": interaction.waiting(request)},
        )
        if expired is not None:
            allow_forms_to(page, expired.request["redirect_uri"])
        return page


def _show(request: HttpRequest, loaded: interaction.Interaction, outcome: Outcome) -> HttpResponse:
    page = show(request, outcome)
    if isinstance(outcome, Respond | Refuse | Repeat):
        ui_locales.forget(request, page, loaded.id)
        # Keep the cookie long enough for a double click.
        browser_binding.bind(page, loaded.id, loaded.secret, lifetime=REPEATED_FOR)
    return page
