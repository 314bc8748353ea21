"""The Client: django-oauth-toolkit's Application, swapped from the first migration.

Its fields for a single grant type, a slowly hashed secret and HMAC-signed ID tokens are taken out: ours
has several grant types, random secrets in two slots, and only asymmetric signatures.
"""

import ipaddress
import re
import secrets
from datetime import datetime, timedelta
from functools import cache
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from cryptography import x509
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import OpClass
from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.db.models.functions import Upper
from django.dispatch import Signal
from django.utils import timezone
from django.utils.translation import gettext_noop as _
from oauth2_provider.models import AbstractApplication, ApplicationManager

from oauth.conf import CLIENT_SIGNING_ALGORITHMS, SIGNING_ALGORITHMS, conf
from oauth.fast_path.model_rows import Columns
from oauth.infrastructure import display_names, outbound
from oauth.infrastructure.rows import rows
from oauth.models import client_identity, client_keys
from oauth.models.secret import digest, new_secret
from oauth.models.status import next_status_index


class GrantType(models.TextChoices):
    """RFC 6749 §4, RFC 8628, RFC 8693. The password grant does not exist (OAuth 2.1 §10)."""

    AUTHORIZATION_CODE = "authorization_code", "Authorization code"
    REFRESH_TOKEN = "refresh_token", "Refresh token"
    CLIENT_CREDENTIALS = "client_credentials", "Client credentials"
    DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code", "Device code"
    TOKEN_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange", "Token exchange"
    CIBA = "urn:openid:params:grant-type:ciba", "Asking a person who is elsewhere (CIBA)"
    IMPLICIT = "implicit", "Implicit: unsafe, for old browser apps only"


def offered_grant_types() -> list[GrantType]:
    """What this server gives tokens for; the implicit flow only where the site says so."""
    return [one for one in GrantType if one != GrantType.IMPLICIT or conf.ALLOW_IMPLICIT]


class AuthenticationMethod(models.TextChoices):
    """RFC 7591 §2: how a client proves itself at the token endpoint."""

    NONE = "none", "None: a public client"
    SECRET_BASIC = "client_secret_basic", "Secret in the Authorization header"
    SECRET_POST = "client_secret_post", "Secret in the body"
    PRIVATE_KEY_JWT = "private_key_jwt", "Signature with a key of its own"
    TLS_CLIENT_AUTH = "tls_client_auth", "Certificate of an authority (mutual TLS)"
    SELF_SIGNED_TLS_CLIENT_AUTH = "self_signed_tls_client_auth", "Certificate of its own making (mutual TLS)"

    @property
    def needs_secret(self) -> bool:
        return self in (self.SECRET_BASIC, self.SECRET_POST)

    @property
    def is_tls(self) -> bool:
        """RFC 8705 §2."""
        return self in (self.TLS_CLIENT_AUTH, self.SELF_SIGNED_TLS_CLIENT_AUTH)


def offered_authentication_methods() -> list[AuthenticationMethod]:
    """Mutual TLS only where the site knows what was presented, and whom to believe."""
    missing: set[AuthenticationMethod] = set()
    if conf.CLIENT_CERTIFICATE is None:
        missing = {method for method in AuthenticationMethod if method.is_tls}
    elif not conf.CLIENT_CERTIFICATE_AUTHORITIES:
        missing = {AuthenticationMethod.TLS_CLIENT_AUTH}
    return [method for method in AuthenticationMethod if method not in missing]


# RFC 8705 §2.1.2: the names by which a certificate of an authority may be known.
CERTIFICATE_NAME_KINDS = ("subject_dn", "san_dns", "san_uri", "san_ip", "san_email")


class DeliveryMode(models.TextChoices):
    """CIBA §5: how a client learns that the person has decided. Push is not offered: FAPI-CIBA §5.2.2 forbids it."""

    POLL = "poll", "Poll: the client asks again"
    PING = "ping", "Ping: the client is told, and asks then"


