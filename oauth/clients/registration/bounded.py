"""Reads the metadata that a ceiling limits: authentication method, profile, grant types, scopes, types of details.

Each function raises InvalidClientMetadata for a value beyond the ceiling, and for an update that would weaken client
authentication.
"""

from collections.abc import Mapping
from typing import Any

from oauth.clients.registration import ceiling as ceilings
from oauth.clients.registration import values
from oauth.clients.registration.ceiling import DEFAULT_SCOPES, Ceiling
from oauth.conf import conf
from oauth.errors import InvalidClientMetadata
from oauth.models import Client, Scope
from oauth.models.client import AuthenticationMethod, GrantType, Kind, SecurityProfile, authentication, grant_types


def method(client: Client, metadata: Mapping[str, Any], ceiling: Ceiling, *, is_update: bool) -> str:
    """The authentication method. An update may keep the current one or choose a stronger one."""
    offered = authentication.offered()
    default = AuthenticationMethod.SECRET_BASIC.value
    if is_update:
        default = client.token_endpoint_auth_method
    elif default not in ceiling.methods:
        default = next(iter(ceiling.methods), default)
    method = values.one_of(metadata, "token_endpoint_auth_method", offered, default)
    ceiling.require_within("token_endpoint_auth_method", [method], ceiling.methods)
    if is_update and ceilings.is_weaker_method(method, client.token_endpoint_auth_method):
        raise InvalidClientMetadata(f"token_endpoint_auth_method: this client cannot weaken it. {values.ASK_AN_ADMIN}")
    return method


def profile(client: Client, metadata: Mapping[str, Any], ceiling: Ceiling, *, is_update: bool) -> str:
    default = SecurityProfile.OAUTH21.value
    if is_update:
        default = client.security_profile
    elif default not in ceiling.profiles:
        default = next(iter(ceiling.profiles), default)
    profile = values.one_of(metadata, "security_profile", SecurityProfile.values, default)
    ceiling.require_within("security_profile", [profile], ceiling.profiles)
    if is_update and ceilings.is_weaker_profile(profile, client.security_profile):
        raise InvalidClientMetadata(f"security_profile: this client cannot weaken it. {values.ASK_AN_ADMIN}")
    return profile


def chosen_grant_types(client: Client, metadata: Mapping[str, Any], ceiling: Ceiling) -> list[str]:
    """The requested grant types, which must match the response types (RFC 7591 §2.1), and those that only an admin can
    give and has given.
    """
    response_types = values.strings(metadata, "response_types", [])
    by_response_type = {"code": GrantType.AUTHORIZATION_CODE.value, "token": GrantType.IMPLICIT.value}
    default = [by_response_type.get(one, "") for one in response_types] or [GrantType.AUTHORIZATION_CODE.value]
    asked, offered = values.strings(metadata, "grant_types", default), grant_types.offered()
    if set(response_types) - set(by_response_type) or ("token" in response_types and not conf.ALLOW_IMPLICIT):
        # RFC 9700 §2.1.2: `token` is allowed only with ALLOW_IMPLICIT.
        raise InvalidClientMetadata("response_types must contain only code.")
    if not asked or set(asked) - set(offered):
        raise InvalidClientMetadata(f"grant_types must contain only {', '.join(offered)}.")
    needed = {one for one in asked if one in by_response_type.values()}
    if "response_types" in metadata and {by_response_type[one] for one in response_types} != needed:
        raise InvalidClientMetadata("response_types must be code with the grant type authorization_code, else empty.")
    granted = ceiling.limited("grant_types", asked, ceiling.grant_types)
    if not granted:
        raise InvalidClientMetadata(f"grant_types must contain only {', '.join(ceiling.grant_types)}.")
    return [*granted, *(one for one in client.grant_types if grant_types.is_admin_only(one) and ceiling.is_strict)]


def kind_of(chosen: list[str], application_type: str, method: str) -> str:
    """The kind of client that matches the metadata."""
    if GrantType.DEVICE_CODE.value in chosen:
        return Kind.DEVICE
    if not {GrantType.AUTHORIZATION_CODE.value, GrantType.IMPLICIT.value} & set(chosen):
        return Kind.SERVICE
    if application_type == "native":
        return Kind.MOBILE
    return Kind.BROWSER if method == AuthenticationMethod.NONE else Kind.WEB


def scopes(metadata: Mapping[str, Any], ceiling: Ceiling) -> list[str]:
    """The requested scopes or, if `scope` is missing, only those that identify the user (RFC 7591 §2).

    Ignores unknown scopes, as in an authorization request (OpenID Connect Core §3.1.2.1), because clients send the same
    list to many servers. The response has the registered scopes (RFC 7591 §3.2.1).
    """
    known = list(Scope.objects.values_list("name", flat=True))
    named = values.text(metadata, "scope").split()
    asked = [name for name in named if name in known]
    if named and not asked:
        raise InvalidClientMetadata("scope must name at least one scope of this server.")
    if not asked:
        return [name for name in DEFAULT_SCOPES if name in known and name in ceiling.scopes]
    return ceiling.limited("scope", asked, ceiling.scopes)


def details_types(metadata: Mapping[str, Any], ceiling: Ceiling) -> list[str]:
    """RFC 9396 §10: `authorization_details_types`."""
    asked = values.strings(metadata, "authorization_details_types", [])
    if not set(asked) <= set(conf.AUTHORIZATION_DETAILS_TYPES):
        raise InvalidClientMetadata("authorization_details_types names a type that this server does not have.")
    return ceiling.limited("authorization_details_types", asked, ceiling.details_types)
