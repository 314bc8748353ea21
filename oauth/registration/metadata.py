"""Client metadata (RFC 7591 §2, OpenID Connect Registration §2) to and from a Client.

What is not known is ignored (§2); what is known and cannot be had is refused, saying which.
"""

import re
from collections.abc import Mapping
from typing import Any

from django.core.exceptions import ValidationError

from oauth.conf import conf
from oauth.errors import InvalidClientMetadata, InvalidRedirectURI
from oauth.models import Client, Scope
from oauth.models.client import AuthenticationMethod, GrantType, Kind

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_LINKS = ("client_uri", "logo_uri", "policy_uri", "tos_uri")
_MOST_VALUES = 50
# Our fields whose name is another in the protocol.
_NAMES = {"name": "client_name", "allowed_scopes": "scope"}


def apply(client: Client, metadata: Mapping[str, Any]) -> None:
    """Sets every field that metadata decides; what is left out gets its default, also on update (RFC 7592 §2.2).

    Raises InvalidRedirectURI or InvalidClientMetadata. The caller saves.
    """
    method = _one_of(metadata, "token_endpoint_auth_method", AuthenticationMethod.values, "client_secret_basic")
    grant_types = _list(metadata, "grant_types", ["authorization_code"])
    unknown = set(grant_types) - set(GrantType.values)
    if unknown or not grant_types:
        raise InvalidClientMetadata(f"grant_types is of {', '.join(GrantType.values)}.")
    uses_code = GrantType.AUTHORIZATION_CODE.value in grant_types
    response_types = _list(metadata, "response_types", ["code"] if uses_code else [])
    # RFC 7591 §2.1: the two lists go together; RFC 9700 §2.1.2: code is the only response type.
    if response_types != (["code"] if uses_code else []):
        raise InvalidClientMetadata("response_types is code with the grant type authorization_code, else empty.")
    application_type = _one_of(metadata, "application_type", ["web", "native"], "web")
    redirect_uris = _list(metadata, "redirect_uris", [])

    client.token_endpoint_auth_method = method
    client.client_type = Client.CLIENT_PUBLIC if method == AuthenticationMethod.NONE else Client.CLIENT_CONFIDENTIAL
    if client.is_public:
        client.secret_digest = client.previous_secret_digest = client.previous_secret_expires_at = None
    client.grant_types = sorted(set(grant_types))
    client.application_type = application_type
    client.kind = _kind(grant_types, application_type, method)
    client.redirect_uris = "\n".join(redirect_uris)
    client.allowed_scopes = _scopes(metadata)
    client.contacts = _list(metadata, "contacts", [])
    client.name = _text(metadata, "client_name") or "An app without a name"
    for name in _LINKS:
        setattr(client, name, _text(metadata, name))
    _validate(client, redirect_uris)


def render(client: Client) -> dict[str, Any]:
    """The registered metadata of a client (RFC 7591 §3.2.1), without secrets."""
    rendered = {
        "client_id": client.client_id,
        "client_id_issued_at": int(client.created.timestamp()),
        "client_name": client.name,
        "redirect_uris": client.redirect_uris.split(),
        "grant_types": list(client.grant_types),
        "response_types": ["code"] if client.allows_grant_type(GrantType.AUTHORIZATION_CODE) else [],
        "token_endpoint_auth_method": client.token_endpoint_auth_method,
        "application_type": client.application_type,
        "scope": " ".join(client.allowed_scopes),
        "contacts": list(client.contacts),
        "registration_client_uri": conf.url(f"/oauth/register/{client.client_id}"),
    }
    return rendered | {name: getattr(client, name) for name in _LINKS if getattr(client, name)}


def _validate(client: Client, redirect_uris: list[str]) -> None:
    # A space or line break inside would make two of one.
    if any(len(uri.split()) != 1 for uri in redirect_uris):
        raise InvalidRedirectURI("A redirect URI is empty or holds a space.")
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
    if GrantType.AUTHORIZATION_CODE.value not in grant_types:
        return Kind.SERVICE
    if application_type == "native":
        return Kind.MOBILE
    return Kind.BROWSER if method == AuthenticationMethod.NONE else Kind.WEB


def _scopes(metadata: Mapping[str, Any]) -> list[str]:
    known = list(Scope.objects.values_list("name", flat=True))
    asked = _text(metadata, "scope").split()
    unknown = [name for name in asked if name not in known]
    if unknown:
        raise InvalidClientMetadata("scope names a scope that does not exist here.")
    return list(dict.fromkeys(asked)) or known


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
    value = metadata.get(name, default)
    if value not in allowed:
        raise InvalidClientMetadata(f"{name} is one of {', '.join(allowed)}.")
    return str(value)
