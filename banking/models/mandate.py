"""Mandates: who may collect money from an account by direct debit."""

from typing import TYPE_CHECKING, Self

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from uuid_utils.compat import uuid7

from banking.models.account import Account

if TYPE_CHECKING:
    from banking.models.account_queryset import AccountQuerySet


class MandateQuerySet(models.QuerySet["Mandate"]):
    def of_accounts(self, accounts: "AccountQuerySet") -> Self:
        return self.filter(account__in=accounts.values("pk"))


class Mandate(models.Model):
    """A creditor's right to collect, as the payment scheme reported it, identified by the creditor's id and reference.
    The creditor and the account of a mandate never change. `collected` is the number of collections; `last_minor` and
    `last_at` are the amount and the time of the last one.
    """

    class Sequence(models.TextChoices):
        ONE_OFF = "one_off", _("Once")
        RECURRING = "recurring", _("Repeatedly")

    class Status(models.TextChoices):
        ACTIVE = "active", _("Active")
        CANCELLED = "cancelled", _("Cancelled")
        COMPLETED = "completed", _("Completed")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="mandates")
    creditor_id = models.CharField(max_length=35)
    reference = models.CharField(max_length=35)
    creditor_name = models.CharField(max_length=140)
    creditor_iban = models.CharField("creditor's IBAN", max_length=34, blank=True)
    sequence = models.CharField(max_length=9, choices=Sequence.choices)
    status = models.CharField(max_length=9, choices=Status.choices, default=Status.ACTIVE)
    collected = models.IntegerField(default=0)
    last_minor = models.BigIntegerField(null=True, blank=True)
    last_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    cancelled_at = models.DateTimeField(null=True, blank=True)

    objects = MandateQuerySet.as_manager()

    class Meta:
        db_table = "mandate"
        default_permissions = ("view",)
        indexes = [models.Index(fields=["account", "-id"], name="mandate_of_account")]
        constraints = [
            models.UniqueConstraint(fields=["creditor_id", "reference"], name="mandate_once"),
            models.CheckConstraint(
                name="mandate_status_known", condition=Q(status__in=["active", "cancelled", "completed"])
            ),
            models.CheckConstraint(
                name="mandate_cancelled_at_a_time",
                condition=Q(status="cancelled", cancelled_at__isnull=False)
                | (~Q(status="cancelled") & Q(cancelled_at=None)),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.creditor_name} {self.reference}"