class SubjectType(models.TextChoices):
    """OpenID Connect Core §8: what `sub` an ID token names a person by."""

    PUBLIC = "public", "Public: the same for every app"
    PAIRWISE = "pairwise", "Pairwise: another one for every app"


class SecurityProfile(models.TextChoices):
    """One switch; each holds every rule of the one before it."""

    OAUTH21 = "oauth21", "OAuth 2.1 and RFC 9700: the default"
    FAPI2 = "fapi2", "FAPI 2.0 Security Profile"
    FAPI2_MESSAGE_SIGNING = "fapi2-message-signing", "FAPI 2.0 Message Signing"


class ExchangePolicy(models.TextChoices):
    """RFC 8693 §1.1: how a client may act with a token that it was given."""

    DELEGATION = "delegation", "Delegation: the new token names this client as the actor"
    IMPERSONATION = "impersonation", "Impersonation: the new token looks like the person's own"


class Kind(models.TextChoices):
    """What the admin is asked instead of protocol words; `oauth.registration` turns it into safe values. The
    guide for developers translates the names."""

    MOBILE = "mobile", _("Mobile or desktop app")
    WEB = "web", _("Web app with a server")
    BROWSER = "browser", _("Browser app without a server")
    SERVICE = "service", _("Service without a user")
    DEVICE = "device", _("Device without a keyboard")


ZERO = timedelta()
# RFC 9700 §2.2: short-lived, whatever an admin types.
LONGEST_ACCESS_TOKEN = timedelta(minutes=15)
# A redirect to one of these would run or leak in the browser (authentik CVE-2024-21637).
FORBIDDEN_SCHEMES = frozenset({"javascript", "data", "vbscript", "file", "blob", "about", "ftp", "ws", "wss"})


# RFC 1123 §2.1 (and the underscore, which DNS knows); RFC 4291 §2.2.
_DOMAIN = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_.-]{0,251}[A-Za-z0-9_.])?")
_IPV6 = re.compile(r"(?=[^:]*:)[0-9A-Fa-f:.]{2,45}")
_ALGORITHMS = [(name, name) for name in SIGNING_ALGORITHMS]


def new_client_id() -> str:
    return secrets.token_urlsafe(18)


# Django has no signal of its own for QuerySet.update, and whoever keeps clients in memory has to know.
clients_updated = Signal()

# Sent in the transaction in which a client becomes another one to its users, whoever changed it: an admin, the client
# itself, its metadata document, a shell. With `client`, `before` and `after` as of client_identity.of, and the
# `contacts` of before.
identity_changed = Signal()


class ClientQuerySet(models.QuerySet["Client"]):
    def update(self, **values: Any) -> int:
        if client_identity.FIELDS.isdisjoint(values):
            changed = super().update(**values)
        else:
            with transaction.atomic(using=self.db):
                named = self.model.objects.using(self.db).filter(pk__in=self.order_by().values("pk"))
                stored = list(named)
                changed = super().update(**values)
                now = self.model.objects.using(self.db).in_bulk([client.pk for client in stored])
                for before in stored:
                    _tell_of_change(now[before.pk], before)
        clients_updated.send(sender=Client)
        return changed


def _tell_of_change(client: "Client", stored: "Client") -> None:
    before, after = client_identity.of(stored), client_identity.of(client)
    if client_identity.changed(before, after):
        identity_changed.send(sender=Client, client=client, before=before, after=after, contacts=list(stored.contacts))


