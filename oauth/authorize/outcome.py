"""The outcome of a step: the next response to the browser, as data. `oauth.pages.authorization_outcome` renders it."""

from dataclasses import dataclass

from oauth.authorize.consent_prompt import ConsentPrompt
from oauth.authorize.interaction import Interaction
from oauth.authorize.response_modes import Delivery
from oauth.errors import OAuthError
from oauth.models import Client


@dataclass(frozen=True, slots=True)
class LogIn:
    """The login page. The interaction is stored, so that the browser can continue it."""

    interaction: Interaction


@dataclass(frozen=True, slots=True)
class StepUp:
    """The page for step-up authentication."""

    interaction: Interaction


@dataclass(frozen=True, slots=True)
class OfferOtherAccount:
    """The page that says that another user must log in. `is_sandbox` is set if sandbox users may not allow this app, or
    if only they may.
    """

    interaction: Interaction
    is_sandbox: bool = False


@dataclass(frozen=True, slots=True)
class AskConsent:
    """The consent page."""

    interaction: Interaction
    prompt: ConsentPrompt


@dataclass(frozen=True, slots=True)
class Respond:
    """A successful response to the client: the code, or the token of the implicit flow."""

    delivery: Delivery


@dataclass(frozen=True, slots=True)
class Refuse:
    """An error response to the client."""

    delivery: Delivery
    client: Client
    refusal: OAuthError


@dataclass(frozen=True, slots=True)
class Repeat:
    """The same response again, because the user pressed a button twice or went back."""

    delivery: Delivery
    client: Client
    is_refusal: bool


#: The outcomes that end an interaction with an error, or repeat an earlier outcome.
Ended = Refuse | Repeat
Outcome = LogIn | StepUp | OfferOtherAccount | AskConsent | Respond | Refuse | Repeat
