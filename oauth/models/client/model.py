"""The Client: django-oauth-toolkit's Application, swapped from the first migration.

Its fields for a single grant type, a slowly hashed secret and HMAC-signed ID tokens are removed, because a client here
has several grant types, two random secrets, and only asymmetric signatures.
"""

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import OpClass
from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.db.models.functions import Upper
from oauth2_provider.models import AbstractApplication, ApplicationManager

from oauth.infrastructure import display_names
from oauth.models.client import queries, rules
from oauth.models.client.authentication import Authenticates
from oauth.models.client.grant_types import HasGrantTypes
from oauth.models.client.openid_connect import HasOpenIDConnect
from oauth.models.client.queries import ClientQuerySet, announce_change
from oauth.models.client.redirect_uris import matches_on_any_port
from oauth.models.client.registration import IsRegistered, host_of_document
from oauth.models.client.rules import LONGEST_ACCESS_TOKEN, ZERO
from oauth.models.client.secrets import HasSecrets
from oauth.models.client.security_profile import HasSecurityProfile
from oauth.models.client.site import site
from oauth.models.secret import random_text
from oauth.models.status import next_status_index

_DEFAULT = "Leave empty for the server's default."


class ExchangePolicy(models.TextChoices):
    """RFC 8693 §1.1: the kind of token that token exchange issues to the client."""

    DELEGATION = "delegation", "Delegation: the new token names this client as the actor"
    IMPERSONATION = "impersonation", "Impersonation: the new token looks like the user's own"


def new_client_id() -> str:
    return random_text(18)


