"""A user's login session as clients see it (`sid`, `auth_time`, `acr`, `amr` of OpenID Connect)."""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import connection, models
from django.utils import timezone
from uuid_utils.compat import uuid7


class Session(models.Model):
    """A logout ends the session and its online access; `sessions.end_access` also ends offline access."""

    class EndReason(models.TextChoices):
        LOGOUT = "logout", "Logged out"
        PASSWORD = "password", "Password changed"
        ADDRESS = "address", "Email address replaced"
        DEACTIVATED = "deactivated", "User deactivated"
        REPLACED = "replaced", "Logged in again"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="oauth_sessions")
    auth_time = models.DateTimeField()
    acr = models.CharField(max_length=100)
    amr = ArrayField(models.CharField(max_length=20), default=list)
    created_at = models.DateTimeField(default=timezone.now)
    # The SHA-256 hash of the key of Django's session, so that parallel tabs find the same row.
    browser_digest = models.BinaryField(max_length=32, null=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    end_reason = models.CharField(max_length=20, choices=EndReason.choices, blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["user"], name="session_live", condition=models.Q(ended_at=None)),
            models.Index(fields=["created_at"], name="session_age"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["browser_digest"], name="session_one_of_a_browser", condition=models.Q(ended_at=None)
            )
        ]

    def __str__(self) -> str:
        return str(self.id)

    def lock_if_open(self) -> bool:
        """Locks the row until the transaction ends, so that a logout waits and then ends what the transaction has
        written. Returns False if the session has ended.

        ASVS 5.0 7.4.1. FOR KEY SHARE conflicts with the lock of a logout, but not with other grants.
        """
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1 FROM oauth_session WHERE id = %s AND ended_at IS NULL FOR KEY SHARE", [self.pk])
            return cursor.fetchone() is not None
