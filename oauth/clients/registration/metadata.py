"""Client metadata (RFC 7591 §2, OpenID Connect Registration §2) to and from a Client.

What is not known is ignored (§2); what is known and cannot be had is refused, saying which.
"""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlsplit

from django.core.exceptions import ValidationError

from oauth.clients.registration import ceiling as ceilings
from oauth.clients.registration.ceiling import ADMIN_ONLY, DEFAULT_SCOPES, Ceiling
from oauth.conf import CLIENT_SIGNING_ALGORITHMS, SIGNING_ALGORITHMS, conf
from oauth.errors import InvalidClientMetadata, InvalidRedirectURI
from oauth.infrastructure import outbound
from oauth.models import Client, Scope
from oauth.models.client import (
    CERTIFICATE_NAME_KINDS,
    AuthenticationMethod,
    DeliveryMode,
    GrantType,
    Kind,
    SecurityProfile,
    SubjectType,
    offered_authentication_methods,
    offered_grant_types,
)

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
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
_MOST_VALUES = 50
_ASK_AN_ADMIN = "Ask an admin of this server."
# Our fields whose name is another in the protocol.
_NAMES = {
    "name": "client_name",
    "allowed_scopes": "scope",
    "client_jwks": "jwks",
    "client_jwks_uri": "jwks_uri",
}


def apply(client: Client, metadata: Mapping[str, Any], ceiling: Ceiling, *, is_update: bool = False) -> None:
    """Sets every field that metadata decides, within the ceiling; what is left out gets its default.

    An update by the client itself (RFC 7592 §2.2) replaces the metadata, but never weakens how the client proves itself
    or what it must do, and neither adds nor removes what only an admin gives.

    Raises InvalidRedirectURI or InvalidClientMetadata. The caller saves. May fetch `sector_identifier_uri`.
    """
    method = _method(client, metadata, ceiling, is_update=is_update)
    grant_types = _grant_types(client, metadata, ceiling)
    application_type = _one_of(metadata, "application_type", ["web", "native"], "web")
    redirect_uris = _list(metadata, "redirect_uris", [])
    post_logout_redirect_uris = _list(metadata, "post_logout_redirect_uris", [])

    client.token_endpoint_auth_method = method
    client.client_type = Client.CLIENT_PUBLIC if method == AuthenticationMethod.NONE else Client.CLIENT_CONFIDENTIAL
    if not client.has_secret:
        client.secret_digest = client.previous_secret_digest = client.previous_secret_expires_at = None
    client.grant_types = sorted(set(grant_types))
    client.application_type = application_type
    client.kind = _kind(grant_types, application_type, method)
    client.redirect_uris = "\n".join(redirect_uris)
    client.post_logout_redirect_uris = "\n".join(post_logout_redirect_uris)
    client.allowed_scopes = _scopes(metadata, ceiling)
    client.authorization_details_types = _details_types(metadata, ceiling)
    client.contacts = _list(metadata, "contacts", [])
    client.name = _text(metadata, "client_name") or "An app without a name"
    client.client_jwks = _object(metadata, "jwks")
    client.client_jwks_uri = _text(metadata, "jwks_uri")
    client.subject_type = _one_of(metadata, "subject_type", subject_types(), SubjectType.PUBLIC.value)
    client.sector_identifier_uri = _text(metadata, "sector_identifier_uri")
    client.backchannel_logout_uri = _text(metadata, "backchannel_logout_uri")
    if client.allows_grant_type(GrantType.CIBA):
        _apply_ciba(client, metadata)
    client.default_max_age = _seconds(metadata, "default_max_age")
    client.default_acr_values = _list(metadata, "default_acr_values", [])
    for name in (*_LINKS, *_CERTIFICATE):
        setattr(client, name, _text(metadata, name))
    for name in _SIGNATURES:
        setattr(client, name, _one_of(metadata, name, list(SIGNING_ALGORITHMS), ""))
    for name in _SWITCHES:
        setattr(client, name, _switch(metadata, name, is_on=is_update and getattr(client, name)))
    client.security_profile = _profile(client, metadata, ceiling, is_update=is_update)
    client.request_object_signing_alg = _one_of(
        metadata, "request_object_signing_alg", list(CLIENT_SIGNING_ALGORITHMS), ""
    )
    _refuse_unsupported(metadata, method)
    _validate(client, redirect_uris, post_logout_redirect_uris)
    _check_sector(client, redirect_uris)


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
        "introspection_signed_response_alg": client.introspection_signed_response_alg,
        "authorization_signed_response_alg": client.authorization_signed_response_alg,
        "request_object_signing_alg": client.request_object_signing_alg,
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
    """OpenID Connect Core §8: pairwise only where the secret for it is set."""
    return SubjectType.values if conf.PAIRWISE_SUBJECT_KEY else [SubjectType.PUBLIC.value]


