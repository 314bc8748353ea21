"""The Client: django-oauth-toolkit's Application, swapped from the first migration.

Its fields for a single grant type, a slowly hashed secret and HMAC-signed ID tokens are taken out: ours
has several grant types, random secrets in two slots, and only asymmetric signatures.
"""

import ipaddress
import secrets
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.db import models
from django.utils import timezone
from oauth2_provider.models import AbstractApplication, ApplicationManager

from oauth.models.secret import digest, new_secret


class GrantType(models.TextChoices):
    """RFC 6749 §4, RFC 8628. The password grant does not exist (OAuth 2.1 §10)."""

    AUTHORIZATION_CODE = "authorization_code", "Authorization code"
    REFRESH_TOKEN = "refresh_token", "Refresh token"
    CLIENT_CREDENTIALS = "client_credentials", "Client credentials"
    DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code", "Device code"


class AuthenticationMethod(models.TextChoices):
    """RFC 7591 §2: how a client proves itself at the token endpoint."""

    NONE = "none", "None: a public client"
    SECRET_BASIC = "client_secret_basic", "Secret in the Authorization header"
    SECRET_POST = "client_secret_post", "Secret in the body"


class Kind(models.TextChoices):
    """What the admin is asked instead of protocol words; `oauth.registration` turns it into safe values."""

    MOBILE = "mobile", "Mobile or desktop app"
    WEB = "web", "Web app with a server"
    BROWSER = "browser", "Browser app without a server"
    SERVICE = "service", "Service without a user"
    DEVICE = "device", "Device without a keyboard"


# A redirect to one of these would run or leak in the browser (authentik CVE-2024-21637).
FORBIDDEN_SCHEMES = frozenset({"javascript", "data", "vbscript", "file", "blob", "about", "ftp", "ws", "wss"})


def new_client_id() -> str:
    return secrets.token_urlsafe(18)


class Client(AbstractApplication):
    """An application that may ask for tokens (RFC 6749 §2)."""

    # Taken out of django-oauth-toolkit's model; see the module's docstring.
    client_secret = None
    hash_client_secret = None
    algorithm = None
    authorization_grant_type = None
    skip_authorization = None
    cimd_expires_at = None

    client_id = models.CharField("client ID", max_length=255, unique=True, default=new_client_id)
    name = models.CharField(max_length=255, help_text="What people see on the consent page.")
    kind = models.CharField(max_length=10, choices=Kind.choices)
    is_active = models.BooleanField(default=True, help_text="Untick to refuse this client everywhere at once.")
    grant_types = ArrayField(models.CharField(max_length=60, choices=GrantType.choices), default=list)
    allowed_scopes = ArrayField(models.CharField(max_length=100), default=list, blank=True)
    allowed_resources = ArrayField(
        models.URLField(max_length=255),
        default=list,
        blank=True,
        help_text="APIs that this client may ask tokens for (RFC 8707); empty: all of this server.",
    )
    token_endpoint_auth_method = models.CharField(
        max_length=30, choices=AuthenticationMethod.choices, default=AuthenticationMethod.SECRET_BASIC
    )
    secret_digest = models.BinaryField(max_length=32, null=True, editable=False)
    previous_secret_digest = models.BinaryField(max_length=32, null=True, editable=False)
    previous_secret_expires_at = models.DateTimeField(null=True, editable=False)
    access_token_lifetime = models.DurationField(null=True, blank=True, help_text="Empty: the server's default.")
    authorization_lifetime = models.DurationField(null=True, blank=True, help_text="Empty: the server's default.")
    application_type = models.CharField(max_length=6, default="web", editable=False)
    contacts = ArrayField(models.CharField(max_length=255), default=list, blank=True)
    registration_token_digest = models.BinaryField(max_length=32, null=True, editable=False)
    client_uri = models.URLField("website", max_length=255, blank=True)
    logo_uri = models.URLField("logo", max_length=255, blank=True)
    policy_uri = models.URLField("privacy policy", max_length=255, blank=True)
    tos_uri = models.URLField("terms of service", max_length=255, blank=True)

    objects = ApplicationManager()

    class Meta:
        verbose_name = "client"
        constraints = [
            models.CheckConstraint(
                name="client_public_has_no_secret",
                condition=models.Q(client_type="confidential") | models.Q(secret_digest=None),
            ),
            models.CheckConstraint(
                name="client_type_fits_authentication",
                condition=models.Q(client_type="public") ^ ~models.Q(token_endpoint_auth_method="none"),
            ),
        ]

    @property
    def is_public(self) -> bool:
        """RFC 6749 §2.1: cannot keep a secret."""
        return self.client_type == self.CLIENT_PUBLIC

    def allows_grant_type(self, *grant_types: str) -> bool:
        return any(grant_type in self.grant_types for grant_type in grant_types)

    def is_usable(self, request: object) -> bool:
        return self.is_active

    def get_absolute_url(self) -> str:
        return self.client_uri

    # --- secrets

    def issue_secret(self, *, overlap_until: datetime | None = None) -> str:
        """Sets a new secret and returns it, the only time it is known. The caller saves the row.

        With `overlap_until` the secret before it works until then, so that a running client can be switched.
        """
        secret = new_secret()
        self.previous_secret_digest = self.secret_digest if overlap_until else None
        self.previous_secret_expires_at = overlap_until if self.secret_digest else None
        self.secret_digest = digest(secret)
        return secret

    def secret_is(self, secret: str) -> bool:
        """Whether this is the client's secret, in constant time over both slots (ASVS 5.0 11.2.4)."""
        given = digest(secret)
        current = secrets.compare_digest(given, bytes(self.secret_digest or b""))
        previous = secrets.compare_digest(given, bytes(self.previous_secret_digest or b""))
        in_overlap = self.previous_secret_expires_at is not None and self.previous_secret_expires_at > timezone.now()
        return current or (previous and in_overlap)

    # --- redirect URIs

    def redirect_uri_allowed(self, uri: str) -> bool:
        """Exact match, but for the port of a loopback address (RFC 9700 §2.1, RFC 8252 §7.3).

        django-oauth-toolkit compares URI components; simple string comparison comes first, because components
        that compare equal may be spelled differently (host in capitals, an explicit default port).
        """
        registered = self.redirect_uris.split()
        if uri in registered:
            return True
        return is_loopback(uri) and super().redirect_uri_allowed(uri)

    # --- rules that hold on every save through a form (admin, registration)

    def clean(self) -> None:
        errors: dict[str, Any] = {}
        try:
            for uri in self.redirect_uris.split():
                validate_redirect_uri(uri, kind=self.kind)
        except ValidationError as error:
            errors["redirect_uris"] = error
        if self.allows_grant_type(GrantType.AUTHORIZATION_CODE) and not self.redirect_uris.split():
            errors["redirect_uris"] = "At least one redirect URI: where the browser returns to after log-in."
        if self.is_public and self.allows_grant_type(GrantType.CLIENT_CREDENTIALS):
            # RFC 6749 §4.4: confidential clients only.
            errors["grant_types"] = "A public client cannot act for itself: it has nothing to prove itself with."
        if _could_be_a_user(self.client_id):
            # RFC 9700 §4.15: a client must never be mistaken for a user, whose `sub` is a primary key.
            errors["client_id"] = "A client ID is neither a UUID nor a number."
        if errors:
            raise ValidationError(errors)


