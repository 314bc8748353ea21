"""Removing what nobody needs any more, in small batches beside the running server."""

from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from banking.models import IdempotencyRecord, WebhookDelivery

BATCH = 1000
#: Published: a key is remembered for so long, and its transfer for ever.
KEYS_KEPT = timedelta(days=7)
DELIVERIES_KEPT = timedelta(days=30)


def clean_up(*, batch: int = BATCH) -> int:
    """How many rows went."""
    now = timezone.now()
    gone = 0
    for rows in (
        IdempotencyRecord.objects.filter(created_at__lt=now - KEYS_KEPT),
        WebhookDelivery.objects.filter(created_at__lt=now - DELIVERIES_KEPT),
    ):
        while True:
            with transaction.atomic():
                keys = list(rows.select_for_update(skip_locked=True).values_list("pk", flat=True)[:batch])
                rows.model._default_manager.filter(pk__in=keys).delete()
            gone += len(keys)
            if len(keys) < batch:
                break
    return gone
