"""The authorization request (RFC 6749 §4.1.1, RFC 7636 §4.3, RFC 8707 §2, OpenID Connect Core §3.1.2.1).

Read in two steps: first the client and the redirect URI, whose faults are shown and never redirected
(RFC 9700 §4.11); then the rest, whose faults go to the client.
"""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from oauth.conf import conf
from oauth.errors import (
    InvalidRequest,
    InvalidScope,
    InvalidTarget,
    OAuthError,
    RegistrationNotSupported,
    RequestNotSupported,
    RequestURINotSupported,
    UnauthorizedClient,
    UnsupportedResponseType,
)
from oauth.models import Client
from oauth.models.client import GrantType
from oauth.parameters import Parameters

PROMPTS = frozenset({"none", "login", "consent", "select_account"})
_CODE_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")  # base64url of a SHA-256


@dataclass(frozen=True, slots=True)
class ReturnAddress:
    """Where an answer may go: the proven client and its redirect URI."""

    client: Client
    redirect_uri: str
    state: str | None


@dataclass(frozen=True, slots=True)
class AuthorizationRequest:
    """A valid request, complete; what the person is asked and what the code will carry."""

    client_id: str
    redirect_uri: str
    state: str | None
    scopes: tuple[str, ...]
    resources: tuple[str, ...]
    code_challenge: str
    nonce: str
    prompts: frozenset[str]
    max_age: timedelta | None
    login_hint: str
    created_at: datetime

    def to_session(self) -> dict[str, Any]:
        """As JSON for the browser's session on the server."""
        return {
            "client_id": self.client_id,
            "redirect_uri": self.redirect_uri,
            "state": self.state,
            "scopes": list(self.scopes),
            "resources": list(self.resources),
            "code_challenge": self.code_challenge,
            "nonce": self.nonce,
            "prompts": sorted(self.prompts),
            "max_age": None if self.max_age is None else self.max_age.total_seconds(),
            "login_hint": self.login_hint,
            "created_at": self.created_at.timestamp(),
        }

    @classmethod
    def from_session(cls, stored: dict[str, Any]) -> "AuthorizationRequest":
        max_age = stored["max_age"]
        return cls(
            **{
                **stored,
                "scopes": tuple(stored["scopes"]),
                "resources": tuple(stored["resources"]),
                "prompts": frozenset(stored["prompts"]),
                "max_age": None if max_age is None else timedelta(seconds=max_age),
                "created_at": datetime.fromtimestamp(stored["created_at"], tz=timezone.get_default_timezone()),
            }
        )


def return_address(params: Parameters) -> ReturnAddress:
    """Raises InvalidRequest, to be shown: without a proven redirect URI there is nobody to answer."""
    client = Client.objects.filter(client_id=params.require("client_id")).first()
    if client is None or not client.is_active:
        raise InvalidRequest("No app with this client_id is registered here, or it is disabled.")
    redirect_uri = params.get("redirect_uri")
    if redirect_uri is None:
        # OAuth 2.1 §4.1.1: may be left out where exactly one is registered.
        registered = client.redirect_uris.split()
        if len(registered) != 1:
            raise InvalidRequest("The parameter redirect_uri is missing.")
        redirect_uri = registered[0]
    elif not client.redirect_uri_allowed(redirect_uri):
        raise InvalidRequest("The redirect_uri is not one that is registered for this app.")
    return ReturnAddress(client, redirect_uri, params.get("state"))


def read(params: Parameters, address: ReturnAddress) -> AuthorizationRequest:
    """Raises the OAuthError that the client is to be told by redirect."""
    client = address.client
    _refuse_unsupported(params)
    response_type = params.require("response_type")
    if response_type != "code":
        raise UnsupportedResponseType("The response_type of this server is code.")
    if not client.allows_grant_type(GrantType.AUTHORIZATION_CODE):
        raise UnauthorizedClient("This client is not registered for the authorization code grant.")
    if params.get("response_mode", "query") != "query":
        raise InvalidRequest("The response_mode of this server is query.")
    return AuthorizationRequest(
        client_id=client.client_id,
        redirect_uri=address.redirect_uri,
        state=address.state,
        scopes=requested_scopes(params.get("scope"), client),
        resources=requested_resources(params.all("resource"), client),
        code_challenge=_code_challenge(params),
        nonce=params.get("nonce", ""),
        prompts=_prompts(params.get("prompt", "")),
        max_age=_max_age(params.get("max_age")),
        login_hint=params.get("login_hint", ""),
        created_at=timezone.now(),
    )


def _refuse_unsupported(params: Parameters) -> None:
    """OpenID Connect Core §3.1.2.6: what is not supported is refused by name, not ignored."""
    unsupported: dict[str, type[OAuthError]] = {
        "request": RequestNotSupported,
        "request_uri": RequestURINotSupported,
        "registration": RegistrationNotSupported,
    }
    for name, error in unsupported.items():
        if name in params:
            raise error(f"The parameter {name} is not supported.")


def requested_scopes(asked: str | None, client: Client) -> tuple[str, ...]:
    """RFC 6749 §3.3. A request without scope is refused, since nobody could be told what it is for."""
    wanted = tuple(dict.fromkeys((asked or "").split()))
    if not wanted:
        raise InvalidScope("The parameter scope is missing.")
    beyond = set(wanted) - set(client.allowed_scopes)
    if beyond:
        raise InvalidScope("The scope asks for more than this client may have.", detail=f"asked {sorted(beyond)}")
    return wanted


def requested_resources(asked: tuple[str, ...], client: Client) -> tuple[str, ...]:
    """RFC 8707 §2. Without a resource the first one of the server is meant."""
    allowed = tuple(client.allowed_resources) or tuple(conf.RESOURCES)
    if not set(asked) <= set(allowed):
        raise InvalidTarget("The resource is unknown or not for this client.")
    return tuple(dict.fromkeys(asked)) or allowed[:1]


def _code_challenge(params: Parameters) -> str:
    """RFC 7636 §4.3, RFC 9700 §2.1.1: required from every client, S256 only; `plain` is the default, so say it."""
    challenge = params.require("code_challenge")
    if params.get("code_challenge_method", "plain") != "S256":
        raise InvalidRequest("code_challenge_method is S256.")
    if not _CODE_CHALLENGE.fullmatch(challenge):
        raise InvalidRequest("code_challenge is 43 characters: the base64url of a SHA-256.")
    return challenge


def _prompts(value: str) -> frozenset[str]:
    prompts = frozenset(value.split())
    if not prompts <= PROMPTS:
        raise InvalidRequest(f"prompt is of {', '.join(sorted(PROMPTS))}.")
    if "none" in prompts and len(prompts) > 1:
        raise InvalidRequest("prompt=none stands alone.")
    return prompts


def _max_age(value: str | None) -> timedelta | None:
    if value is None:
        return None
    if not re.fullmatch(r"[0-9]{1,9}", value):
        raise InvalidRequest("max_age is a number of seconds.")
    return timedelta(seconds=int(value))
