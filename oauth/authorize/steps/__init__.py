"""The steps of the authorization endpoint, in order.

Before them, `load_request` reads a new request, and `decide` handles a submitted form. A step returns an outcome, or
None to continue with the next step.
"""

from collections.abc import Callable

from django.http import HttpRequest

from oauth.authorize.interaction import Interaction
from oauth.authorize.outcome import Outcome, Refuse
from oauth.authorize.steps.answer_again import answer_again
from oauth.authorize.steps.answer_silently import answer_silently
from oauth.authorize.steps.answer_with_consent import answer_with_consent
from oauth.authorize.steps.ask_consent import ask_consent
from oauth.authorize.steps.check_client import check_client
from oauth.authorize.steps.check_grant import check_grant
from oauth.authorize.steps.check_redirect_uri import check_redirect_uri
from oauth.authorize.steps.check_sandbox import check_sandbox
from oauth.authorize.steps.check_subject import check_subject
from oauth.authorize.steps.choose_language import choose_language
from oauth.authorize.steps.load_request import load_request
from oauth.authorize.steps.require_login import require_login
from oauth.authorize.steps.step_up import step_up
from oauth.models import Client
from oauth.parameters import Parameters
from oauth.sessions.authentication_context import AuthenticationContext

_STEPS: tuple[Callable[[Interaction], Outcome | None], ...] = (
    choose_language,
    check_redirect_uri,
    answer_again,
    check_client,
    require_login,
    check_subject,
    step_up,
    check_grant,
    answer_silently,
    check_sandbox,  # after answer_silently, because it ran before the consent that is repeated
    ask_consent,
    answer_with_consent,
)


def begin(
    http_request: HttpRequest, params: Parameters, client: Client, login: AuthenticationContext | None
) -> Outcome:
    """The outcome of a new request. Raises the same errors as `run`."""
    loaded = load_request(http_request, params, client, login)
    return loaded if isinstance(loaded, Refuse) else run(loaded)


def run(interaction: Interaction) -> Outcome:
    """The first outcome of a step. Raises an OAuthError that must be shown to the user instead of redirected."""
    return next(outcome for step in _STEPS if (outcome := step(interaction)) is not None)
