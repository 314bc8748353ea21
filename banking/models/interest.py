"""Interest of each day, and the monthly charges of interest and fees."""

from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import Q
from django.utils import timezone
from uuid_utils.compat import uuid7

from banking.models.account import Account
from banking.models.ledger import LedgerTransaction


class InterestAccrual(models.Model):
    """The interest of one day on the account's balance at the end of the day, by the terms of its product. Append-only.

    The unit is 1 / 365,000,000 of a minor unit, so that the interest of a day (ACT/365) is exact: the balance in minor
    units times the yearly rate in millionths. 5.25 % a year is 52,500 millionths. A day without interest has no row.
    """

    #: Units in a minor unit.
    UNITS = 365 * 10**6

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="accruals", db_index=False)
    day = models.DateField()
    balance_minor = models.BigIntegerField()
    earned_units = models.DecimalField(max_digits=38, decimal_places=0)
    owed_units = models.DecimalField(max_digits=38, decimal_places=0)

    class Meta:
        db_table = "interest_accrual"
        default_permissions = ()
        # Rows are inserted in the order of days.
        indexes = [BrinIndex(fields=["day"], name="accrual_day")]
        constraints = [
            models.UniqueConstraint(fields=["account", "day"], name="accrued_once"),
            models.CheckConstraint(
                name="accrued_on_one_side",
                condition=Q(balance_minor__gt=0, earned_units__gt=0, owed_units=0)
                | Q(balance_minor__lt=0, owed_units__gt=0, earned_units=0),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.account_id} {self.day:%Y-%m-%d}"


class AccountCharge(models.Model):
    """Interest or the fee of one account and month. `amount_minor` is credited to the account, or debited if it is
    negative. It is rounded half to even; the remainder is carried over to the next month as `carried_units`.
    """

    class Kind(models.TextChoices):
        """The kinds are in the order of posting, because earned interest may pay for the fee."""

        INTEREST = "interest", "Interest"
        OVERDRAFT = "overdraft", "Overdraft interest"
        FEE = "fee", "Account fee"

    class Status(models.TextChoices):
        POSTED = "posted", "Posted"
        DUE = "due", "Due: the account cannot pay it yet"
        NOTHING = "nothing", "Nothing to post"
        WAIVED = "waived", "Waived: the account is closed"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="charges", db_index=False)
    month = models.DateField()
    kind = models.CharField(max_length=9, choices=Kind.choices)
    amount_minor = models.BigIntegerField()
    carried_units = models.DecimalField(max_digits=38, decimal_places=0, default=0)
    status = models.CharField(max_length=7, choices=Status.choices)
    reason = models.CharField(max_length=40, blank=True)
    transaction = models.OneToOneField(
        LedgerTransaction, on_delete=models.PROTECT, related_name="charge", null=True, blank=True
    )
    made_at = models.DateTimeField(default=timezone.now)

    class Meta:
        db_table = "account_charge"
        default_permissions = ("view",)
        indexes = [models.Index(fields=["id"], name="charge_due", condition=Q(status="due"))]
        constraints = [
            models.UniqueConstraint(fields=["account", "kind", "month"], name="charged_once"),
            models.CheckConstraint(
                name="charge_posted_has_transaction",
                condition=Q(status="posted", transaction__isnull=False) | (~Q(status="posted") & Q(transaction=None)),
            ),
            models.CheckConstraint(
                name="charge_sign",
                condition=Q(kind="interest") | Q(kind__in=["overdraft", "fee"], amount_minor__lte=0),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.month:%Y-%m}"
