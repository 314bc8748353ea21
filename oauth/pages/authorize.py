"""The authorization endpoint (RFC 6749 §3.1): load the request, run the steps, render the outcome."""

from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.utils.decorators import method_decorator
from django.views.decorators.csrf import csrf_protect

from oauth import parameters
from oauth.authorize import interaction, picker, pushed_request, steps
from oauth.authorize.interaction import Interaction
from oauth.authorize.outcome import Refuse
from oauth.authorize.request import AuthorizationRequest, find_client
from oauth.authorize.steps.decide import decide
from oauth.authorize.steps.load_request import load_pushed_request, load_request
from oauth.models import Client
from oauth.pages import authorization_outcome, ui_locales
from oauth.pages.authorization_outcome import PATH
from oauth.pages.protocol_page import ProtocolPage

_REPEATABLE = parameters.REPEATABLE | picker.REPEATABLE


class AuthorizationPage(ProtocolPage):
    """A client's request comes by GET or POST (OpenID Connect Core §3.1.2.1); POST is also the user's decision."""

    endpoint = "authorize"

    def get(self, request: HttpRequest) -> HttpResponseBase:
        params = parameters.parse(request.META.get("QUERY_STRING", "").encode())
        if "interaction" in params:
            returning = interaction.load(request, params["interaction"])
            return authorization_outcome.show(request, steps.run(returning))
        client = find_client(params)
        loaded = load_pushed_request(params, client) or load_request(params, client)
        if isinstance(loaded, Refuse):
            return authorization_outcome.show(request, loaded)
        return self._begin(Interaction(request, loaded, client))

    def post(self, request: HttpRequest) -> HttpResponseBase:
        params = parameters.from_body(request, repeatable=_REPEATABLE)
        if "interaction" in params:
            return self._decide(request)
        client = find_client(params)
        loaded = load_request(params, client)
        if isinstance(loaded, Refuse):
            return authorization_outcome.show(request, loaded)
        return _come_back_by_get(client, loaded)

    def _begin(self, beginning: Interaction) -> HttpResponse:
        language = ui_locales.activate(beginning.request.ui_locales)
        page = authorization_outcome.show(beginning.http_request, steps.run(beginning))
        if language:
            ui_locales.remember(page, language)
        return page

    @method_decorator(csrf_protect)
    def _decide(self, request: HttpRequest) -> HttpResponseBase:
        form = parameters.from_body(request, repeatable=_REPEATABLE)
        deciding = interaction.load(request, form.require("interaction"), form)
        return authorization_outcome.show(request, decide(deciding))


def _come_back_by_get(client: Client, loaded: AuthorizationRequest) -> HttpResponseRedirect:
    """Browsers send no SameSite cookie with a POST from another site. The request is stored as if it had been pushed,
    and the browser comes back by GET with the user's session."""
    query = {"client_id": client.client_id, "request_uri": pushed_request.store(client, loaded)}
    return HttpResponseRedirect(f"{PATH}?{urlencode(query)}", status=303)
