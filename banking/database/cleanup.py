"""Deletes expired rows, in small batches while the server runs."""

from datetime import timedelta

from django.db import connection, transaction
from django.utils import timezone

from banking.models import AccessCount, ExchangeQuote, LedgerAudit, WebhookDelivery

BATCH = 1000
DELIVERIES_KEPT = timedelta(days=30)
AUDITS_KEPT = timedelta(days=400)
#: How long unused quotes are kept, in case a user asks about them.
QUOTES_KEPT = timedelta(days=30)
#: How long the access journal is kept: more than the year within which users may ask about it.
ACCESS_KEPT = timedelta(days=400)


def delete_expired(*, batch: int = BATCH) -> int:
    """Returns the number of deleted rows."""
    old_audits, _ = LedgerAudit.objects.filter(ended_at__lt=timezone.now() - AUDITS_KEPT).delete()
    parts = (_delete_idempotency_records, _delete_deliveries, _delete_access_counts, _delete_quotes)
    return sum(delete(batch) for delete in parts) + old_audits


def _delete_idempotency_records(batch: int) -> int:
    """The API guarantees to remember a key for seven days, and its transfer forever. The database enforces the seven
    days: the site's role may not delete a record directly (see migrations/rights.sql).
    """
    deleted = 0
    while True:
        with connection.cursor() as cursor:
            cursor.execute("SELECT purge_idempotency_records(%s)", [batch])
            count: int = cursor.fetchone()[0]
        deleted += count
        if count < batch:
            return deleted


def _delete_deliveries(batch: int) -> int:
    deleted = 0
    while True:
        with transaction.atomic():
            old = WebhookDelivery.objects.filter(created_at__lt=timezone.now() - DELIVERIES_KEPT)
            keys = list(old.select_for_update(skip_locked=True).values_list("pk", flat=True)[:batch])
            WebhookDelivery.objects.filter(pk__in=keys).delete()
        deleted += len(keys)
        if len(keys) < batch:
            return deleted


def _delete_access_counts(batch: int) -> int:
    deleted = 0
    while True:
        old = AccessCount.objects.filter(hour__lt=timezone.now() - ACCESS_KEPT).order_by("hour")
        count, _ = AccessCount.objects.filter(pk__in=list(old.values_list("pk", flat=True)[:batch])).delete()
        deleted += count
        if count < batch:
            return deleted


def _delete_quotes(batch: int) -> int:
    """The quotes that were not used. A foreign key prevents the deletion of the others."""
    deleted = 0
    while True:
        old = ExchangeQuote.objects.filter(expires_at__lt=timezone.now() - QUOTES_KEPT, exchange=None)
        keys = list(old.order_by("expires_at").values_list("pk", flat=True)[:batch])
        count, _ = ExchangeQuote.objects.filter(pk__in=keys, exchange=None).delete()
        deleted += count
        if count < batch:
            return deleted