def validate_redirect_uri(uri: str, *, kind: str) -> None:
    """Raises ValidationError unless codes may be sent there (RFC 9700 §2.1, RFC 8252 §7, OAuth 2.1 §2.3)."""

    def refuse(why: str) -> None:
        raise ValidationError("%(uri)s: %(why)s", params={"uri": uri, "why": why})

    if not uri.isascii() or not uri.isprintable() or any(c in uri for c in '"<>\\^`{|}* '):
        refuse("only the characters of a URI, no wildcard.")
    try:
        parts = urlsplit(uri)
        host, _ = parts.hostname, parts.port
    except ValueError:
        refuse("this is not a URI.")
    if "#" in uri:
        refuse("no fragment (RFC 6749 §3.1.2).")
    if "@" in parts.netloc:
        refuse("no user name or password.")
    if parts.scheme in FORBIDDEN_SCHEMES or not parts.scheme:
        refuse("this scheme cannot receive a code.")
    if any(segment in {".", ".."} for segment in parts.path.split("/")):
        refuse("no dot segments in the path.")
    if parts.scheme == "https":
        if not host:
            refuse("no host.")
    elif parts.scheme == "http":
        if not (is_loopback(uri) or host == "localhost"):
            refuse("http only to a loopback address; use https (OAuth 2.1 §2.3).")
    elif "." not in parts.scheme:
        refuse("a private-use scheme is a domain name reversed, such as com.example.app (RFC 8252 §7.1).")
    elif kind not in (Kind.MOBILE, Kind.DEVICE):
        refuse("private-use schemes are for mobile and desktop apps.")


def is_loopback(uri: str) -> bool:
    """Whether this is http to a loopback IP literal (RFC 8252 §7.3); `localhost` is not (§8.3)."""
    try:
        parts = urlsplit(uri)
        return parts.scheme == "http" and ipaddress.ip_address(parts.hostname or "").is_loopback
    except ValueError:
        return False


def _could_be_a_user(client_id: str) -> bool:
    try:
        UUID(client_id)
    except ValueError:
        return client_id.isdigit()
    return True
