"""Enforces default_max_age and default_acr_values of a client (OpenID Connect Registration §2) for device and
backchannel requests.
"""

from collections.abc import Collection
from datetime import datetime
from http import HTTPStatus
from urllib.parse import urlencode

from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

from oauth.authorize.acr import is_met
from oauth.authorize.request.prompt import default_max_age
from oauth.authorize.steps.require_login import is_young_enough
from oauth.conf import conf
from oauth.models import Client
from oauth.sessions import authentication_context


def way_to_login(
    request: HttpRequest, client: Client, *, asked_at: datetime, acr_values: Collection[str], way_back: str
) -> HttpResponse | None:
    """A redirect to the stronger or newer login that the client requires; None if the present login suffices.

    As at the authorization endpoint, voluntary `acr_values` are ignored for a user who has no such login method.
    """
    login = authentication_context.current(request)
    is_too_weak = not is_met(login.acr, acr_values, ladder=conf.ACR_VALUES)
    if is_too_weak and conf.STEP_UP_URL and is_met(login.reachable_acr(), acr_values, ladder=conf.ACR_VALUES):
        return to_stronger_login(way_back)
    if is_young_enough(asked_at, login.auth_time, default_max_age(client)):
        return None
    answer = redirect_to_login(way_back, login_url=conf.REAUTHENTICATION_URL)
    answer.status_code = HTTPStatus.SEE_OTHER
    return answer


def to_stronger_login(way_back: str) -> HttpResponse:
    return HttpResponseRedirect(f"{conf.STEP_UP_URL}?{urlencode({'next': way_back})}", status=HTTPStatus.SEE_OTHER)
