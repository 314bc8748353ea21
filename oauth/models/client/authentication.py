"""Client authentication methods (RFC 7591 §2): built-in ones and those of other Django apps.

    OAUTH["CLIENT_AUTHENTICATION_METHODS"] = {"attest_jwt_client_auth": "bank.attestation.AttestationMethod"}

names a subclass of `oauth.clients.authentication.ExtensionMethod`. A new method needs no migration, because the
database stores any name; forms and registration check that it is in `offered`.
"""

from dataclasses import dataclass
from typing import Protocol

from django.db import models

from oauth.infrastructure import extensions
from oauth.models.client.site import site


class AuthenticationMethod(models.TextChoices):
    """RFC 7591 §2: the values of token_endpoint_auth_method."""

    NONE = "none", "None: a public client"
    SECRET_BASIC = "client_secret_basic", "Secret in the Authorization header"
    SECRET_POST = "client_secret_post", "Secret in the body"
    PRIVATE_KEY_JWT = "private_key_jwt", "Signature by a key of the client"
    TLS_CLIENT_AUTH = "tls_client_auth", "Certificate of a certificate authority (mutual TLS)"
    SELF_SIGNED_TLS_CLIENT_AUTH = "self_signed_tls_client_auth", "Self-signed certificate (mutual TLS)"


SECRET_METHODS = frozenset({AuthenticationMethod.SECRET_BASIC.value, AuthenticationMethod.SECRET_POST.value})
#: RFC 8705 §2.
TLS_METHODS = frozenset(
    {AuthenticationMethod.TLS_CLIENT_AUTH.value, AuthenticationMethod.SELF_SIGNED_TLS_CLIENT_AUTH.value}
)
# RFC 8705 §2.1.2: kinds of names by which a certificate of a certificate authority is identified.
CERTIFICATE_NAME_KINDS = ("subject_dn", "san_dns", "san_uri", "san_ip", "san_email")


class MethodTraits(Protocol):
    """The properties of an authentication method that client registration needs."""

    @property
    def label(self) -> str: ...
    @property
    def is_strong(self) -> bool:
        """FAPI 2.0 §5.3.2.1: whether the client authenticates with a private key instead of a shared secret."""
        ...


@dataclass(frozen=True, slots=True)
class _Traits:
    label: str
    is_strong: bool


_STRONG = TLS_METHODS | {AuthenticationMethod.PRIVATE_KEY_JWT.value}
_OURS = {one.value: _Traits(str(one.label), one.value in _STRONG) for one in AuthenticationMethod}


def traits(name: str) -> MethodTraits | None:
    """The traits of a method; None if the name is unknown."""
    if name in _OURS:
        return _OURS[name]
    path = site.values.authentication_methods.get(name)
    registered: MethodTraits | None = extensions.instance(path) if path else None
    return registered


def choices() -> list[tuple[str, str]]:
    """Every method with its label. Model fields refer to this function, so that migrations contain no values."""
    names = (*_OURS, *site.values.authentication_methods)
    return [(name, known.label) for name in names if (known := traits(name))]


def offered() -> list[str]:
    """The methods of this server. Mutual TLS requires that the site can read certificates and, for tls_client_auth,
    trusts an authority.
    """
    missing: set[str] = set()
    if not site.values.sees_certificates:
        missing = set(TLS_METHODS)
    elif not site.values.has_certificate_authorities:
        missing = {AuthenticationMethod.TLS_CLIENT_AUTH.value}
    return [name for name, _ in choices() if name not in missing]


def strength(name: str) -> int:
    """The strength of a method: 0 for none, 1 for a shared secret, 2 for a private key. A client must not weaken its
    own method.
    """
    known = traits(name)
    if name == AuthenticationMethod.NONE or known is None:
        return 0
    return 2 if known.is_strong else 1


class Authenticates(models.Model):
    """The fields for client authentication, except secrets."""

    token_endpoint_auth_method = models.CharField(
        max_length=30, choices=choices, default=AuthenticationMethod.SECRET_BASIC
    )
    # RFC 7591 §2: at most one of the two.
    client_jwks = models.JSONField("public keys (JWK Set)", null=True, blank=True)
    client_jwks_uri = models.CharField("URL of the public keys", max_length=255, blank=True)
    # RFC 8705 §2.1.2: at most one of these.
    tls_client_auth_subject_dn = models.CharField("certificate: subject", max_length=255, blank=True)
    tls_client_auth_san_dns = models.CharField("certificate: DNS name", max_length=255, blank=True)
    tls_client_auth_san_uri = models.CharField("certificate: URI", max_length=255, blank=True)
    tls_client_auth_san_ip = models.CharField("certificate: IP address", max_length=45, blank=True)
    tls_client_auth_san_email = models.CharField("certificate: email address", max_length=255, blank=True)
    accepts_endpoint_audience = models.BooleanField(
        "endpoint addresses as audience",
        default=False,
        db_default=False,
        help_text="RFC 7523: client assertions may name endpoints or several audiences. Tick this only for a library "
        "that cannot name the issuer alone. It has no effect for FAPI clients.",
    )

    class Meta:
        abstract = True

    @property
    def has_secret(self) -> bool:
        """Whether the client authenticates with a shared secret."""
        return self.token_endpoint_auth_method in SECRET_METHODS

    @property
    def has_strong_authentication(self) -> bool:
        """FAPI 2.0 §5.3.2.1: whether the client authenticates with a private key instead of a shared secret."""
        known = traits(self.token_endpoint_auth_method)
        return known is not None and known.is_strong

    @property
    def certificate_names(self) -> dict[str, str]:
        """Kind of name -> name that the client's certificate must have (RFC 8705 §2.1.2)."""
        return {kind: name for kind in CERTIFICATE_NAME_KINDS if (name := getattr(self, f"tls_client_auth_{kind}"))}