class Client(AbstractApplication):
    """An application that may ask for tokens (RFC 6749 §2)."""

    # Taken out of django-oauth-toolkit's model; see the module's docstring.
    client_secret = None
    hash_client_secret = None  # type: ignore[assignment]  # how Django drops an inherited field
    algorithm = None  # type: ignore[assignment]  # how Django drops an inherited field
    authorization_grant_type = None  # type: ignore[assignment]  # how Django drops an inherited field
    skip_authorization = None  # type: ignore[assignment]  # how Django drops an inherited field

    client_id = models.CharField("client ID", max_length=255, unique=True, default=new_client_id)
    name = models.CharField(max_length=255, help_text="The name on the consent page.")
    kind = models.CharField(max_length=10, choices=Kind.choices)
    cimd_expires_at = models.DateTimeField(null=True, editable=False)
    is_active = models.BooleanField(
        default=True,
        help_text="Untick to disable this client: within seconds, it and its tokens are refused everywhere.",
    )
    grant_types = ArrayField(models.CharField(max_length=60, choices=GrantType.choices), default=list)
    allowed_scopes = ArrayField(models.CharField(max_length=100), default=list, blank=True)
    authorization_details_types = ArrayField(
        models.CharField(max_length=100),
        default=list,
        blank=True,
        help_text="Types of details that it may request (RFC 9396 §10). Empty: all types of this server.",
    )
    allowed_resources = ArrayField(
        models.URLField(max_length=255),
        default=list,
        blank=True,
        help_text="APIs that it may request tokens for (RFC 8707). Empty: all APIs of this server.",
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
    # How far the client may change its registration (clients.registration.ceiling); None if an admin registered it.
    registration_ceiling = models.JSONField(null=True, editable=False)
    # --- keys of the client (RFC 7591 §2): one of the two
    client_jwks = models.JSONField("public keys (JWK Set)", null=True, blank=True)
    client_jwks_uri = models.CharField("address of its public keys", max_length=255, blank=True)
    # --- OpenID Connect
    subject_type = models.CharField(max_length=8, choices=SubjectType.choices, default=SubjectType.PUBLIC)
    sector_identifier_uri = models.CharField(max_length=255, blank=True)
    id_token_signed_response_alg = models.CharField(
        "ID token signature", max_length=10, choices=_ALGORITHMS, blank=True, help_text="Empty: the server's default."
    )
    userinfo_signed_response_alg = models.CharField(
        "UserInfo signature", max_length=10, choices=_ALGORITHMS, blank=True, help_text="Empty: plain JSON."
    )
    introspection_signed_response_alg = models.CharField(
        "introspection signature", max_length=10, choices=_ALGORITHMS, blank=True, help_text="RFC 9701 §6."
    )
    default_max_age = models.PositiveIntegerField(
        null=True, blank=True, help_text="Seconds after which this client needs a fresh login."
    )
    default_acr_values = ArrayField(models.CharField(max_length=100), default=list, blank=True)
    backchannel_logout_uri = models.CharField(
        "back-channel logout address",
        max_length=255,
        blank=True,
        help_text="Receives a logout token when a user logs out.",
    )
    backchannel_logout_session_required = models.BooleanField(default=False)
    backchannel_token_delivery_mode = models.CharField(
        "CIBA mode", max_length=4, choices=DeliveryMode.choices, default=DeliveryMode.POLL
    )
    backchannel_client_notification_endpoint = models.CharField(
        "CIBA notification address",
        max_length=255,
        blank=True,
        help_text="For ping mode: notified when the user has decided.",
    )
    # --- what it must do beyond the default
    security_profile = models.CharField(max_length=30, choices=SecurityProfile.choices, default=SecurityProfile.OAUTH21)
    require_signed_request_object = models.BooleanField(
        "signed requests only", default=False, help_text="RFC 9101 §10.5: requests must be JWTs signed by the client."
    )
    request_object_signing_alg = models.CharField(
        "request signature", max_length=10, choices=[(name, name) for name in CLIENT_SIGNING_ALGORITHMS], blank=True
    )
    authorization_signed_response_alg = models.CharField(
        "answer signature", max_length=10, choices=_ALGORITHMS, blank=True, help_text="JARM §3; empty: the server's."
    )
    require_pushed_authorization_requests = models.BooleanField(
        "pushed requests only", default=False, help_text="RFC 9126: the client must push its requests."
    )
    dpop_bound_access_tokens = models.BooleanField(
        "DPoP only", default=False, help_text="RFC 9449 §5.2: every token is bound to a key of the client."
    )
    tls_client_certificate_bound_access_tokens = models.BooleanField(
        "certificate-bound tokens only",
        default=False,
        help_text="RFC 8705 §3.4: every token is bound to the client's certificate.",
    )
    # --- whose certificate it is (RFC 8705 §2.1.2): one of these
    tls_client_auth_subject_dn = models.CharField("certificate: subject", max_length=255, blank=True)
    tls_client_auth_san_dns = models.CharField("certificate: DNS name", max_length=255, blank=True)
    tls_client_auth_san_uri = models.CharField("certificate: URI", max_length=255, blank=True)
    tls_client_auth_san_ip = models.CharField("certificate: IP address", max_length=45, blank=True)
    tls_client_auth_san_email = models.CharField("certificate: e-mail address", max_length=255, blank=True)
    accepts_endpoint_audience = models.BooleanField(
        "endpoint addresses as audience",
        default=False,
        db_default=False,
        help_text="RFC 7523: client assertions may name endpoints, or several audiences. Only for a library that "
        "cannot name the issuer alone; never for FAPI.",
    )
    exchange_policy = models.CharField(
        max_length=15, choices=ExchangePolicy.choices, default=ExchangePolicy.DELEGATION, blank=True
    )
    exchange_from = models.ManyToManyField(
        "self", symmetrical=False, blank=True, related_name="exchanged_by", verbose_name="may exchange tokens of",
        help_text="Clients whose tokens it may exchange (RFC 8693), besides its own.",
    )  # fmt: skip
    status_index = models.BigIntegerField(unique=True, editable=False, db_default=next_status_index())
    client_uri = models.URLField("website", max_length=255, blank=True)
    logo_uri = models.URLField("logo", max_length=255, blank=True)
    policy_uri = models.URLField("privacy policy", max_length=255, blank=True)
    tos_uri = models.URLField("terms of service", max_length=255, blank=True)

    objects = ApplicationManager.from_queryset(ClientQuerySet)()

    class Meta:
        verbose_name = "client"
        permissions = [("test_client", "Can try a client's flows")]
        indexes = [
            # Found by how its name begins, among however many that registered themselves.
            models.Index(OpClass(Upper("name"), name="varchar_pattern_ops"), name="client_name"),
            # Few: status lists ask for them every few seconds.
            models.Index(fields=["id"], name="client_inactive", condition=models.Q(is_active=False)),
        ]
        constraints = [
            models.CheckConstraint(
                name="client_public_has_no_secret",
                condition=models.Q(client_type="confidential") | models.Q(secret_digest=None),
            ),
            models.CheckConstraint(
                name="client_access_tokens_are_short",
                condition=models.Q(access_token_lifetime=None)
                | models.Q(access_token_lifetime__gt=ZERO, access_token_lifetime__lte=LONGEST_ACCESS_TOKEN),
            ),
            models.CheckConstraint(
                name="client_type_fits_authentication",
                condition=models.Q(client_type="public") ^ ~models.Q(token_endpoint_auth_method="none"),
            ),
        ]

    #: The member of staff who makes the change that is saved next; None for the client itself and for commands.
    changed_by: Any = None
    #: Whether the change that is saved next is told even if nobody uses the client yet: it changes itself.
    changes_are_told: bool = False

    def save(self, *args: Any, **kwargs: Any) -> None:
        with transaction.atomic():
            stored = None if self._state.adding else Client.objects.filter(pk=self.pk).first()
            super().save(*args, **kwargs)
            if stored is not None:
                saved = Client.objects.get(pk=self.pk) if kwargs.get("update_fields") is not None else self
                saved.changed_by, saved.changes_are_told = self.changed_by, self.changes_are_told
                _tell_of_change(saved, stored)

    @classmethod
    def read(cls, client_id: str) -> "Client | None":
        """As it is now. So many columns that the ORM takes five times as long to ask for them."""
        columns, statement = _by_client_id()
        found = rows(statement, [client_id])
        return columns.instance(found[0]) if found else None

    @property
    def is_public(self) -> bool:
        """RFC 6749 §2.1: cannot keep a secret."""
        return self.client_type == self.CLIENT_PUBLIC

    def allows_grant_type(self, *grant_types: str) -> bool:
        return any(grant_type in self.grant_types for grant_type in grant_types)

    @property
    def response_types(self) -> list[str]:
        """RFC 7591 §2.1: what the grant types mean at the authorization endpoint."""
        code = ["code"] if self.allows_grant_type(GrantType.AUTHORIZATION_CODE) else []
        return code + (["token"] if self.allows_grant_type(GrantType.IMPLICIT) else [])

    def is_usable(self, request: object) -> bool:
        return self.is_active

    def get_absolute_url(self) -> str:
        return self.client_uri

    @property
    def allowed_details_types(self) -> list[str]:
        """RFC 9396 §10: those of the client; of one that names none, all of this server within its ceiling."""
        everything = list(conf.AUTHORIZATION_DETAILS_TYPES)
        if self.registration_ceiling is not None:
            everything = list(self.registration_ceiling.get("details_types", ()))
        return list(self.authorization_details_types) or everything

    # --- the security profile: asked at every request, so that no other field of the row talks it down

    @property
    def is_fapi(self) -> bool:
        return self.security_profile != SecurityProfile.OAUTH21

    @property
    def signs_messages(self) -> bool:
        return self.security_profile == SecurityProfile.FAPI2_MESSAGE_SIGNING

    @property
    def must_push(self) -> bool:
        """FAPI 2.0 §5.3.2.2, ASVS 5.0 10.4.13: every request must be pushed."""
        return self.require_pushed_authorization_requests or self.is_fapi

    @property
    def must_bind(self) -> bool:
        """FAPI 2.0 §5.3.2.1: no token but a sender-constrained one."""
        return self.dpop_bound_access_tokens or self.is_fapi

    @property
    def must_sign_requests(self) -> bool:
        """FAPI 2.0 Message Signing §5.3.1."""
        return self.require_signed_request_object or self.signs_messages

    @property
    def id_token_algorithm(self) -> str:
        """FAPI 2.0 §5.4.1: no RS256."""
        chosen: str = self.id_token_signed_response_alg or conf.ID_TOKEN_SIGNING_ALGORITHM
        return conf.SIGNING_ALGORITHM if self.is_fapi and chosen == "RS256" else chosen

    @property
    def has_strong_authentication(self) -> bool:
        """FAPI 2.0 §5.3.2.1: by a signature or a certificate, never by a shared secret."""
        method = AuthenticationMethod(self.token_endpoint_auth_method)
        return method == AuthenticationMethod.PRIVATE_KEY_JWT or method.is_tls

    @property
    def certificate_names(self) -> dict[str, str]:
        """What its certificate has to be for, by kind of name (RFC 8705 §2.1.2)."""
        return {kind: name for kind in CERTIFICATE_NAME_KINDS if (name := getattr(self, f"tls_client_auth_{kind}"))}

    def _check_profile(self) -> dict[str, Any]:
        """What FAPI 2.0 does not let this client have, by field."""
        if not self.is_fapi:
            return {}
        errors: dict[str, Any] = {}
        if not self.has_strong_authentication:
            errors["token_endpoint_auth_method"] = (
                "FAPI 2.0 clients authenticate by private_key_jwt or a certificate (§5.3.2.1)."
            )
        for name in ("id_token", "userinfo", "introspection", "authorization"):
            if getattr(self, f"{name}_signed_response_alg") == "RS256":
                errors[f"{name}_signed_response_alg"] = "FAPI 2.0 signs by PS256, ES256 or EdDSA (§5.4.1)."
        if self.allows_grant_type(GrantType.IMPLICIT):
            errors["grant_types"] = "FAPI 2.0 knows no implicit flow."
        return errors

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
        return current or (previous and self.has_two_secrets)

    @property
    def has_two_secrets(self) -> bool:
        """Whether the secret before the current one still works."""
        until = self.previous_secret_expires_at
        return self.previous_secret_digest is not None and until is not None and until > timezone.now()

    # --- redirect URIs

    def redirect_uri_allowed(self, uri: str) -> bool:
        """Exact match, except for the port of a loopback address (RFC 9700 §2.1, RFC 8252 §7.3, ASVS 5.0 10.4.1).

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
        if self.response_types and not self.redirect_uris.split():
            errors["redirect_uris"] = "At least one redirect URI: where the browser returns to after log-in."
        errors |= self._check_profile()
        if self.access_token_lifetime is not None and not ZERO < self.access_token_lifetime <= LONGEST_ACCESS_TOKEN:
            errors["access_token_lifetime"] = "More than nothing, at most 15 minutes (RFC 9700 §2.2)."
        if self.authorization_lifetime is not None and self.authorization_lifetime <= ZERO:
            errors["authorization_lifetime"] = "More than nothing."
        errors |= self._wrong_addresses()
        errors |= self._wrong_certificate()
        try:
            self._check_keys()
        except ValueError as error:
            errors["client_jwks"] = str(error)
        if self.subject_type == SubjectType.PAIRWISE and not conf.PAIRWISE_SUBJECT_KEY:
            errors["subject_type"] = "This server has no pairwise subjects: PAIRWISE_SUBJECT_KEY is not set."
        if self.allows_grant_type(GrantType.IMPLICIT) and not conf.ALLOW_IMPLICIT:
            # RFC 9700 §2.1.2: not to be used. Both the server and the client have to say so.
            errors["grant_types"] = 'The implicit flow is unsafe and off: OAUTH["ALLOW_IMPLICIT"].'
        if self.is_public and self.allows_grant_type(GrantType.TOKEN_EXCHANGE):
            errors["grant_types"] = "A public client cannot exchange tokens: it cannot prove who it is (RFC 8693 §5)."
        if self.is_public and self.allows_grant_type(GrantType.CLIENT_CREDENTIALS):
            # RFC 6749 §4.4: confidential clients only.
            errors["grant_types"] = "A public client cannot act for itself: it has nothing to prove itself with."
        if self.is_public and self.allows_grant_type(GrantType.CIBA):
            errors["grant_types"] = "A public client cannot ask over the back channel: it cannot prove who it is."
        is_ping = self.backchannel_token_delivery_mode == DeliveryMode.PING
        if self.allows_grant_type(GrantType.CIBA) and is_ping and not self.backchannel_client_notification_endpoint:
            errors["backchannel_client_notification_endpoint"] = "Ping needs the address to tell (CIBA §4)."
        if _could_be_a_user(self.client_id):
            # RFC 9700 §4.15: a client must never be mistaken for a user, whose `sub` is a primary key.
            errors["client_id"] = "A client ID is neither a UUID nor a number."
        if errors:
            raise ValidationError(errors)

    def _wrong_certificate(self) -> dict[str, Any]:
        """RFC 8705 §2.1.2: an authority's certificate is known by exactly one name."""
        method = self.token_endpoint_auth_method
        if method not in offered_authentication_methods():
            return {"token_endpoint_auth_method": "This server is not set up for mutual TLS by this method."}
        wants_certificate = self.tls_client_certificate_bound_access_tokens or AuthenticationMethod(method).is_tls
        if wants_certificate and conf.CLIENT_CERTIFICATE is None:
            return {"tls_client_certificate_bound_access_tokens": "This server is not set up for mutual TLS."}
        is_known_by_name = method == AuthenticationMethod.TLS_CLIENT_AUTH
        if len(self.certificate_names) != (1 if is_known_by_name else 0):
            return {
                "tls_client_auth_subject_dn": "tls_client_auth, and only it, has exactly one name of a certificate."
            }
        try:
            if self.tls_client_auth_subject_dn:
                x509.Name.from_rfc4514_string(self.tls_client_auth_subject_dn)
            if self.tls_client_auth_san_ip:
                ipaddress.ip_address(self.tls_client_auth_san_ip)
        except ValueError:
            return {
                "tls_client_auth_subject_dn": "The subject is in the form of RFC 4514, an address is an IP address."
            }
        return {}

    def _wrong_addresses(self) -> dict[str, Any]:
        errors: dict[str, Any] = {}
        for name in (
            "client_jwks_uri",
            "backchannel_logout_uri",
            "backchannel_client_notification_endpoint",
            "sector_identifier_uri",
        ):
            try:
                if url := getattr(self, name):
                    outbound.check_url(url)
            except outbound.OutboundError as error:
                errors[name] = str(error)
        try:
            for uri in self.post_logout_redirect_uris.split():
                validate_redirect_uri(uri, kind=self.kind)
        except ValidationError as error:
            errors["post_logout_redirect_uris"] = error
        return errors

    def _check_keys(self) -> None:
        """Raises ValueError. RFC 7591 §2: by value or by address, not both."""
        if self.client_jwks is not None and self.client_jwks_uri:
            raise ValueError("give jwks or jwks_uri, not both.")
        if self.client_jwks is not None:
            client_keys.check(self.client_jwks)
        needs_keys = self.token_endpoint_auth_method == AuthenticationMethod.PRIVATE_KEY_JWT
        if needs_keys and self.client_jwks is None and not self.client_jwks_uri:
            raise ValueError("private_key_jwt needs jwks or jwks_uri.")
        if self.token_endpoint_auth_method == AuthenticationMethod.SELF_SIGNED_TLS_CLIENT_AUTH:
            if self.client_jwks is not None and not client_keys.certificates(self.client_jwks["keys"]):
                raise ValueError("self_signed_tls_client_auth needs keys with their certificate in x5c.")
            if self.client_jwks is None and not self.client_jwks_uri:
                raise ValueError("self_signed_tls_client_auth needs jwks or jwks_uri.")

    @property
    def shown_name(self) -> str:
        """For people: what a stranger typed turns or hides no letter of our pages."""
        return display_names.plain(self.name) or self.client_id

    @property
    def name_looks_like_another(self) -> bool:
        return display_names.looks_like_another(self.name)

    @property
    def is_vouched_for(self) -> bool:
        """Whether an admin registered it, and so answers for its name."""
        return bool(self.registration_source == self.RegistrationSource.MANUAL)

    @property
    def document_host(self) -> str:
        """Of a client that is known by its metadata document: who vouches for it."""
        is_document = self.registration_source == self.RegistrationSource.CIMD
        return display_names.host(urlsplit(self.client_id).hostname or "") if is_document else ""

    @property
    def has_secret(self) -> bool:
        """Whether it proves itself by a secret of ours."""
        return AuthenticationMethod(self.token_endpoint_auth_method).needs_secret

    @property
    def sector_host(self) -> str:
        """OpenID Connect Core §8.1: apps of one host know a person by the same pairwise subject."""
        uri = self.sector_identifier_uri or next(iter(self.redirect_uris.split()), "") or self.client_uri
        return urlsplit(uri).hostname or self.client_id


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
    # A `;`, comma or quote in a host would be syntax of the Content-Security-Policy that names it (CSP3 §2.3.1).
    if parts.scheme in ("http", "https") and host and not is_plain_host(host):
        refuse("the host must be a domain name of letters, digits, hyphens and dots, or an IP address.")
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


def is_plain_host(host: str) -> bool:
    """A domain name as DNS knows it, or an IP literal without its brackets and without a zone."""
    return bool(_DOMAIN.fullmatch(host) or _IPV6.fullmatch(host))


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


@cache
def _by_client_id() -> tuple[Columns[Client], str]:
    columns = Columns(Client, "client")
    return columns, f"SELECT {columns.sql} FROM {Client._meta.db_table} client WHERE client.client_id = %s"  # noqa: S608
