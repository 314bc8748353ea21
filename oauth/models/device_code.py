"""A device code (RFC 8628)."""

import secrets

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils import timezone

from oauth.models.authorization import Authorization
from oauth.models.secret import DigestField

# RFC 8628 §6.1: only consonants, so that codes form no words. 20^8 codes cannot be guessed in ten minutes.
USER_CODE_ALPHABET = "BCDFGHJKLMNPQRSTVWXZ"
USER_CODE_LENGTH = 8


def new_user_code() -> str:
    return "".join(secrets.choice(USER_CODE_ALPHABET) for _ in range(USER_CODE_LENGTH))


class DeviceCode(models.Model):
    """Belongs to the first user who enters the user code; no other user can answer it (django-oauth-toolkit #1819)."""

    code_digest = DigestField()
    user_code = models.CharField(max_length=USER_CODE_LENGTH, unique=True, default=new_user_code)
    client = models.ForeignKey(settings.OAUTH2_PROVIDER_APPLICATION_MODEL, on_delete=models.CASCADE, related_name="+")
    scopes = ArrayField(models.CharField(max_length=100), default=list)
    resources = ArrayField(models.CharField(max_length=255), default=list)
    # The IP address of the device (rate_limits.address_of), which the user can compare (RFC 8628 §5.4).
    address = models.CharField(max_length=45, default="", editable=False)
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()
    interval_seconds = models.PositiveSmallIntegerField()
    last_polled_at = models.DateTimeField(null=True)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, null=True, related_name="+")
    denied_at = models.DateTimeField(null=True)
    authorization = models.OneToOneField(Authorization, on_delete=models.CASCADE, null=True, related_name="device_code")
    consumed_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["expires_at"], name="device_code_expiry")]

    def __str__(self) -> str:
        return f"device code {self.pk}"

    @property
    def user_code_shown(self) -> str:
        """The user code with a dash in the middle, for legibility."""
        return f"{self.user_code[:4]}-{self.user_code[4:]}"
