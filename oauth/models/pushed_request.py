"""A pushed authorization request (RFC 9126)."""

from django.conf import settings
from django.db import models

from oauth.models.secret import DigestField


class PushedRequest(models.Model):
    """Short-lived and for one use by the client that pushed it (RFC 9126 §2.2, §4)."""

    reference_digest = DigestField()
    # No foreign key constraint, for the reason in UsedAssertion. A request of a deleted client is never found.
    client = models.ForeignKey(
        settings.OAUTH2_PROVIDER_APPLICATION_MODEL,
        models.DO_NOTHING,
        related_name="+",
        db_constraint=False,
        db_index=False,
    )
    request = models.JSONField()
    expires_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["expires_at"], name="pushed_request_expiry")]

    def __str__(self) -> str:
        return f"pushed request {self.pk}"
