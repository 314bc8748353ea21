"""Removing what nobody needs any more, in small batches beside the running server."""

from datetime import timedelta

from django.db import connection, transaction
from django.utils import timezone

from banking.models import LedgerAudit, WebhookDelivery

BATCH = 1000
DELIVERIES_KEPT = timedelta(days=30)
AUDITS_KEPT = timedelta(days=400)


def clean_up(*, batch: int = BATCH) -> int:
    """How many rows went."""
    old_audits, _ = LedgerAudit.objects.filter(ended_at__lt=timezone.now() - AUDITS_KEPT).delete()
    return _forget_keys(batch) + _drop_deliveries(batch) + old_audits


def _forget_keys(batch: int) -> int:
    """Published: a key is remembered for seven days, and its transfer for ever. The database knows how long: the site's
    role may not delete a record itself (see migrations/rights.sql)."""
    gone = 0
    while True:
        with connection.cursor() as cursor:
            cursor.execute("SELECT purge_idempotency_records(%s)", [batch])
            [removed] = cursor.fetchone()
        gone += removed
        if removed < batch:
            return gone


def _drop_deliveries(batch: int) -> int:
    gone = 0
    while True:
        with transaction.atomic():
            old = WebhookDelivery.objects.filter(created_at__lt=timezone.now() - DELIVERIES_KEPT)
            keys = list(old.select_for_update(skip_locked=True).values_list("pk", flat=True)[:batch])
            WebhookDelivery.objects.filter(pk__in=keys).delete()
        gone += len(keys)
        if len(keys) < batch:
            return gone
