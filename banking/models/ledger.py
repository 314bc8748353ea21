"""The double-entry ledger: append-only, each transaction balanced and sealed.

`ledger_transaction.id` is a deferred foreign key to `ledger_seal`, and the database accepts a seal only if the entries
sum to zero. Therefore no role can commit a transaction that is unbalanced or unsealed.
"""

from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from uuid_utils.compat import uuid7

from banking.models.account import Account
from banking.notation import amounts

# Below 2^53, so that every JSON parser keeps it exact.
MAX_AMOUNT_MINOR = 10**15
#: The maximum of a bigint, which is above every `account_seq`.
MAX_SEQ = 2**63 - 1


class LedgerTransaction(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    currency = models.CharField(max_length=3)
    kind = models.CharField(max_length=30)
    description = models.CharField(max_length=140)
    created_at = models.DateTimeField(default=timezone.now)
    # In the database, the unique index contains only transactions that reverse another (migrations 0059 and 0060).
    reverses = models.OneToOneField("self", on_delete=models.PROTECT, null=True, related_name="reversed_by")
    # The exchange of which this transaction is one half. Without an index, because the exchange names both halves, and
    # without a foreign key: the trigger half_has_its_exchange checks more.
    exchange = models.ForeignKey(
        "banking.Exchange", on_delete=models.PROTECT, null=True, blank=True, related_name="+", db_index=False,
        db_constraint=False,
    )  # fmt: skip

    class Meta:
        db_table = "ledger_transaction"
        constraints = [
            models.UniqueConstraint(fields=["id", "currency"], name="transaction_id_currency"),
            models.CheckConstraint(name="reverses_another", condition=Q(reverses=None) | ~Q(reverses=F("id"))),
        ]

    def __str__(self) -> str:
        return f"{self.kind}: {self.description}"


class LedgerEntry(models.Model):
    """An entry is one side of a transaction. The trigger entry_apply sets `account_seq`, `balance_after_minor` and
    `booked_at`. A later entry never has an earlier time. `value_date` is the day that counts for interest; None for
    entries that are older than this column.
    """

    # No separate constraints and indexes: these columns are in the foreign keys entry_transaction_currency and
    # entry_account_currency, and in the unique constraints.
    transaction = models.ForeignKey(
        LedgerTransaction, on_delete=models.PROTECT, related_name="entries", db_constraint=False, db_index=False
    )
    account = models.ForeignKey(
        Account, on_delete=models.PROTECT, related_name="entries", db_constraint=False, db_index=False
    )
    currency = models.CharField(max_length=3)
    amount_minor = models.BigIntegerField()
    account_seq = models.BigIntegerField()
    balance_after_minor = models.BigIntegerField()
    counterparty_name = models.CharField(max_length=140, blank=True)
    counterparty_iban = models.CharField(max_length=34, blank=True)
    booked_at = models.DateTimeField(default=timezone.now)
    value_date = models.DateField(null=True, blank=True)

    class Meta:
        db_table = "ledger_entry"
        verbose_name_plural = "ledger entries"
        indexes = [
            models.Index(fields=["account", "booked_at", "account_seq"], name="entry_of_account_by_time"),
            # Indexes for the filter `direction`. Each entry is in one of them.
            models.Index(fields=["account", "account_seq"], name="entry_in", condition=Q(amount_minor__gt=0)),
            models.Index(fields=["account", "account_seq"], name="entry_out", condition=Q(amount_minor__lt=0)),
        ]
        constraints = [
            models.UniqueConstraint(fields=["account", "account_seq"], name="entry_account_seq"),
            models.UniqueConstraint(fields=["transaction", "account"], name="entry_once_per_account"),
            models.CheckConstraint(
                name="entry_amount_in_range",
                condition=~Q(amount_minor=0)
                & Q(amount_minor__gte=-MAX_AMOUNT_MINOR)
                & Q(amount_minor__lte=MAX_AMOUNT_MINOR),
            ),
        ]

    def __str__(self) -> str:
        return amounts.with_code(self.currency, self.amount_minor)


class LedgerSeal(models.Model):
    """Marks a transaction as complete. Inserted last; no entry may follow."""

    transaction = models.OneToOneField(
        LedgerTransaction, on_delete=models.PROTECT, primary_key=True, related_name="seal"
    )
    entries = models.IntegerField()

    class Meta:
        db_table = "ledger_seal"
        constraints = [models.CheckConstraint(name="seal_two_entries", condition=Q(entries__gte=2))]

    def __str__(self) -> str:
        return str(self.pk)


class Hold(models.Model):
    """Reserved money: pending until the hold is captured, released or expired, once."""

    class Status(models.TextChoices):
        PENDING = "pending", "Pending"
        CAPTURED = "captured", "Captured"
        RELEASED = "released", "Released"
        EXPIRED = "expired", "Expired"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="holds")
    amount_minor = models.BigIntegerField()
    status = models.CharField(max_length=8, choices=Status.choices, default=Status.PENDING)
    expires_at = models.DateTimeField()
    captured_by = models.OneToOneField(LedgerTransaction, on_delete=models.PROTECT, null=True, blank=True)

    class Meta:
        db_table = "hold"
        indexes = [
            models.Index(fields=["status", "-id"], name="hold_not_captured", condition=~Q(status="captured")),
            models.Index(fields=["account", "-id"], name="hold_of_account"),
        ]
        constraints = [
            models.CheckConstraint(
                name="hold_status_known",
                condition=Q(status__in=["pending", "captured", "released", "expired"]),
            ),
            models.CheckConstraint(name="hold_amount_positive", condition=Q(amount_minor__gt=0)),
            models.CheckConstraint(
                name="hold_captured_by_transaction",
                condition=Q(status="captured", captured_by__isnull=False)
                | (~Q(status="captured") & Q(captured_by__isnull=True)),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_status_display()}, until {self.expires_at:%Y-%m-%d %H:%M}"
