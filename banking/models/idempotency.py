"""The answer to a request with an Idempotency-Key (draft-ietf-httpapi-idempotency-key-header). Kept for 7 days."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Length
from django.utils import timezone

models.CharField.register_lookup(Length)
models.BinaryField.register_lookup(Length)


class IdempotencyRecord(models.Model):
    pk = models.CompositePrimaryKey("client_id", "user_id", "operation", "key")
    client_id = models.CharField(max_length=255)
    # PROTECT: the site's role may not delete records, not even together with their user.
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    operation = models.CharField(max_length=100)
    key = models.CharField(max_length=255)
    fingerprint = models.BinaryField(max_length=32)
    status = models.SmallIntegerField(default=0)
    body = models.JSONField(default=dict)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        db_table = "idempotency_record"
        indexes = [models.Index(fields=["created_at"], name="idempotency_created")]
        constraints = [
            models.CheckConstraint(name="idempotency_key_length", condition=Q(key__length__range=(16, 255))),
        ]

    def __str__(self) -> str:
        return self.key
