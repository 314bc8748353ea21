"""Refunds of collections by direct debit: the user's request, and the answer of the creditor's bank."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from uuid_utils.compat import uuid7

from banking.models.ledger import LedgerTransaction
from banking.models.scheme_message import SchemeMessage


class DirectDebitRefund(models.Model):
    """There is at most one refund per collection. `transaction` is the reversal that credited the account.
    `contested_by` is the transaction that moved the amount to suspense after the creditor's bank refused the claim for
    an amount that was already credited. `reason_code` is that bank's code of ISO 20022.
    """

    class Reason(models.TextChoices):
        DISPUTED = "disputed", _("I allowed it, and want the money back")
        UNAUTHORIZED = "unauthorized", _("I never allowed it")

    class Status(models.TextChoices):
        CLAIMED = "claimed", "Claimed; nothing is credited yet"
        REFUNDED = "refunded", "Credited; the creditor's bank has not answered yet"
        SETTLED = "settled", "Credited, and the creditor's bank pays"
        CONTESTED = "contested", "Credited, but the creditor's bank does not pay; in suspense, staff must decide"
        REFUSED = "refused", "Refused by the creditor's bank; nothing was credited"

    #: The creditor's bank has not answered.
    WAITING = (Status.CLAIMED, Status.REFUNDED)

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    collection = models.OneToOneField(SchemeMessage, on_delete=models.PROTECT, related_name="refund")
    reason = models.CharField(max_length=12, choices=Reason.choices)
    status = models.CharField(max_length=9, choices=Status.choices)
    reason_code = models.CharField(max_length=4, blank=True)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    client_id = models.CharField(max_length=255)
    transaction = models.OneToOneField(
        LedgerTransaction, on_delete=models.PROTECT, related_name="direct_debit_refund", null=True, blank=True
    )
    contested_by = models.OneToOneField(
        LedgerTransaction, on_delete=models.PROTECT, related_name="+", null=True, blank=True
    )
    asked_at = models.DateTimeField(default=timezone.now)
    answered_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "direct_debit_refund"
        default_permissions = ("view",)
        indexes = [
            models.Index(
                fields=["-id"], name="refund_open", condition=Q(status__in=["claimed", "refunded", "contested"])
            )
        ]
        constraints = [
            models.CheckConstraint(
                name="refund_status_consistent",
                condition=Q(status="claimed", transaction=None, contested_by=None, answered_at=None)
                | Q(status="refunded", transaction__isnull=False, contested_by=None, answered_at=None)
                | Q(status="settled", transaction__isnull=False, contested_by=None, answered_at__isnull=False)
                | Q(
                    status="contested", transaction__isnull=False, contested_by__isnull=False, answered_at__isnull=False
                )
                | Q(status="refused", transaction=None, contested_by=None, answered_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_reason_display()} ({self.get_status_display()})"
