"""The same payment twice under different idempotency keys: the payer's own reference for it is the same."""

from datetime import timedelta
from uuid import UUID

from django.utils import timezone
from uuid_utils.compat import uuid7

from banking.models import Transfer
from banking.payments.refusals import DuplicateTransfer

WITHIN = timedelta(seconds=60)


def refuse_duplicate(source_id: UUID, end_to_end_id: str) -> None:
    """Raises DuplicateTransfer. The caller must hold the lock of the source account, so that the second of two parallel
    requests sees the first."""
    # By id, which grows with time and is indexed: an account may have made very many transfers.
    since = uuid7(nanoseconds=int((timezone.now() - WITHIN).timestamp() * 10**9))
    recent = Transfer.objects.filter(source_id=source_id, pk__gt=since, end_to_end_id=end_to_end_id)
    before = recent.exclude(status__in=Transfer.ENDED).values_list("pk", flat=True).first()
    if before is not None:
        raise DuplicateTransfer(field="end_to_end_id", duplicate_of=str(before))
