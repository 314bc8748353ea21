"""An access token of another server that is accepted until it expires (`status.imported_access_tokens`)."""

from django.contrib.postgres.fields import ArrayField
from django.db import models

from oauth.models.authorization import Authorization
from oauth.models.client import Client
from oauth.models.secret import DigestField


class ImportedAccessToken(models.Model):
    """Only an import writes these rows. This server's own access tokens are JWTs and have no rows.

    `authorization` is None if the client acts on its own behalf.
    """

    token_digest = DigestField()
    client = models.ForeignKey(Client, on_delete=models.CASCADE, related_name="+")
    authorization = models.ForeignKey(Authorization, on_delete=models.CASCADE, null=True, related_name="+")
    scopes = ArrayField(models.CharField(max_length=100), default=list)
    resources = ArrayField(models.CharField(max_length=255), default=list)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["expires_at"], name="imported_access_token_expiry")]

    def __str__(self) -> str:
        return f"imported access token {self.pk}"