def _method(client: Client, metadata: Mapping[str, Any], ceiling: Ceiling, *, is_update: bool) -> str:
    """How the client proves itself: as it does now, or more strongly."""
    offered = [one.value for one in offered_authentication_methods()]
    default = AuthenticationMethod.SECRET_BASIC.value
    if is_update:
        default = client.token_endpoint_auth_method
    elif default not in ceiling.methods:
        default = next(iter(ceiling.methods), default)
    method = _one_of(metadata, "token_endpoint_auth_method", offered, default)
    ceiling.check("token_endpoint_auth_method", [method], ceiling.methods)
    if is_update and ceilings.is_weaker_method(method, client.token_endpoint_auth_method):
        raise InvalidClientMetadata(f"token_endpoint_auth_method: this client cannot weaken it. {_ASK_AN_ADMIN}")
    return method


def _profile(client: Client, metadata: Mapping[str, Any], ceiling: Ceiling, *, is_update: bool) -> str:
    default = SecurityProfile.OAUTH21.value
    if is_update:
        default = client.security_profile
    elif default not in ceiling.profiles:
        default = next(iter(ceiling.profiles), default)
    profile = _one_of(metadata, "security_profile", SecurityProfile.values, default)
    ceiling.check("security_profile", [profile], ceiling.profiles)
    if is_update and ceilings.is_weaker_profile(profile, client.security_profile):
        raise InvalidClientMetadata(f"security_profile: this client cannot weaken it. {_ASK_AN_ADMIN}")
    return profile


def _apply_ciba(client: Client, metadata: Mapping[str, Any]) -> None:
    """Of a client that an admin gave CIBA: what is left out stays as it is."""
    client.backchannel_token_delivery_mode = _one_of(
        metadata, "backchannel_token_delivery_mode", DeliveryMode.values, client.backchannel_token_delivery_mode
    )
    if "backchannel_client_notification_endpoint" in metadata:
        client.backchannel_client_notification_endpoint = _text(metadata, "backchannel_client_notification_endpoint")


def _grant_types(client: Client, metadata: Mapping[str, Any], ceiling: Ceiling) -> list[str]:
    """The grant types, which fit the response types (RFC 7591 §2.1), and those that an admin gave."""
    response_types = _list(metadata, "response_types", [])
    by_response_type = {"code": GrantType.AUTHORIZATION_CODE.value, "token": GrantType.IMPLICIT.value}
    grant_types = _list(metadata, "grant_types", [by_response_type.get(one, "") for one in response_types]
                        or [GrantType.AUTHORIZATION_CODE.value])  # fmt: skip
    if set(response_types) - set(by_response_type) or ("token" in response_types and not conf.ALLOW_IMPLICIT):
        # RFC 9700 §2.1.2: code is the only response type.
        raise InvalidClientMetadata("response_types is of code.")
    if set(grant_types) - set(offered_grant_types()) or not grant_types:
        raise InvalidClientMetadata(f"grant_types is of {', '.join(offered_grant_types())}.")
    needed = {one for one in grant_types if one in by_response_type.values()}
    if "response_types" in metadata and {by_response_type[one] for one in response_types} != needed:
        raise InvalidClientMetadata("response_types is code with the grant type authorization_code, else empty.")
    granted = ceiling.limited("grant_types", grant_types, ceiling.grant_types)
    if not granted:
        raise InvalidClientMetadata(f"grant_types must be of {', '.join(ceiling.grant_types)}.")
    return [*granted, *(one for one in client.grant_types if one in ADMIN_ONLY and ceiling.is_strict)]


def _refuse_unsupported(metadata: Mapping[str, Any], method: str) -> None:
    """What would change how the client is talked to, and cannot be had: refused, never ignored (RFC 7591 §2)."""
    for name in _ENCRYPTION:
        if name in metadata:
            raise InvalidClientMetadata(f"{name}: this server does not encrypt what it sends over TLS.")
    algorithm = metadata.get("token_endpoint_auth_signing_alg")
    if algorithm is not None and (
        algorithm not in CLIENT_SIGNING_ALGORITHMS or method != AuthenticationMethod.PRIVATE_KEY_JWT
    ):
        raise InvalidClientMetadata(
            f"token_endpoint_auth_signing_alg is of {', '.join(CLIENT_SIGNING_ALGORITHMS)}, with private_key_jwt."
        )


def _check_sector(client: Client, redirect_uris: list[str]) -> None:
    """OpenID Connect Core §8.1, Registration §5: a sector vouches for the redirect URIs of its apps."""
    if client.subject_type != SubjectType.PAIRWISE:
        return
    if client.sector_identifier_uri:
        try:
            listed = outbound.get_json(client.sector_identifier_uri)
        except outbound.OutboundError as error:
            raise InvalidClientMetadata(f"sector_identifier_uri: {error}") from error
        if not isinstance(listed, list) or not set(redirect_uris) <= {one for one in listed if isinstance(one, str)}:
            raise InvalidClientMetadata("sector_identifier_uri does not list every redirect URI of this client.")
    elif len({urlsplit(uri).hostname for uri in redirect_uris}) > 1:
        raise InvalidClientMetadata("Redirect URIs of several hosts need a sector_identifier_uri.")


