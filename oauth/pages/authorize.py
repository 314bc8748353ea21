"""The authorization endpoint (RFC 6749 §3.1): load the request, run the steps, render the outcome."""

from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.decorators import method_decorator
from django.views.decorators.csrf import csrf_protect

from oauth import parameters
from oauth.authorize import interaction, picker, steps
from oauth.authorize.outcome import Refuse
from oauth.authorize.steps.decide import decide
from oauth.authorize.steps.load_request import load_request, store_posted_request
from oauth.pages import authorization_outcome, ui_locales
from oauth.pages.authorization_outcome import PATH
from oauth.pages.protocol_page import ProtocolPage

_REPEATABLE = parameters.REPEATABLE | picker.REPEATABLE


class AuthorizationPage(ProtocolPage):
    """A client's request comes by GET or POST (OpenID Connect Core §3.1.2.1); POST is also the user's decision."""

    endpoint = "authorize"

    def get(self, request: HttpRequest) -> HttpResponse:
        loaded = load_request(request, parameters.parse(request.META.get("QUERY_STRING", "").encode()))
        if isinstance(loaded, Refuse):
            return authorization_outcome.show(request, loaded)
        # Only for the client's request. Afterwards, the language that the user chooses at the foot of a page counts.
        language = None if loaded.id else ui_locales.activate(loaded.request.ui_locales)
        page = authorization_outcome.show(request, steps.run(loaded))
        if language:
            ui_locales.remember(page, language)
        return page

    def post(self, request: HttpRequest) -> HttpResponse:
        params = parameters.from_body(request, repeatable=_REPEATABLE)
        if "interaction" in params:
            return self._decide(request)
        stored = store_posted_request(params)
        if isinstance(stored, Refuse):
            return authorization_outcome.show(request, stored)
        return HttpResponseRedirect(f"{PATH}?{urlencode(stored)}", status=303)

    @method_decorator(csrf_protect)
    def _decide(self, request: HttpRequest) -> HttpResponse:
        form = parameters.from_body(request, repeatable=_REPEATABLE)
        deciding = interaction.load(request, form.require("interaction"), form)
        return authorization_outcome.show(request, decide(deciding))
