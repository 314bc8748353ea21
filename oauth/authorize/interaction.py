"""An authorization request on its way through log-in and consent: kept in the session on the server.

The browser carries only its id, so a tampered form or URL changes nothing (Keycloak CVE-2026-7571).
"""

import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from django.http import HttpRequest
from django.utils import timezone

from oauth.authorize.request import AuthorizationRequest
from oauth.authorize.response import form_action
from oauth.conf import conf
from oauth.infrastructure import display_names
from oauth.models import Client

_KEY = "oauth.interactions"
# A person has a few tabs open, an attacker would open thousands: the oldest goes.
_MOST = 10


@dataclass(frozen=True, slots=True)
class AskingClient:
    """Which app a log-in page is shown for, and what its Content-Security-Policy must let the form lead to."""

    name: str
    host: str
    form_action: tuple[str, ...]
    login_hint: str


def start(request: HttpRequest, authorization_request: AuthorizationRequest) -> str:
    """Stores the request and returns the id of the interaction."""
    interaction_id = secrets.token_urlsafe(16)
    stored = {**_all(request), interaction_id: authorization_request.to_json()}
    request.session[_KEY] = dict(list(stored.items())[-_MOST:])
    return interaction_id


def load(request: HttpRequest, interaction_id: str) -> AuthorizationRequest | None:
    """The stored request; None where it is unknown in this browser or too old."""
    stored = _all(request).get(interaction_id)
    return AuthorizationRequest.from_json(stored) if stored else None


def finish(request: HttpRequest, interaction_id: str) -> None:
    """Ends it: an interaction is answered once."""
    stored = _all(request)
    stored.pop(interaction_id, None)
    request.session[_KEY] = stored


def asking_client(request: HttpRequest) -> AskingClient | None:
    """The app that the newest open interaction is for."""
    stored = list(_all(request).values())
    if not stored:
        return None
    client = Client.objects.filter(client_id=stored[-1]["client_id"], is_active=True).first()
    if client is None:
        return None
    redirect_uri = stored[-1]["redirect_uri"]
    return AskingClient(
        client.shown_name, redirect_host(redirect_uri), form_action(redirect_uri), stored[-1]["login_hint"]
    )


def redirect_host(redirect_uri: str) -> str:
    """Where the browser returns to, as a person may check it."""
    parts = urlsplit(redirect_uri)
    return display_names.host(parts.hostname) if parts.hostname else f"the app {parts.scheme}"


def _all(request: HttpRequest) -> dict[str, Any]:
    oldest = (timezone.now() - conf.INTERACTION_LIFETIME).timestamp()
    stored: dict[str, Any] = request.session.get(_KEY, {})
    return {key: value for key, value in stored.items() if value["created_at"] > oldest}


def logged_in_since(request_made_at: datetime, auth_time: datetime) -> bool:
    """Whether a log-in answers a request for a fresh one (OpenID Connect Core §3.1.2.1: prompt=login, max_age).

    To the microsecond: a log-in of the same second, but before the request, does not count.
    """
    return auth_time >= request_made_at