def _validate(client: Client, redirect_uris: list[str], post_logout_redirect_uris: list[str]) -> None:
    # A space or line break inside would make two of one.
    if any(len(uri.split()) != 1 for uri in redirect_uris):
        raise InvalidRedirectURI("A redirect URI is empty or holds a space.")
    if any(len(uri.split()) != 1 for uri in post_logout_redirect_uris):
        raise InvalidClientMetadata("post_logout_redirect_uris: one is empty or holds a space.")
    try:
        client.full_clean()
    except ValidationError as error:
        messages = error.message_dict
        if "redirect_uris" in messages:
            raise InvalidRedirectURI(" ".join(messages["redirect_uris"])) from error
        field, texts = next(iter(messages.items()))
        raise InvalidClientMetadata(f"{_NAMES.get(field, field)}: {' '.join(texts)}") from error


def _kind(grant_types: list[str], application_type: str, method: str) -> str:
    """What the admin would have called it."""
    if GrantType.DEVICE_CODE.value in grant_types:
        return Kind.DEVICE
    if not {GrantType.AUTHORIZATION_CODE.value, GrantType.IMPLICIT.value} & set(grant_types):
        return Kind.SERVICE
    if application_type == "native":
        return Kind.MOBILE
    return Kind.BROWSER if method == AuthenticationMethod.NONE else Kind.WEB


def _scopes(metadata: Mapping[str, Any], ceiling: Ceiling) -> list[str]:
    """Without `scope` those that say who the user is, never all (RFC 7591 §2)."""
    known = list(Scope.objects.values_list("name", flat=True))
    asked = _text(metadata, "scope").split()
    unknown = [name for name in asked if name not in known]
    if unknown:
        raise InvalidClientMetadata("scope names a scope that does not exist here.")
    if not asked:
        return [name for name in DEFAULT_SCOPES if name in known and name in ceiling.scopes]
    return ceiling.limited("scope", asked, ceiling.scopes)


def _details_types(metadata: Mapping[str, Any], ceiling: Ceiling) -> list[str]:
    """RFC 9396 §10."""
    asked = _list(metadata, "authorization_details_types", [])
    if not set(asked) <= set(conf.AUTHORIZATION_DETAILS_TYPES):
        raise InvalidClientMetadata("authorization_details_types names a type that does not exist here.")
    return ceiling.limited("authorization_details_types", asked, ceiling.details_types)


def _text(metadata: Mapping[str, Any], name: str) -> str:
    value = metadata.get(name, "")
    if not isinstance(value, str) or _CONTROL.search(value) or any("\ud800" <= c <= "\udfff" for c in value):
        raise InvalidClientMetadata(f"{name} is a string without control characters.")
    return value


def _list(metadata: Mapping[str, Any], name: str, default: list[str]) -> list[str]:
    values = metadata.get(name, default)
    if not isinstance(values, list) or len(values) > _MOST_VALUES:
        raise InvalidClientMetadata(f"{name} is a list of at most {_MOST_VALUES} strings.")
    return [_text({name: value}, name) for value in values]


def _one_of(metadata: Mapping[str, Any], name: str, allowed: list[str], default: str) -> str:
    value = metadata.get(name)
    if value is None:
        return default
    if value not in allowed:
        raise InvalidClientMetadata(f"{name} is one of {', '.join(allowed)}.")
    return str(value)


def _object(metadata: Mapping[str, Any], name: str) -> dict[str, Any] | None:
    value = metadata.get(name)
    if value is not None and (not isinstance(value, dict) or _has_odd_text(value)):
        raise InvalidClientMetadata(f"{name} is a JSON object without control characters.")
    return value


def _has_odd_text(value: Any, depth: int = 0) -> bool:
    """Whether something in it could not be stored (NUL, a lone surrogate), or it is deeper than any JWK Set."""
    if depth > 8:
        return True
    if isinstance(value, dict):
        return any(_has_odd_text(item, depth + 1) for pair in value.items() for item in pair)
    if isinstance(value, list):
        return any(_has_odd_text(item, depth + 1) for item in value)
    return isinstance(value, str) and not value.isprintable()


def _switch(metadata: Mapping[str, Any], name: str, *, is_on: bool) -> bool:
    """One that `is_on` stays on: the client cannot let itself off."""
    value = metadata.get(name, is_on)
    if not isinstance(value, bool):
        raise InvalidClientMetadata(f"{name} is true or false.")
    if is_on and not value:
        raise InvalidClientMetadata(f"{name}: this client cannot turn it off. {_ASK_AN_ADMIN}")
    return value


def _seconds(metadata: Mapping[str, Any], name: str) -> int | None:
    value = metadata.get(name)
    if value is not None and (isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 2**31):
        raise InvalidClientMetadata(f"{name} is a number of seconds.")
    return value
