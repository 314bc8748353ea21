"""The secrets of a client: random, in two slots, of which only the digests are stored."""

import secrets
from datetime import datetime

from django.db import models
from django.utils import timezone

from oauth.models.secret import digest, new_secret


class HasSecrets(models.Model):
    secret_digest = models.BinaryField(max_length=32, null=True, editable=False)
    previous_secret_digest = models.BinaryField(max_length=32, null=True, editable=False)
    previous_secret_expires_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        abstract = True

    def issue_secret(self, *, overlap_until: datetime | None = None) -> str:
        """Sets a new secret and returns it, the only time it is known. The caller saves the row.

        With `overlap_until` the previous secret works until then, so that a running client can be switched.
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
        """Whether the previous secret still works."""
        until = self.previous_secret_expires_at
        return self.previous_secret_digest is not None and until is not None and until > timezone.now()
