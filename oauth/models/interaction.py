"""An authorization request that needs pages, stored until shortly after the user has decided."""

from django.conf import settings
from django.db import models
from django.utils import timezone

from oauth.models.authorization import Authorization


class StoredInteraction(models.Model):
    """Bound to one browser: `browser_digest` is the SHA-256 hash of a cookie that only this browser has.

    `user` is the user to whom the consent page was shown. `answer` is the response to the client, encrypted with a key
    derived from the cookie, so that a double click gets the same response. `authorization` is empty unless the user
    allowed something.

    The foreign keys have no constraints, for the reason in UsedAssertion.
    """

    id = models.CharField(max_length=22, primary_key=True)
    browser_digest = models.BinaryField(max_length=32)
    client = models.ForeignKey(
        settings.OAUTH2_PROVIDER_APPLICATION_MODEL,
        models.DO_NOTHING,
        related_name="+",
        db_constraint=False,
        db_index=False,
    )
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.DO_NOTHING, null=True, related_name="+", db_constraint=False, db_index=False
    )
    request = models.JSONField()
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()
    answered_at = models.DateTimeField(null=True)
    answer = models.BinaryField(default=b"")
    authorization = models.ForeignKey(
        Authorization, models.DO_NOTHING, null=True, related_name="+", db_constraint=False, db_index=False
    )

    class Meta:
        indexes = [
            models.Index(fields=["expires_at"], name="interaction_expiry"),
            models.Index(fields=["user"], name="interaction_answered", condition=models.Q(answered_at__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"interaction of {self.client_id}"

    @property
    def has_expired(self) -> bool:
        return self.expires_at <= timezone.now()
