"""Which officer froze an account and which other officer unfroze it."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from uuid_utils.compat import uuid7

from banking.models.account import Account


class AccountFreeze(models.Model):
    """The database refuses an unfreeze by the officer who froze the account or by one with access to it, and any change
    of stored values (migration 0014).
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="freezes")
    reason = models.CharField(max_length=140)
    frozen_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    frozen_at = models.DateTimeField(default=timezone.now)
    unfrozen_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", null=True, blank=True
    )
    unfrozen_at = models.DateTimeField(null=True, blank=True)
    unfreeze_reason = models.CharField(max_length=140, blank=True)

    class Meta:
        db_table = "account_freeze"
        default_permissions = ()
        constraints = [
            models.CheckConstraint(
                name="unfrozen_by_another", condition=Q(unfrozen_by=None) | ~Q(unfrozen_by=F("frozen_by"))
            ),
            models.CheckConstraint(
                name="unfrozen_at_a_time",
                condition=Q(unfrozen_by=None, unfrozen_at=None)
                | Q(unfrozen_by__isnull=False, unfrozen_at__isnull=False),
            ),
            models.UniqueConstraint(fields=["account"], name="frozen_once_at_a_time", condition=Q(unfrozen_by=None)),
        ]

    def __str__(self) -> str:
        return f"{self.account_id}: {self.reason}"
