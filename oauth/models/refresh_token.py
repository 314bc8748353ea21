"""A refresh token (RFC 6749 §6) and its place in the family of an Authorization."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils import timezone

from oauth.models.authorization import Authorization
from oauth.models.secret import DigestField


class RefreshToken(models.Model):
    """`superseded_at` and `replaces` record rotation. Change a row only under the lock of its authorization."""

    token_digest = DigestField()
    authorization = models.ForeignKey(Authorization, on_delete=models.CASCADE, related_name="refresh_tokens")
    scopes = ArrayField(models.CharField(max_length=100), default=list)
    resources = ArrayField(models.CharField(max_length=255), default=list)
    # RFC 9449 §5: a public client's token is bound to its key, `{"jkt": ...}`; then it need not be rotated.
    confirmation = models.JSONField(default=dict, blank=True)
    generation = models.PositiveIntegerField(default=0)
    replaces = models.ForeignKey("self", on_delete=models.SET_NULL, null=True, related_name="successors")
    # The id of the token that was used twice within the retry window, as long as several branches of it may go on.
    fork = models.BigIntegerField(null=True, editable=False)
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()
    first_used_at = models.DateTimeField(null=True, blank=True)
    superseded_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [models.Index(fields=["expires_at"], name="refresh_token_expiry")]

    def __str__(self) -> str:
        return f"refresh token {self.pk}"