class Client(
    IsRegistered,
    HasGrantTypes,
    Authenticates,
    HasSecrets,
    HasSecurityProfile,
    HasOpenIDConnect,
    AbstractApplication,
):
    """An application that may request tokens (RFC 6749 §2). Each base class has the fields of one capability."""

    client_secret = None
    hash_client_secret = None  # type: ignore[assignment]  # how Django drops an inherited field
    algorithm = None  # type: ignore[assignment]  # how Django drops an inherited field
    authorization_grant_type = None  # type: ignore[assignment]  # how Django drops an inherited field
    skip_authorization = None  # type: ignore[assignment]  # how Django drops an inherited field

    client_id = models.CharField("client ID", max_length=255, unique=True, default=new_client_id)
    is_active = models.BooleanField(
        default=True,
        help_text="Untick this to disable the client. Within seconds, it and its tokens are refused everywhere.",
    )
    allowed_scopes = ArrayField(models.CharField(max_length=100), default=list, blank=True)
    authorization_details_types = ArrayField(
        models.CharField(max_length=100),
        default=list,
        blank=True,
        help_text=(
            "Types of authorization_details that this client may request (RFC 9396 §10). Leave empty for all types of "
            "this server."
        ),
    )
    allowed_resources = ArrayField(
        models.URLField(max_length=255),
        default=list,
        blank=True,
        help_text="APIs for which this client may request tokens (RFC 8707). Leave empty for all APIs of this server.",
    )
    access_token_lifetime = models.DurationField(null=True, blank=True, help_text=_DEFAULT)
    authorization_lifetime = models.DurationField(null=True, blank=True, help_text=_DEFAULT)
    exchange_policy = models.CharField(
        max_length=15, choices=ExchangePolicy.choices, default=ExchangePolicy.DELEGATION, blank=True
    )
    exchange_from = models.ManyToManyField(
        "self", symmetrical=False, blank=True, related_name="exchanged_by", verbose_name="may exchange tokens of",
        help_text="Other clients whose tokens this client may exchange (RFC 8693).",
    )  # fmt: skip
    status_index = models.BigIntegerField(unique=True, editable=False, db_default=next_status_index())

    objects = ApplicationManager.from_queryset(ClientQuerySet)()

    class Meta:
        verbose_name = "client"
        permissions = [
            ("test_client", "Can try a client's flows"),
            ("view_conformance_report", "Can view the conformance report"),
        ]
        indexes = [
            # For the search by the beginning of the name, because many clients may register themselves.
            models.Index(OpClass(Upper("name"), name="varchar_pattern_ops"), name="client_name"),
            # A small index for the hourly search for logos to fetch.
            models.Index(fields=["id"], name="client_with_logo", condition=~models.Q(logo_uri="")),
            # A small index for the query of the status lists, which reads inactive clients every few seconds.
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

    #: The member of staff who makes the next saved change; None if the client or a command makes it.
    changed_by: Any = None
    #: Whether to report the next saved change by email even if no user has allowed the client. True if the client
    #: itself makes the change.
    changes_are_told: bool = False
    #: The ID of the transaction that wrote the row (`xmin`), set by `by_client_id`. It changes with each update of the
    #: row.
    row_version: str | None = None

    def save(self, *args: Any, **kwargs: Any) -> None:
        with transaction.atomic():
            stored = None if self._state.adding else Client.objects.filter(pk=self.pk).first()
            super().save(*args, **kwargs)
            if stored is not None:
                saved = Client.objects.get(pk=self.pk) if kwargs.get("update_fields") is not None else self
                saved.changed_by, saved.changes_are_told = self.changed_by, self.changes_are_told
                announce_change(saved, stored)

    def clean(self) -> None:
        if errors := rules.broken(self):
            raise ValidationError(errors)

    @classmethod
    def by_client_id(cls, client_id: str) -> "Client | None":
        return queries.by_client_id(cls, client_id)

    @classmethod
    def by_client_ids(cls, client_ids: Sequence[str]) -> "list[Client]":
        return queries.by_client_ids(cls, client_ids)

    @property
    def is_public(self) -> bool:
        """RFC 6749 §2.1: whether the client cannot keep a secret."""
        return self.client_type == self.CLIENT_PUBLIC

    def is_usable(self, request: object) -> bool:
        return self.is_active

    def get_absolute_url(self) -> str:
        """A client has no page. If this returned the client's website, `/admin/r/…` would redirect staff to a URL that
        the client's developer chose (RFC 9700 §4.11).
        """
        return ""

    @property
    def allowed_details_types(self) -> list[str]:
        """RFC 9396 §10: the client's types, or by default all types of this server within its ceiling."""
        everything = list(site.values.details_types)
        if self.registration_ceiling is not None:
            everything = list(self.registration_ceiling.get("details_types", ()))
        return list(self.authorization_details_types) or everything

    @property
    def usable_resources(self) -> Sequence[str]:
        """RFC 8707: the client's resources, or by default all of this server."""
        return self.allowed_resources or site.values.resources

    def redirect_uri_allowed(self, uri: str) -> bool:
        """Compares exactly, except for the port of a loopback address (RFC 9700 §2.1, RFC 8252 §7.3, ASVS 5.0 10.4.1).

        Replaces django-oauth-toolkit's comparison of URI components, which accepts other spellings (host in capitals,
        an explicit default port).
        """
        return any(uri == one or matches_on_any_port(uri, one) for one in self.redirect_uris.split())

    @property
    def shown_name(self) -> str:
        """The name for pages, without characters that could reverse or hide other text."""
        return display_names.plain(self.name) or self.client_id

    @property
    def is_vouched_for(self) -> bool:
        """Whether an admin has registered or approved the client and so has checked its name."""
        return bool(self.registration_source == self.RegistrationSource.MANUAL and self.is_live)

    @property
    def document_host(self) -> str:
        """The host of the client's metadata document; empty if the client has none."""
        is_document = self.registration_source == self.RegistrationSource.CIMD
        return host_of_document(self.client_id) if is_document else ""

    @property
    def sector_host(self) -> str:
        """OpenID Connect Core §8.1: clients with the same sector host get the same pairwise `sub` for a user."""
        uri = self.sector_identifier_uri or next(iter(self.redirect_uris.split()), "") or self.client_uri
        return urlsplit(uri).hostname or self.client_id
