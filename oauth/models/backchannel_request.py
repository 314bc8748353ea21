"""A backchannel authentication request of a client (OpenID Connect CIBA Core 1.0)."""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils import timezone
from uuid_utils.compat import uuid7

from oauth.models.authorization import Authorization
from oauth.models.secret import DigestField


class BackchannelRequest(models.Model):
    """`user` is empty if the hint matches no user who may be asked. The client gets no error, and the request expires.

    The client identifies the request by `auth_req_id`, of which only the digest is stored. In ping mode, `auth_req_id`
    and the client's token are also stored until the client has been notified (§10.2).
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    request_digest = DigestField()
    client = models.ForeignKey(settings.OAUTH2_PROVIDER_APPLICATION_MODEL, on_delete=models.CASCADE, related_name="+")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, null=True, related_name="+")
    # The digest of the hint, to count requests even if the hint matches no user.
    hint_digest = models.BinaryField(max_length=32, null=True, editable=False)
    scopes = ArrayField(models.CharField(max_length=100), default=list)
    resources = ArrayField(models.CharField(max_length=255), default=list)
    acr_values = ArrayField(models.CharField(max_length=100), default=list)
    binding_message = models.CharField(max_length=60, blank=True)
    auth_req_id = models.CharField(max_length=64, blank=True, editable=False)
    client_notification_token = models.CharField(max_length=1024, blank=True, editable=False)
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()
    interval_seconds = models.PositiveSmallIntegerField()
    last_polled_at = models.DateTimeField(null=True)
    denied_at = models.DateTimeField(null=True)
    authorization = models.OneToOneField(Authorization, on_delete=models.CASCADE, null=True, related_name="+")
    consumed_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["expires_at"], name="backchannel_request_expiry"),
            models.Index(
                fields=["user"],
                name="backchannel_request_open",
                condition=models.Q(denied_at=None, authorization=None),
            ),
            models.Index(
                fields=["hint_digest"],
                name="backchannel_request_hint",
                condition=models.Q(denied_at=None, authorization=None),
            ),
        ]

    def __str__(self) -> str:
        return f"back-channel request {self.pk}"
