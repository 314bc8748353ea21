"""A user's own notes beside transactions."""

from collections.abc import Collection, Mapping
from uuid import UUID

from django.utils import timezone

from banking.models import TransactionNote


def notes_of(user_id: UUID, transaction_ids: Collection[UUID]) -> Mapping[UUID, str]:
    """The user's notes on these transactions. One query."""
    theirs = TransactionNote.objects.filter(user_id=user_id, transaction_id__in=transaction_ids)
    return dict(theirs.values_list("transaction_id", "text"))


def write_note(user_id: UUID, transaction_id: UUID, text: str) -> None:
    """Replaces the user's note; an empty one removes it."""
    if not text:
        TransactionNote.objects.filter(user_id=user_id, transaction_id=transaction_id).delete()
        return
    TransactionNote.objects.update_or_create(
        user_id=user_id, transaction_id=transaction_id, defaults={"text": text, "changed_at": timezone.now()}
    )
