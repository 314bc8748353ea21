"""A transfer as its owner sees it; the money itself moves in the ledger."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from uuid_utils.compat import uuid7

from banking.models.account import Account
from banking.models.consent import Consent
from banking.models.ledger import MAX_AMOUNT_MINOR, Hold, LedgerTransaction
from banking.models.scheduled_transfer import ScheduledTransfer


class Transfer(models.Model):
    """Unique by (client, user, key) for ever: a late retry finds the transfer, never makes a second one.

    To an account of this bank it is posted at once. To another bank it is pending, with its money held, until the
    payment scheme has answered; `submitted_at` is when it was handed over and can no longer be cancelled.
    """

    class Status(models.TextChoices):
        PENDING = "pending", _("Pending")
        POSTED = "posted", _("Posted")
        REJECTED = "rejected", _("Rejected")
        CANCELLED = "cancelled", _("Cancelled")
        EXPIRED = "expired", _("Expired")

    #: Nothing moved, and nothing will.
    ENDED = (Status.REJECTED, Status.CANCELLED, Status.EXPIRED)

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    client_id = models.CharField(max_length=255)
    idempotency_key = models.CharField(max_length=255)
    # SHA-256 of the validated request, so that a retry years later is told from another order.
    fingerprint = models.BinaryField(null=True, editable=False)
    source = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="transfers_out")
    destination = models.ForeignKey(
        Account, on_delete=models.PROTECT, related_name="transfers_in", null=True, blank=True
    )
    payee_name = models.CharField(max_length=140, blank=True)
    payee_iban = models.CharField("payee's IBAN", max_length=34, blank=True)
    currency = models.CharField(max_length=3)
    amount_minor = models.BigIntegerField()
    reference = models.CharField(max_length=140)
    end_to_end_id = models.CharField(max_length=35, blank=True)
    status = models.CharField(max_length=9, choices=Status.choices)
    status_reason = models.CharField(max_length=40, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    submitted_at = models.DateTimeField(null=True, blank=True)
    settled_at = models.DateTimeField(null=True, blank=True)
    hold = models.OneToOneField(Hold, on_delete=models.PROTECT, null=True, blank=True)
    transaction = models.OneToOneField(LedgerTransaction, on_delete=models.PROTECT, null=True, blank=True)

    # The consent that allowed this very transfer (RFC 9396), used once; none where a scope allowed it.
    consent = models.OneToOneField(Consent, on_delete=models.PROTECT, null=True, blank=True, related_name="transfer")

    # The order that this was made for, and the day that was due.
    scheduled = models.ForeignKey(
        ScheduledTransfer, on_delete=models.PROTECT, null=True, blank=True, related_name="transfers"
    )
    due_on = models.DateField(null=True, blank=True)

    class Meta:
        db_table = "transfer"
        indexes = [
            models.Index(fields=["user", "-id"], name="transfer_of_user"),
            models.Index(fields=["source", "-id"], name="transfer_of_source"),
            models.Index(fields=["user", "payee_iban", "created_at"], name="transfer_to_payee"),
            models.Index(fields=["created_at"], name="transfer_pending", condition=Q(status="pending")),
            models.Index(fields=["status", "-id"], name="transfer_not_posted", condition=~Q(status="posted")),
        ]
        constraints = [
            models.UniqueConstraint(fields=["client_id", "user", "idempotency_key"], name="transfer_once"),
            models.UniqueConstraint(fields=["scheduled", "due_on"], name="transfer_once_a_day_due"),
            models.CheckConstraint(
                name="transfer_due_of_an_order",
                condition=Q(scheduled=None, due_on=None) | Q(scheduled__isnull=False, due_on__isnull=False),
            ),
            models.CheckConstraint(
                name="transfer_amount_in_range",
                condition=Q(amount_minor__gt=0) & Q(amount_minor__lte=MAX_AMOUNT_MINOR),
            ),
            models.CheckConstraint(
                name="transfer_to_another", condition=Q(destination=None) | ~Q(source=F("destination"))
            ),
            models.CheckConstraint(
                name="transfer_to_somebody",
                condition=Q(destination__isnull=False) | ~Q(payee_iban=""),
            ),
            models.CheckConstraint(
                name="transfer_pending_is_held", condition=~Q(status="pending") | Q(hold__isnull=False)
            ),
            models.CheckConstraint(
                name="transfer_posted_is_in_the_ledger",
                condition=Q(status="posted", transaction__isnull=False)
                | (~Q(status="posted") & Q(transaction__isnull=True)),
            ),
        ]

    def __str__(self) -> str:
        return str(self.id)
