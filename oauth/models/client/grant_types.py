"""Grant types: ours and those of other apps.

    OAUTH["GRANT_TYPES"] = {"urn:ietf:params:oauth:grant-type:jwt-bearer": "bank.grants.JWTBearer"}

names a subclass of `oauth.grants.ExtensionGrant`. A new grant type needs no migration, because the database stores any
name; forms and registration check that it is in `offered`.
"""

from dataclasses import dataclass
from typing import Protocol

from django.contrib.postgres.fields import ArrayField
from django.db import models

from oauth.infrastructure import extensions
from oauth.models.client.site import site


class GrantType(models.TextChoices):
    """RFC 6749 §4, RFC 8628, RFC 8693, CIBA. The password grant is not supported (OAuth 2.1 §10)."""

    AUTHORIZATION_CODE = "authorization_code", "Authorization code"
    REFRESH_TOKEN = "refresh_token", "Refresh token"
    CLIENT_CREDENTIALS = "client_credentials", "Client credentials"
    DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code", "Device code"
    TOKEN_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange", "Token exchange"
    CIBA = "urn:openid:params:grant-type:ciba", "Back-channel request: the user decides on another device (CIBA)"
    IMPLICIT = "implicit", "Implicit: unsafe, only for old browser apps"


class GrantTypeTraits(Protocol):
    """The properties of a grant type that client registration needs."""

    @property
    def label(self) -> str: ...
    @property
    def allows_public_clients(self) -> bool: ...
    @property
    def is_registrable(self) -> bool:
        """Whether clients may register for it themselves (RFC 7591); otherwise only an admin can allow it."""
        ...


@dataclass(frozen=True, slots=True)
class _Traits:
    label: str
    allows_public_clients: bool = True
    is_registrable: bool = True


# A public client cannot authenticate, so it must not use client credentials (RFC 6749 §4.4), token exchange (RFC 8693
# §5) or CIBA (CIBA §4). Only an admin can allow token exchange, CIBA or the unsafe implicit flow (RFC 9700 §2.1.2).
_CONFIDENTIAL = {GrantType.CLIENT_CREDENTIALS, GrantType.TOKEN_EXCHANGE, GrantType.CIBA}
_ADMIN_ONLY = {GrantType.TOKEN_EXCHANGE, GrantType.CIBA, GrantType.IMPLICIT}
_OURS = {one.value: _Traits(str(one.label), one not in _CONFIDENTIAL, one not in _ADMIN_ONLY) for one in GrantType}


def traits(name: str) -> GrantTypeTraits | None:
    """None for a name that nobody has registered."""
    if name in _OURS:
        return _OURS[name]
    path = site.values.grant_types.get(name)
    registered: GrantTypeTraits | None = extensions.instance(path) if path else None
    return registered


def choices() -> list[tuple[str, str]]:
    """Every grant type with its label. Model fields name this function, so that migrations contain no values."""
    return [(name, known.label) for name in (*_OURS, *site.values.grant_types) if (known := traits(name))]


def offered() -> list[str]:
    """The grant types of this server, with the implicit flow only if the site allows it."""
    return [name for name, _ in choices() if name != GrantType.IMPLICIT or site.values.allows_implicit]


def registrable() -> list[str]:
    """The grant types for which clients may register themselves (RFC 7591)."""
    return [name for name in offered() if not is_admin_only(name)]


def is_admin_only(name: str) -> bool:
    """Whether only an admin can allow a client to use the grant type."""
    known = traits(name)
    return known is not None and not known.is_registrable


class HasGrantTypes(models.Model):
    grant_types = ArrayField(models.CharField(max_length=60, choices=choices), default=list)

    class Meta:
        abstract = True

    def allows_grant_type(self, *grant_types: str) -> bool:
        return not frozenset(grant_types).isdisjoint(self.grant_types)

    @property
    def response_types(self) -> list[str]:
        """RFC 7591 §2.1: the response types of the client's grant types."""
        code = ["code"] if self.allows_grant_type(GrantType.AUTHORIZATION_CODE) else []
        return code + (["token"] if self.allows_grant_type(GrantType.IMPLICIT) else [])
