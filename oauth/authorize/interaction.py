"""An authorization request on its way through login and consent, kept in the user's session on the server.

The browser carries only its id, so that a tampered form or URL changes nothing (CVE-2026-7571 in Keycloak).
"""

import secrets
from dataclasses import dataclass, replace
from typing import Any

from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_noop as _

from oauth.authorize.request import AuthorizationRequest
from oauth.conf import conf
from oauth.errors import InvalidRequest
from oauth.infrastructure.form_action import form_action
from oauth.infrastructure.hosts import host_of
from oauth.models import Client
from oauth.parameters import Parameters
from oauth.sessions.authentication_context import AuthenticationContext

_KEY = "oauth.interactions"
# A user has a few tabs open; an attacker would open thousands. The oldest is dropped.
_MOST = 10


@dataclass(frozen=True, slots=True)
class Interaction:
    """What the steps decide about: a valid request, its client, and the user at the browser.

    `http_request` gives the user and their session. `login` tells how and when the user logged in; None if nobody is
    logged in. `id` is empty until `start` has stored the request. `form` is the consent page as the user sent it; None
    if they have not been asked yet.
    """

    http_request: HttpRequest
    request: AuthorizationRequest
    client: Client
    login: AuthenticationContext | None
    id: str = ""
    form: Parameters | None = None

    @property
    def user(self) -> Any:
        return self.http_request.user


@dataclass(frozen=True, slots=True)
class AskingClient:
    """The app that a login page is shown for. `form_action` must be in the Content-Security-Policy of that page."""

    name: str
    host: str
    form_action: tuple[str, ...]
    login_hint: str
    client: Client


def start(interaction: Interaction) -> Interaction:
    """Stores the request in the session, unless it is stored already; the result has an id."""
    if interaction.id:
        return interaction
    session, interaction_id = interaction.http_request.session, secrets.token_urlsafe(16)
    stored = {**_stored(interaction.http_request), interaction_id: interaction.request.to_json()}
    session[_KEY] = dict(list(stored.items())[-_MOST:])
    return replace(interaction, id=interaction_id)


def load(
    http_request: HttpRequest, interaction_id: str, login: AuthenticationContext | None, form: Parameters | None = None
) -> Interaction:
    """Raises InvalidRequest if the request is unknown in this session or too old, or if its client was disabled."""
    stored = _stored(http_request).get(interaction_id)
    if stored is None:
        raise InvalidRequest(_("This login was already used, or it took too long. Start again from the app."))
    request = AuthorizationRequest.from_json(stored)
    client = Client.objects.filter(client_id=request.client_id, is_active=True).first()
    if client is None:
        raise InvalidRequest(_("The app was disabled in the meantime."))
    return Interaction(http_request, request, client, login, interaction_id, form)


def finish(interaction: Interaction) -> None:
    """Forgets the request: an interaction is answered once."""
    if interaction.id:
        stored = _stored(interaction.http_request)
        stored.pop(interaction.id, None)
        interaction.http_request.session[_KEY] = stored


def asking_client(http_request: HttpRequest) -> AskingClient | None:
    """The app of the newest open interaction."""
    stored = list(_stored(http_request).values())
    if not stored:
        return None
    client = Client.objects.filter(client_id=stored[-1]["client_id"], is_active=True).first()
    if client is None:
        return None
    redirect_uri = stored[-1]["redirect_uri"]
    return AskingClient(
        client.shown_name, host_of(redirect_uri), form_action(redirect_uri), stored[-1]["login_hint"], client
    )


def _stored(http_request: HttpRequest) -> dict[str, Any]:
    oldest = (timezone.now() - conf.INTERACTION_LIFETIME).timestamp()
    stored: dict[str, Any] = http_request.session.get(_KEY, {})
    return {key: value for key, value in stored.items() if value["created_at"] > oldest}
