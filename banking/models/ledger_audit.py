"""The findings of each audit of the ledger."""

from django.db import models
from django.utils import timezone


class LedgerAudit(models.Model):
    """`differences`: statement -> the rows that contradict it, as text; without rows, it holds."""

    ended_at = models.DateTimeField(default=timezone.now)
    seconds = models.FloatField()
    differences = models.JSONField()

    class Meta:
        db_table = "ledger_audit"
        indexes = [models.Index(fields=["ended_at"], name="ledger_audit_ended")]

    def __str__(self) -> str:
        return f"{self.ended_at:%Y-%m-%d %H:%M}"

    @property
    def is_clean(self) -> bool:
        return not any(self.differences.values())
