"""Bank days, and the progress of closing each."""

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from uuid_utils.compat import uuid7

from banking.models.account import Account


class BankDay(models.Model):
    """A day of BANK_TIME_ZONE. `ends_at` is exclusive and stays as it was when the day was opened. A closed day is
    final: a trigger refuses any change."""

    class Status(models.TextChoices):
        OPEN = "open", _("Open")
        CLOSING = "closing", _("Being closed")
        CLOSED = "closed", _("Closed")

    day = models.DateField(primary_key=True)
    ends_at = models.DateTimeField()
    status = models.CharField(max_length=7, choices=Status.choices, default=Status.OPEN)
    opened_at = models.DateTimeField(default=timezone.now)
    closed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "bank_day"
        default_permissions = ("view",)
        constraints = [
            models.CheckConstraint(
                name="bank_day_status",
                condition=Q(status__in=["open", "closing"], closed_at=None)
                | Q(status="closed", closed_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.day:%Y-%m-%d}"


class DayStep(models.Model):
    """One step of closing a day. After an interruption, it continues at `reached`. `result` describes what was done,
    and `error` why the step failed the last time.
    """

    class Name(models.TextChoices):
        """The steps, in order."""

        TRIAL_BALANCE = "trial_balance", "Trial balance"
        INTEREST = "interest", "Interest of the day"
        CHARGES = "charges", "Interest and fees of the month"
        DUE = "due", "Charges that were due"
        MONTHS = "months", "Closed months, for their statements"
        AUDIT = "audit", "Audit of the whole ledger, and its digest"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    day = models.ForeignKey(BankDay, on_delete=models.PROTECT, related_name="steps", db_index=False)
    name = models.CharField(max_length=20, choices=Name.choices)
    attempts = models.IntegerField(default=0)
    reached = models.UUIDField(null=True, blank=True)
    done_at = models.DateTimeField(null=True, blank=True)
    result = models.CharField(max_length=200, blank=True)
    failed_at = models.DateTimeField(null=True, blank=True)
    error = models.TextField(blank=True)

    class Meta:
        db_table = "bank_day_step"
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["day", "name"], name="day_step_once")]

    def __str__(self) -> str:
        return self.get_name_display()


class TrialBalanceLine(models.Model):
    """The balance of an account of the bank, or of all customers together, at the end of a day: as debit or credit, in
    minor units. A positive balance is a credit. Append-only.
    """

    class Group(models.TextChoices):
        INTERNAL = "internal", "Account of the bank"
        CUSTOMERS_IN_CREDIT = "credit", "Customers in credit"
        CUSTOMERS_OVERDRAWN = "overdrawn", "Customers overdrawn"
        # The sum of transactions with one entry booked before midnight and the other after it.
        IN_TRANSIT = "transit", "Booked across midnight"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    day = models.ForeignKey(BankDay, on_delete=models.PROTECT, related_name="trial_balance", db_index=False)
    currency = models.CharField(max_length=3)
    group = models.CharField(max_length=9, choices=Group.choices)
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+", null=True, blank=True)
    name = models.CharField(max_length=100)
    accounts = models.BigIntegerField()
    debit_minor = models.DecimalField(max_digits=30, decimal_places=0)
    credit_minor = models.DecimalField(max_digits=30, decimal_places=0)

    class Meta:
        db_table = "trial_balance_line"
        default_permissions = ("view",)
        ordering = ["currency", "group", "name"]
        constraints = [
            models.UniqueConstraint(
                fields=["day", "currency", "group", "account"], name="trial_balance_once", nulls_distinct=False
            ),
            models.CheckConstraint(
                name="trial_balance_one_side",
                condition=Q(debit_minor=0, credit_minor__gte=0) | Q(credit_minor=0, debit_minor__gt=0),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.currency} {self.name}"
