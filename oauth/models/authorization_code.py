"""An authorization code (RFC 6749 §4.1.2): single use, bound to client, redirect URI and PKCE challenge."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils import timezone

from oauth.models.authorization import Authorization
from oauth.models.secret import DigestField


class AuthorizationCode(models.Model):
    """The row is kept after use, so that a second use is detected and ends the authorization."""

    code_digest = DigestField()
    authorization = models.ForeignKey(Authorization, on_delete=models.CASCADE, related_name="codes")
    redirect_uri = models.TextField()
    code_challenge = models.CharField(max_length=43)
    scopes = ArrayField(models.CharField(max_length=100), default=list)
    resources = ArrayField(models.CharField(max_length=255), default=list)
    # RFC 9449 §10: if the client sent `dpop_jkt`, the key that it must prove.
    dpop_jkt = models.CharField(max_length=43, blank=True)
    nonce = models.TextField(blank=True)
    #: The trace of the authorization request (W3C Trace Context), if there was one.
    traceparent = models.CharField(max_length=55, blank=True, default="", db_default="", editable=False)
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()
    consumed_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["expires_at"], name="authorization_code_expiry")]

    def __str__(self) -> str:
        return f"code {self.pk}"
