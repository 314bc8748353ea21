"""Converts client metadata (RFC 7591 §2, OpenID Connect Registration §2) to and from a Client.

Unknown members are ignored (§2). A known member that this server does not support is refused.
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from django.core.exceptions import ValidationError

from oauth.algorithms import CLIENT_SIGNING_ALGORITHMS, SIGNING_ALGORITHMS
from oauth.clients.registration import bounded, values
from oauth.clients.registration.ceiling import Ceiling
from oauth.clients.registration.sector import check_sector
from oauth.conf import conf
from oauth.errors import InvalidClientMetadata, InvalidRedirectURI
from oauth.models import Client
from oauth.models.client import (
    CERTIFICATE_NAME_KINDS,
    AuthenticationMethod,
    DeliveryMode,
    GrantType,
    SubjectType,
)

_SIGNATURES = (
    "id_token_signed_response_alg",
    "userinfo_signed_response_alg",
    "introspection_signed_response_alg",
    "authorization_signed_response_alg",
)
_SWITCHES = (
    "backchannel_logout_session_required",
    "require_pushed_authorization_requests",
    "dpop_bound_access_tokens",
    "require_signed_request_object",
    "tls_client_certificate_bound_access_tokens",
)
_ENCRYPTION = (
    "id_token_encrypted_response_alg",
    "userinfo_encrypted_response_alg",
    "introspection_encrypted_response_alg",
    "authorization_encrypted_response_alg",
    "request_object_encryption_alg",
)
_CERTIFICATE = tuple(f"tls_client_auth_{kind}" for kind in CERTIFICATE_NAME_KINDS)
_LINKS = ("client_uri", "logo_uri", "policy_uri", "tos_uri")
# Fields of Client that have another name in the protocol.
_NAMES = {
    "name": "client_name",
    "allowed_scopes": "scope",
    "client_jwks": "jwks",
    "client_jwks_uri": "jwks_uri",
}


def apply(client: Client, metadata: Mapping[str, Any], ceiling: Ceiling, *, is_update: bool = False) -> None:
    """Sets every field that the metadata defines, within the ceiling. A missing member gets its default.

    An update by the client (RFC 7592 §2.2) replaces the metadata, but must not weaken client authentication or other
    requirements, and does not change what only an admin can give.

    Does not save. May fetch `sector_identifier_uri`. Raises InvalidRedirectURI or InvalidClientMetadata.
    """
    # Some clients send null instead of omitting a member. RFC 7591 does not define null, so ignore it.
    metadata = {name: value for name, value in metadata.items() if value is not None}
    method = bounded.method(client, metadata, ceiling, is_update=is_update)
    chosen = bounded.chosen_grant_types(client, metadata, ceiling)
    application_type = values.one_of(metadata, "application_type", ["web", "native"], "web")
    redirect_uris = values.strings(metadata, "redirect_uris", [])
    post_logout_redirect_uris = values.strings(metadata, "post_logout_redirect_uris", [])

    client.token_endpoint_auth_method = method
    client.client_type = Client.CLIENT_PUBLIC if method == AuthenticationMethod.NONE else Client.CLIENT_CONFIDENTIAL
    if not client.has_secret:
        client.remove_secrets()
    client.grant_types = sorted(set(chosen))
    client.application_type = application_type
    client.kind = bounded.kind_of(chosen, application_type, method)
    client.redirect_uris = "\n".join(redirect_uris)
    client.post_logout_redirect_uris = "\n".join(post_logout_redirect_uris)
    client.allowed_scopes = bounded.scopes(metadata, ceiling)
    client.authorization_details_types = bounded.details_types(metadata, ceiling)
    client.contacts = values.strings(metadata, "contacts", [])
    client.name = values.text(metadata, "client_name") or "An app without a name"
    client.client_jwks = values.json_object(metadata, "jwks")
    client.client_jwks_uri = values.text(metadata, "jwks_uri")
    client.subject_type = values.one_of(metadata, "subject_type", subject_types(), SubjectType.PUBLIC.value)
    client.sector_identifier_uri = values.text(metadata, "sector_identifier_uri")
    client.backchannel_logout_uri = values.text(metadata, "backchannel_logout_uri")
    if client.allows_grant_type(GrantType.CIBA):
        _apply_ciba(client, metadata)
    client.default_max_age = values.seconds(metadata, "default_max_age")
    client.default_acr_values = values.strings(metadata, "default_acr_values", [])
    for name in (*_LINKS, *_CERTIFICATE):
        setattr(client, name, values.text(metadata, name))
    for name in _SIGNATURES:
        setattr(client, name, values.one_of(metadata, name, list(SIGNING_ALGORITHMS), ""))
    for name in _SWITCHES:
        setattr(client, name, values.switch(metadata, name, is_on=is_update and getattr(client, name)))
    client.security_profile = bounded.profile(client, metadata, ceiling, is_update=is_update)
    # Only an admin can exempt a client from PKCE, and never a public or FAPI client.
    client.require_pkce = client.require_pkce or client.must_use_pkce
    for name in ("request_object_signing_alg", "token_endpoint_auth_signing_alg"):
        setattr(client, name, values.one_of(metadata, name, list(CLIENT_SIGNING_ALGORITHMS), ""))
    _refuse_encryption(metadata)
    _validate(client, redirect_uris, post_logout_redirect_uris)
    check_sector(client, redirect_uris)


def render(client: Client) -> dict[str, Any]:
    """The registered metadata of a client (RFC 7591 §3.2.1), without secrets."""
    rendered = {
        "client_id": client.client_id,
        "client_id_issued_at": int(client.created.timestamp()),
        "client_name": client.name,
        "redirect_uris": client.redirect_uris.split(),
        "post_logout_redirect_uris": client.post_logout_redirect_uris.split(),
        "grant_types": list(client.grant_types),
        "response_types": client.response_types,
        "token_endpoint_auth_method": client.token_endpoint_auth_method,
        "application_type": client.application_type,
        "scope": " ".join(client.allowed_scopes),
        "authorization_details_types": client.allowed_details_types,
        "contacts": list(client.contacts),
        "subject_type": client.subject_type,
        "id_token_signed_response_alg": client.id_token_algorithm,
        "security_profile": client.security_profile,
        "registration_client_uri": conf.url(f"/oauth/register/{quote(client.client_id, safe='')}"),
    }
    optional = {
        "jwks": client.client_jwks,
        "jwks_uri": client.client_jwks_uri,
        "sector_identifier_uri": client.sector_identifier_uri,
        "userinfo_signed_response_alg": client.userinfo_signed_response_alg,
        # The server's default differs from that of the RFCs (RS256), so the client must learn it (RFC 7591 §3.2.1).
        "introspection_signed_response_alg": "" if client.is_public else client.introspection_response_algorithm,
        "authorization_signed_response_alg": client.authorization_response_algorithm if client.response_types else "",
        "request_object_signing_alg": client.request_object_signing_alg,
        "token_endpoint_auth_signing_alg": client.token_endpoint_auth_signing_alg,
        "backchannel_logout_uri": client.backchannel_logout_uri,
        "default_acr_values": list(client.default_acr_values),
        **{name: getattr(client, name) for name in (*_LINKS, *_CERTIFICATE, *_SWITCHES)},
        "require_pushed_authorization_requests": client.must_push,
        "dpop_bound_access_tokens": client.must_bind,
        "require_signed_request_object": client.must_sign_requests,
    }
    if client.allows_grant_type(GrantType.CIBA):
        rendered["backchannel_token_delivery_mode"] = client.backchannel_token_delivery_mode
        optional["backchannel_client_notification_endpoint"] = client.backchannel_client_notification_endpoint
    if client.default_max_age is not None:
        rendered["default_max_age"] = client.default_max_age
    return rendered | {name: value for name, value in optional.items() if value}


def subject_types() -> list[str]:
    """OpenID Connect Core §8: pairwise is supported only if PAIRWISE_SUBJECT_KEY is set."""
    return SubjectType.values if conf.PAIRWISE_SUBJECT_KEY else [SubjectType.PUBLIC.value]


def _apply_ciba(client: Client, metadata: Mapping[str, Any]) -> None:
    """Applies CIBA metadata if an admin has allowed the client to use CIBA. Missing members keep their values."""
    client.backchannel_token_delivery_mode = values.one_of(
        metadata, "backchannel_token_delivery_mode", DeliveryMode.values, client.backchannel_token_delivery_mode
    )
    if "backchannel_client_notification_endpoint" in metadata:
        client.backchannel_client_notification_endpoint = values.text(
            metadata, "backchannel_client_notification_endpoint"
        )


def _refuse_encryption(metadata: Mapping[str, Any]) -> None:
    """Refuses members that request encryption, which must not be silently ignored (RFC 7591 §2)."""
    for name in _ENCRYPTION:
        if name in metadata:
            raise InvalidClientMetadata(f"{name}: this server does not encrypt what it sends over TLS.")


def _validate(client: Client, redirect_uris: list[str], post_logout_redirect_uris: list[str]) -> None:
    # Redirect URIs are stored separated by whitespace, so a URI must not contain any.
    if any(len(uri.split()) != 1 for uri in redirect_uris):
        raise InvalidRedirectURI("A redirect URI must not be empty or contain a space.")
    if any(len(uri.split()) != 1 for uri in post_logout_redirect_uris):
        raise InvalidClientMetadata("post_logout_redirect_uris must not be empty or contain a space.")
    try:
        client.full_clean()
    except ValidationError as error:
        messages = error.message_dict
        if "redirect_uris" in messages:
            raise InvalidRedirectURI(" ".join(messages["redirect_uris"])) from error
        field, texts = next(iter(messages.items()))
        raise InvalidClientMetadata(f"{_NAMES.get(field, field)}: {' '.join(texts)}") from error
