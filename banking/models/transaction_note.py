"""A private note of a user about a transaction."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from banking.models.ledger import LedgerTransaction


class TransactionNote(models.Model):
    """Only its author can see the note: no app, and no other user of the account."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="transaction_notes")
    transaction = models.ForeignKey(LedgerTransaction, on_delete=models.PROTECT, related_name="notes")
    text = models.CharField(max_length=280)
    changed_at = models.DateTimeField(default=timezone.now)

    class Meta:
        db_table = "transaction_note"
        constraints = [
            models.UniqueConstraint(fields=["user", "transaction"], name="note_once"),
            models.CheckConstraint(name="note_of_something", condition=~Q(text="")),
        ]

    def __str__(self) -> str:
        return self.text
