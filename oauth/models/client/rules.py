"""Rules for all clients. Each rule is a function (client) -> {field: error}, which every form and registration uses.

`clients.advice` has warnings about settings that are allowed but unsafe.
"""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.core.exceptions import ValidationError

from oauth.infrastructure import outbound
from oauth.models.client import grant_types
from oauth.models.client.authentication_rules import certificate, fapi_authentication, keys, method, signature
from oauth.models.client.grant_types import GrantType
from oauth.models.client.openid_connect import DeliveryMode, SubjectType
from oauth.models.client.redirect_uris import validate_redirect_uri
from oauth.models.client.security_profile import SecurityProfile
from oauth.models.client.site import site

if TYPE_CHECKING:
    from oauth.models.client.model import Client

Errors = Mapping[str, Any]

ZERO = timedelta()
# RFC 9700 §2.2: access tokens must be short-lived.
LONGEST_ACCESS_TOKEN = timedelta(minutes=15)
# The end of an authorization must be a date that Python and PostgreSQL can represent.
LONGEST_AUTHORIZATION = timedelta(days=36500)


def broken(client: "Client") -> dict[str, Any]:
    """Field -> error, for all rules. Of two errors for a field, the later one is returned."""
    errors: dict[str, Any] = {}
    for rule in RULES:
        errors |= rule(client)
    return errors


def redirect_uris(client: "Client") -> Errors:
    if client.response_types and not client.redirect_uris.split():
        return {"redirect_uris": "Enter at least one redirect URI, to which the browser returns after login."}
    return _wrong_uris(client, "redirect_uris")


def post_logout_redirect_uris(client: "Client") -> Errors:
    return _wrong_uris(client, "post_logout_redirect_uris")


def _wrong_uris(client: "Client", field: str) -> Errors:
    try:
        for uri in getattr(client, field).split():
            validate_redirect_uri(uri, kind=client.kind)
    except ValidationError as error:
        return {field: error}
    return {}


def fapi_signatures(client: "Client") -> Errors:
    """FAPI 2.0 §5.4.1."""
    if not client.is_fapi:
        return {}
    fields = [f"{name}_signed_response_alg" for name in ("id_token", "userinfo", "introspection", "authorization")]
    fields.append("request_object_signing_alg")
    message = "FAPI 2.0 requires signatures with PS256, ES256 or EdDSA (§5.4.1)."
    return {field: message for field in fields if getattr(client, field) == "RS256"}


def lifetimes(client: "Client") -> Errors:
    errors = {}
    if client.access_token_lifetime is not None and not ZERO < client.access_token_lifetime <= LONGEST_ACCESS_TOKEN:
        errors["access_token_lifetime"] = "The lifetime must be more than 0 and at most 15 minutes (RFC 9700 §2.2)."
    if client.authorization_lifetime is not None and not ZERO < client.authorization_lifetime <= LONGEST_AUTHORIZATION:
        errors["authorization_lifetime"] = "The lifetime must be more than 0 and at most 36500 days."
    return errors


def addresses_of_its_servers(client: "Client") -> Errors:
    """This server calls these URLs, so they must be https and public."""
    errors = {}
    for field in (
        "client_jwks_uri",
        "backchannel_logout_uri",
        "backchannel_client_notification_endpoint",
        "sector_identifier_uri",
    ):
        try:
            if url := getattr(client, field):
                outbound.check_url(url)
        except outbound.OutboundError as error:
            errors[field] = str(error)
    return errors


def pairwise_subjects(client: "Client") -> Errors:
    if client.subject_type == SubjectType.PAIRWISE and not site.values.has_pairwise_subjects:
        return {
            "subject_type": "This server does not support pairwise subjects, because PAIRWISE_SUBJECT_KEY is not set."
        }
    return {}


def grant_types_of_a_fapi_client(client: "Client") -> Errors:
    if client.is_fapi and client.allows_grant_type(GrantType.IMPLICIT):
        return {"grant_types": "FAPI 2.0 does not allow the implicit flow."}
    return {}


def grant_types_of_fapi_ciba(client: "Client") -> Errors:
    if client.security_profile == SecurityProfile.FAPI_CIBA and not client.allows_grant_type(GrantType.CIBA):
        return {"security_profile": "FAPI-CIBA is only for clients with the grant type CIBA."}
    return {}


def pkce(client: "Client") -> Errors:
    if not client.require_pkce and client.must_use_pkce:
        return {"require_pkce": "A public client and a FAPI client must use PKCE (RFC 9700 §2.1.1, FAPI 2.0 §5.3.2.2)."}
    return {}


def implicit_flow(client: "Client") -> Errors:
    """RFC 9700 §2.1.2 advises against it. Both the site and the client must allow it."""
    if client.allows_grant_type(GrantType.IMPLICIT) and not site.values.allows_implicit:
        return {"grant_types": 'The implicit flow is unsafe, and OAUTH["ALLOW_IMPLICIT"] is off.'}
    return {}


def grant_types_of_a_public_client(client: "Client") -> Errors:
    """RFC 6749 §4.4, RFC 8693 §5, CIBA §4: these grant types require client authentication."""
    if not client.is_public:
        return {}
    for name in client.grant_types:
        known = grant_types.traits(name)
        if known is not None and not known.allows_public_clients:
            return {"grant_types": f"A public client cannot use the grant type {name}, because it cannot authenticate."}
    return {}


def ping(client: "Client") -> Errors:
    """CIBA §4: ping mode requires backchannel_client_notification_endpoint."""
    is_ping = client.backchannel_token_delivery_mode == DeliveryMode.PING
    if client.allows_grant_type(GrantType.CIBA) and is_ping and not client.backchannel_client_notification_endpoint:
        return {"backchannel_client_notification_endpoint": "Ping mode requires a notification endpoint (CIBA §4)."}
    return {}


def client_id(client: "Client") -> Errors:
    """RFC 9700 §4.15: a client must never be mistaken for a user, whose `sub` is a primary key."""
    if _could_be_a_user(client.client_id):
        return {"client_id": "A client ID must not be a UUID or a number."}
    return {}


def _could_be_a_user(client_id: str) -> bool:
    try:
        UUID(client_id)
    except ValueError:
        return client_id.isdigit()
    return True


RULES: tuple[Callable[["Client"], Errors], ...] = (
    redirect_uris, fapi_authentication, fapi_signatures, grant_types_of_a_fapi_client, grant_types_of_fapi_ciba,
    lifetimes, addresses_of_its_servers, post_logout_redirect_uris, pkce, method, certificate, keys, pairwise_subjects,
    implicit_flow, grant_types_of_a_public_client, ping, client_id, signature,
)  # fmt: skip
