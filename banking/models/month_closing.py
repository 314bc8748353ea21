"""The closed months of accounts, with the balances at which a statement begins and ends. They never change."""

from django.db import models
from uuid_utils.compat import uuid7

from banking.models.account import Account


class MonthClosing(models.Model):
    """The `account_seq` of the account's last entry until the end of the month (0 if there is none), and the balance
    after it. Only the database function close_month writes it. Later entries are booked at `ends_at` or later, so a
    closed month never changes, even if BANK_TIME_ZONE does.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="month_closings", db_index=False)
    month = models.DateField()
    last_seq = models.BigIntegerField()
    closing_minor = models.BigIntegerField()
    ends_at = models.DateTimeField()
    closed_at = models.DateTimeField()

    class Meta:
        db_table = "month_closing"
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["account", "month"], name="month_closed_once")]

    def __str__(self) -> str:
        return f"{self.account_id}: {self.month:%Y-%m}"
