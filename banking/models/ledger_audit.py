"""The findings of each audit of the ledger."""

from django.db import models
from django.utils import timezone


class LedgerAudit(models.Model):
    """`differences`: statement -> the rows that contradict it, as text; without rows, the statement is true. `is_whole`
    says that the whole ledger was checked, not only new rows. `checkpoint` is where the next audit continues; empty if
    there are differences. `digest` is the line for LEDGER_DIGEST_FILE; empty without new entries. Both are signed.
    """

    ended_at = models.DateTimeField(default=timezone.now)
    seconds = models.FloatField()
    differences = models.JSONField()
    is_whole = models.BooleanField(default=True, db_default=True)
    checkpoint = models.TextField(blank=True, db_default="")
    digest = models.TextField(blank=True, db_default="")

    class Meta:
        db_table = "ledger_audit"
        indexes = [models.Index(fields=["ended_at"], name="ledger_audit_ended")]

    def __str__(self) -> str:
        return f"{self.ended_at:%Y-%m-%d %H:%M}"

    @property
    def is_clean(self) -> bool:
        return not any(self.differences.values())
