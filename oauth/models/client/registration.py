"""The fields of a client about its registration (RFC 7591, RFC 7592), and those that users see."""

from urllib.parse import urlsplit

from django.contrib.postgres.fields import ArrayField
from django.db import models

from oauth.infrastructure import display_names
from oauth.models.client.kind import Kind


class IsRegistered(models.Model):
    name = models.CharField(max_length=255, help_text="The name on the consent page.")
    kind = models.CharField(max_length=10, choices=Kind.choices)
    application_type = models.CharField(max_length=6, default="web", editable=False)
    contacts = ArrayField(models.CharField(max_length=255), default=list, blank=True)
    client_uri = models.URLField("website", max_length=255, blank=True)
    logo_uri = models.URLField("logo", max_length=255, blank=True)
    policy_uri = models.URLField("privacy policy", max_length=255, blank=True)
    tos_uri = models.URLField("terms of service", max_length=255, blank=True)
    registration_token_digest = models.BinaryField(max_length=32, null=True, editable=False)
    # The limits within which the client may change its registration (clients.registration.ceiling); None if an admin
    # registered it.
    registration_ceiling = models.JSONField(null=True, editable=False)
    # Whether any user may allow the client. An app registered by a developer is live only after staff have approved it;
    # before that, only sandbox users of the developer may allow it. The database refuses to set this back to False.
    is_live = models.BooleanField(default=True, db_default=True, editable=False)
    cimd_expires_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        abstract = True

    @property
    def name_looks_like_another(self) -> bool:
        return display_names.looks_like_another(self.name)


def host_of_document(client_id: str) -> str:
    """The host of the client's metadata document."""
    return display_names.host(urlsplit(client_id).hostname or "")
