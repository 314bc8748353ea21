"""The authorization request (RFC 6749 §4.1.1, RFC 7636 §4.3, RFC 8707 §2, OpenID Connect Core §3.1.2.1).

Read in two steps: first the client and the redirect URI, whose faults are shown and never redirected
(RFC 9700 §4.11); then the rest, whose faults go to the client. A pushed request is read the same way.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext_noop as _

from oauth import authorization_details, parameters
from oauth.authorize import grant_management
from oauth.authorize.claims_request import Claims
from oauth.clients.registration import metadata_document
from oauth.conf import conf
from oauth.errors import (
    InvalidRequest,
    InvalidScope,
    InvalidTarget,
    OAuthError,
    RegistrationNotSupported,
    RequestURINotSupported,
    UnauthorizedClient,
    UnsupportedResponseType,
)
from oauth.models import Client
from oauth.parameters import Parameters
from oauth.tokens import id_token
from oauth.tokens.user_claims import scopes_of

PROMPTS = frozenset({"none", "login", "consent", "select_account"})
DISPLAYS = frozenset({"page", "popup", "touch", "wap"})
# How an answer may be asked to travel, by response type; the first is meant where none is asked.
RESPONSE_MODES = {
    "code": ("query", "form_post", "jwt", "query.jwt", "form_post.jwt"),
    "token": ("fragment", "form_post", "jwt", "fragment.jwt", "form_post.jwt"),
}
SIGNED_MODES = frozenset({"jwt", "query.jwt", "fragment.jwt", "form_post.jwt"})
_CODE_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")  # base64url of a SHA-256


@dataclass(frozen=True, slots=True)
class ReturnAddress:
    """Where an answer may go, and how: the proven client and its redirect URI."""

    client: Client
    redirect_uri: str
    response_mode: str
    state: str | None


@dataclass(frozen=True, slots=True)
class AuthorizationRequest:
    """A valid request, complete; what the person is asked and what the code will carry.

    `claims` are those asked for by name, `{"id_token": [...], "userinfo": [...]}`; `subject` is the only person
    that may answer, where the client named one, as the client knows them.
    """

    client_id: str
    redirect_uri: str
    response_type: str
    response_mode: str
    state: str | None
    scopes: tuple[str, ...]
    resources: tuple[str, ...]
    code_challenge: str
    nonce: str
    prompts: frozenset[str]
    max_age: timedelta | None
    acr_values: tuple[str, ...]
    essential_acr_values: tuple[str, ...]
    claims: dict[str, list[str]]
    subject: str
    login_hint: str
    ui_locales: tuple[str, ...]
    dpop_jkt: str
    authorization_details: tuple[dict[str, Any], ...]
    grant_management_action: str
    grant_id: str
    created_at: datetime
    pushed_id: int | None = None  # the row it was pushed into, deleted with the answer

    @property
    def consented_scopes(self) -> frozenset[str]:
        """What the person is told: the scopes, and those that stand for the claims asked for by name."""
        return frozenset(self.scopes) | scopes_of(name for names in self.claims.values() for name in names)

    def to_json(self) -> dict[str, Any]:
        """For the browser's session on the server, or the table of pushed requests."""
        stored = {f.name: getattr(self, f.name) for f in fields(self)}
        return stored | {
            "prompts": sorted(self.prompts),
            "max_age": None if self.max_age is None else self.max_age.total_seconds(),
            "created_at": self.created_at.timestamp(),
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "AuthorizationRequest":
        max_age = stored["max_age"]
        lists = ("scopes", "resources", "acr_values", "essential_acr_values", "ui_locales", "authorization_details")
        return cls(
            **{
                **stored,
                **{name: tuple(stored[name]) for name in lists},
                "prompts": frozenset(stored["prompts"]),
                "max_age": None if max_age is None else timedelta(seconds=max_age),
                "created_at": datetime.fromtimestamp(stored["created_at"], tz=timezone.get_default_timezone()),
            }
        )


def find_client(params: Parameters) -> Client:
    """Raises InvalidRequest, to be shown."""
    client_id = params.get("client_id")
    if client_id is None:
        raise InvalidRequest(_("The parameter client_id is missing."))
    client = metadata_document.find(client_id) if metadata_document.is_address(client_id) else Client.read(client_id)
    if client is None or not client.is_active:
        raise InvalidRequest(_("No app with this client_id is registered here, or it is disabled."))
    return client


def return_address(params: Parameters, client: Client) -> ReturnAddress:
    """Raises InvalidRequest, to be shown: without a proven redirect URI there is nobody to answer."""
    redirect_uri = params.get("redirect_uri")
    if redirect_uri is None:
        # OAuth 2.1 §4.1.1: may be left out where exactly one is registered.
        registered = client.redirect_uris.split()
        if len(registered) != 1:
            raise InvalidRequest(_("The parameter redirect_uri is missing."))
        redirect_uri = registered[0]
    elif not client.redirect_uri_allowed(redirect_uri):
        raise InvalidRequest(_("The redirect_uri is not one that is registered for this app."))
    response_type = params.get("response_type", "")
    modes = RESPONSE_MODES[response_type if response_type in supported_response_types() else "code"]
    asked = params.get("response_mode", "")
    # What is told is signed for a client that wants nothing else, errors too.
    default = "jwt" if client.signs_messages else modes[0]
    return ReturnAddress(client, redirect_uri, asked if asked in modes else default, params.get("state"))


def read(params: Parameters, address: ReturnAddress) -> AuthorizationRequest:
    """Raises the OAuthError that the client is to be told at its address."""
    client = address.client
    parameters.refuse_long(params)
    _refuse_unsupported(params)
    response_type = _response_type(params, client)
    claims = Claims.parse(params.get("claims"), client)
    hint = _hint(params.get("id_token_hint"), client)
    if hint and claims.subject and hint != claims.subject:
        raise InvalidRequest("id_token_hint and the claim sub name two people.")
    max_age = _max_age(params.get("max_age"))
    if max_age is None and client.default_max_age is not None:
        max_age = timedelta(seconds=client.default_max_age)
    resources = requested_resources(params.all("resource"), client)
    details = authorization_details.parse(
        params.get("authorization_details"), allowed_types=client.allowed_details_types, resources=resources
    )
    action, grant_id = grant_management.wanted(params, client)
    return AuthorizationRequest(
        client_id=client.client_id,
        redirect_uri=address.redirect_uri,
        response_type=response_type,
        response_mode=address.response_mode,
        state=address.state,
        scopes=requested_scopes(params.get("scope"), client, needed=authorization_details.scopes_of(details)),
        resources=resources,
        code_challenge=_code_challenge(params) if response_type == "code" else "",
        nonce=params.get("nonce", ""),
        prompts=_prompts(params.get("prompt", "")),
        max_age=max_age,
        acr_values=tuple(params.get("acr_values", "").split()) or tuple(client.default_acr_values),
        essential_acr_values=claims.essential_acr_values,
        claims=claims.names,
        subject=hint or claims.subject,
        login_hint=params.get("login_hint", ""),
        ui_locales=tuple(params.get("ui_locales", "").split()),
        dpop_jkt=_dpop_jkt(params.get("dpop_jkt", "")),
        authorization_details=details,
        grant_management_action=action,
        grant_id=grant_id,
        created_at=timezone.now(),
    )


def supported_response_types() -> list[str]:
    """RFC 9700 §2.1.2, ASVS 5.0 10.6.1: code, and nothing else unless the site says so."""
    return ["code", "token"] if conf.ALLOW_IMPLICIT else ["code"]


def _response_type(params: Parameters, client: Client) -> str:
    response_type = params.require("response_type")
    if response_type not in supported_response_types():
        raise UnsupportedResponseType("The response_type of this server is code.")
    if response_type not in client.response_types:
        raise UnauthorizedClient(f"This client is not registered for response_type={response_type}.")
    modes = [mode for mode in RESPONSE_MODES[response_type] if mode in SIGNED_MODES or not client.signs_messages]
    if params.get("response_mode", "" if client.signs_messages else modes[0]) not in modes:
        # RFC 9700 §4.17, ASVS 5.0 10.4.12: an allow-list. A code in a fragment would be left to scripts.
        raise InvalidRequest(f"response_mode is {' or '.join(modes)}.")
    if params.get("display", "page") not in DISPLAYS:
        raise InvalidRequest(f"display is of {', '.join(sorted(DISPLAYS))}.")
    return response_type


def _hint(token: str | None, client: Client) -> str:
    """OpenID Connect Core §3.1.2.1: the `sub` of an ID token of ours for this client; empty where none is sent."""
    if token is None:
        return ""
    hint = id_token.read_hint(token)
    if hint is None or hint.client_id != client.client_id:
        raise InvalidRequest("id_token_hint is not an ID token of this server for this client.")
    return hint.subject


def _refuse_unsupported(params: Parameters) -> None:
    """OpenID Connect Core §3.1.2.6: what is not supported is refused by name, not ignored."""
    unsupported: dict[str, type[OAuthError]] = {
        "request_uri": RequestURINotSupported,
        "registration": RegistrationNotSupported,
    }
    for name, error in unsupported.items():
        if name in params:
            raise error(f"The parameter {name} is not supported.")


def requested_scopes(asked: str | None, client: Client, *, needed: Iterable[str] = ()) -> tuple[str, ...]:
    """RFC 6749 §3.3: those asked for, and those that its details need (RFC 9396 §3.1). A request with neither is
    refused, since nobody could be told what it is for."""
    wanted = tuple(dict.fromkeys([*(asked or "").split(), *needed]))
    if not wanted:
        raise InvalidScope("The parameter scope is missing.")
    # ASVS 5.0 10.4.11.
    beyond = set(wanted) - set(client.allowed_scopes)
    if beyond:
        raise InvalidScope("The scope asks for more than this client may have.", detail=f"asked {sorted(beyond)}")
    return wanted


def requested_resources(asked: tuple[str, ...], client: Client) -> tuple[str, ...]:
    """RFC 8707 §2, ASVS 5.0 9.2.4. Without a resource the first one of the server is meant."""
    allowed = tuple(client.allowed_resources) or tuple(conf.RESOURCES)
    if not set(asked) <= set(allowed):
        raise InvalidTarget("The resource is unknown or not for this client.")
    return tuple(dict.fromkeys(asked)) or allowed[:1]


def _code_challenge(params: Parameters) -> str:
    """RFC 7636 §4.3, RFC 9700 §2.1.1, ASVS 5.0 10.4.6: required from every client, by S256 only.

    The default of the method is `plain`, so the client must name S256.
    """
    challenge = params.require("code_challenge")
    if params.get("code_challenge_method", "plain") != "S256":
        raise InvalidRequest("code_challenge_method is S256.")
    if not _CODE_CHALLENGE.fullmatch(challenge):
        raise InvalidRequest("code_challenge is 43 characters: the base64url of a SHA-256.")
    return challenge


def _dpop_jkt(value: str) -> str:
    """RFC 9449 §10: the thumbprint of the key that the code is for."""
    if value and not _CODE_CHALLENGE.fullmatch(value):
        raise InvalidRequest("dpop_jkt is 43 characters: the base64url of a SHA-256 thumbprint (RFC 7638).")
    return value


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
