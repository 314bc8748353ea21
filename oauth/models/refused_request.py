"""A refused request without an event in the audit log, to look up its error ID."""

from datetime import timedelta

from django.db import models
from django.db.models import Q
from django.utils import timezone
from uuid_utils.compat import uuid7

#: How long rows are kept.
LIFETIME = timedelta(days=14)


class RefusedRequest(models.Model):
    """A sample, limited by `audit.refused_requests`. Contains no secrets, bodies or query strings."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    at = models.DateTimeField(default=timezone.now)
    error_id = models.CharField("error ID", max_length=32)
    endpoint = models.CharField(max_length=40, help_text="“api”, “page”, or the name of a protocol endpoint.")
    status = models.PositiveSmallIntegerField()
    error = models.CharField(max_length=60, help_text="The error code of the response.")
    reason = models.TextField(blank=True)
    method = models.CharField(max_length=10)
    path = models.CharField(
        max_length=255, help_text="The path of the request. “…” replaces parts that may be a token."
    )
    # By value, as in the audit log, because they may be any text that a stranger sent.
    user = models.CharField(max_length=64, blank=True, help_text="Primary key of the user, if known.")
    client = models.CharField("client ID", max_length=255, blank=True)
    address = models.GenericIPAddressField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["error_id"], name="refused_request_error_id"),
            models.Index(fields=["client", "id"], name="refused_request_client", condition=Q(endpoint="api")),
        ]

    def __str__(self) -> str:
        return f"{self.error} {self.error_id}"
