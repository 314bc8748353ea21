"""The secrets of a client: a current and a previous one, both random, of which only digests are stored."""

import secrets
from datetime import datetime

from django.db import models
from django.utils import timezone

from oauth.models.secret import digest, new_secret

SECRET_FIELDS = ("secret_digest", "previous_secret_digest", "previous_secret_expires_at", "imported_secret")


class HasSecrets(models.Model):
    secret_digest = models.BinaryField(max_length=32, null=True, editable=False)
    previous_secret_digest = models.BinaryField(max_length=32, null=True, editable=False)
    previous_secret_expires_at = models.DateTimeField(null=True, editable=False)
    # Another server's hash of the current secret; empty if this server issued it. While `secret_digest` is empty, the
    # secret is checked with this hash (clients.authentication.imported_secret).
    imported_secret = models.CharField(max_length=255, blank=True, default="", db_default="", editable=False)

    class Meta:
        abstract = True

    def issue_secret(self, *, overlap_until: datetime | None = None) -> str:
        """Sets a new secret and returns it; it cannot be read later. The caller must save the row.

        The previous secret works until `overlap_until`, so that a running client can switch.
        """
        secret = new_secret()
        self.previous_secret_digest = self.secret_digest if overlap_until else None
        self.previous_secret_expires_at = overlap_until if self.secret_digest else None
        self.secret_digest = digest(secret)
        self.imported_secret = ""
        return secret

    def remove_secrets(self) -> None:
        """Removes the secrets of a client that will authenticate with another method. The caller must save the row."""
        self.secret_digest = self.previous_secret_digest = self.previous_secret_expires_at = None
        self.imported_secret = ""

    def secret_is(self, secret: str) -> bool:
        """Whether this is one of the client's secrets, compared in constant time (ASVS 5.0 11.2.4)."""
        given = digest(secret)
        current = secrets.compare_digest(given, bytes(self.secret_digest or b""))
        previous = secrets.compare_digest(given, bytes(self.previous_secret_digest or b""))
        return current or (previous and self.has_two_secrets)

    @property
    def has_unproven_secret(self) -> bool:
        """Whether only another server's hash of the secret is stored, because the secret has not been used here yet."""
        return bool(self.imported_secret) and self.secret_digest is None

    @property
    def has_two_secrets(self) -> bool:
        """Whether the previous secret still works."""
        until = self.previous_secret_expires_at
        return self.previous_secret_digest is not None and until is not None and until > timezone.now()
