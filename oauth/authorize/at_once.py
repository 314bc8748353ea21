"""Answers a usual request with the cached client, as the machine endpoints do. This saves one statement.

The cached client is used only to accept a request. A request that would be refused, or that needs a page, is decided
again with the client's current row. `granting_again` writes nothing if the client's row has changed since it was
cached.
"""

from collections.abc import Sequence
from typing import Any

from django.http import HttpRequest

from oauth import fast_path
from oauth.authorize import consent, granting_again
from oauth.authorize.outcome import Refuse, Respond
from oauth.authorize.request import AuthorizationRequest
from oauth.authorize.steps.load_request import load_request
from oauth.errors import OAuthError
from oauth.models import Client
from oauth.parameters import Parameters
from oauth.sessions.authentication_context import AuthenticationContext

#: The parameters of a usual request: it is neither pushed nor signed, and needs no further step.
_USUAL = frozenset({
    "client_id", "redirect_uri", "response_type", "response_mode", "scope", "state", "nonce", "code_challenge",
    "code_challenge_method", "prompt", "resource", "claims", "dpop_jkt",
})  # fmt: skip


def is_possible(params: Parameters, client: Client) -> bool:
    """Whether the request has only the usual parameters, and the client is cached."""
    return fast_path.is_on() and client.row_version is not None and _USUAL.issuperset(params)


def answer(
    http_request: HttpRequest,
    params: Parameters,
    client: Client,
    login: AuthenticationContext | None,
    sid: str | None,
    decisions: Sequence[Sequence[Any]] | None = None,
) -> Respond | None:
    """The response to a usual request of a cached client. None, with nothing written, if the caller must read the
    client and run all steps. See `granting_again.try_fast` for `decisions` and errors.
    """
    if login is None or not is_possible(params, client):
        return None
    try:
        loaded = load_request(http_request, params, client, login)
    except OAuthError:
        return None  # the caller decides with the client's current row
    if isinstance(loaded, Refuse) or _needs_a_step(loaded.request) or consent.is_always_needed(loaded.request, client):
        return None
    return granting_again.try_fast(loaded, sid, decisions)


def _needs_a_step(request: AuthorizationRequest) -> bool:
    """Whether a step before `answer_silently` has something to check. The client's defaults may require a recent or a
    stronger login.
    """
    return bool(
        request.max_age is not None
        or "login" in request.prompts
        or request.subject
        or request.acr_values
        or request.essential_acr_values
        or request.grant_id
        or request.ui_locales
    )
