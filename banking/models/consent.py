"""What a user allowed an app in authorization details (RFC 9396): accounts, or a transfer. The authorization server
decides whether the consent is still valid; the bank stores its content.
"""

from django.conf import settings
from django.db import models
from django.utils import timezone
from uuid_utils.compat import uuid7

from banking.models.account import Account


class Consent(models.Model):
    """`id` is the `identifier` in the token. A transfer consent is used once: `Transfer.consent` is unique."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    client_id = models.CharField(max_length=255)
    type = models.CharField(max_length=40)
    detail = models.JSONField()
    accounts = models.ManyToManyField(Account, related_name="consents", db_table="consent_account")
    granted_at = models.DateTimeField(default=timezone.now)

    class Meta:
        db_table = "consent"
        indexes = [models.Index(fields=["user", "-id"], name="consent_of_user")]

    def __str__(self) -> str:
        return f"{self.type} {self.granted_at:%Y-%m-%d %H:%M:%S}"
