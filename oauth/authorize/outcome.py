"""What a step decided: what the user's browser gets next. `oauth.pages.authorize` renders each of them."""

from collections.abc import Mapping
from dataclasses import dataclass

from oauth.authorize.interaction import Interaction
from oauth.authorize.response import Destination
from oauth.errors import OAuthError
from oauth.models import Client


@dataclass(frozen=True, slots=True)
class LogIn:
    """The login page. The interaction is stored, so that the browser can return to it."""

    interaction: Interaction


@dataclass(frozen=True, slots=True)
class StepUp:
    """The page for a stronger login."""

    interaction: Interaction


@dataclass(frozen=True, slots=True)
class OfferOtherAccount:
    """A page that says that the client expects another user."""

    interaction: Interaction


@dataclass(frozen=True, slots=True)
class AskConsent:
    """The consent page. `problem` says what to change about the form that was sent."""

    interaction: Interaction
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Respond:
    """A successful response to the client: `parameters` hold the code, or the token of the implicit flow."""

    to: Destination
    client: Client
    parameters: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Refuse:
    """An error response to the client."""

    to: Destination
    client: Client
    refusal: OAuthError


Outcome = LogIn | StepUp | OfferOtherAccount | AskConsent | Respond | Refuse
