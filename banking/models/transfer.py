"""A transfer, as its user sees it. The ledger has the entries that move the money."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from banking.models.account import Account
from banking.models.consent import Consent
from banking.models.ledger import MAX_AMOUNT_MINOR, Hold, LedgerTransaction
from banking.models.payment import Payment, PaymentQuerySet
from banking.models.scheduled_transfer import ScheduledTransfer
from banking.notation import amounts


class TransferQuerySet(PaymentQuerySet["Transfer"]):
    pass


class Transfer(Payment):
    """Unique by (client, user, key) forever, so that a late retry finds the transfer and never makes a second one.

    A transfer within this bank is posted immediately. A transfer to another bank is pending, with its money held, until
    the payment scheme has answered. `submitted_at` is when it was handed over; from then on it cannot be cancelled. A
    posted transfer is returned if the other bank sends the money back. `reason_code` is that bank's code of ISO 20022.
    """

    class Status(models.TextChoices):
        PENDING = "pending", _("Pending")
        POSTED = "posted", _("Posted")
        REJECTED = "rejected", _("Rejected")
        CANCELLED = "cancelled", _("Cancelled")
        EXPIRED = "expired", _("Expired")
        RETURNED = "returned", _("Returned")

    #: The states in which no money has moved or will move. A returned transfer has moved its money twice.
    ENDED = (Status.REJECTED, Status.CANCELLED, Status.EXPIRED)

    # No separate indexes: `transfer_of_user` and `transfer_of_source` begin with these columns.
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", db_index=False)
    source = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="transfers_out", db_index=False)
    destination = models.ForeignKey(
        Account, on_delete=models.PROTECT, related_name="transfers_in", null=True, blank=True
    )
    end_to_end_id = models.CharField(max_length=35, blank=True)
    status = models.CharField(max_length=9, choices=Status.choices)
    status_reason = models.CharField(max_length=40, blank=True)
    reason_code = models.CharField(max_length=4, blank=True, default="", db_default="")
    submitted_at = models.DateTimeField(null=True, blank=True)
    settled_at = models.DateTimeField(null=True, blank=True)
    # The time of the last change, set by the trigger transfer_updated; None if the transfer is older than this column.
    updated_at = models.DateTimeField(null=True, blank=True, editable=False)
    hold = models.OneToOneField(Hold, on_delete=models.PROTECT, null=True, blank=True)
    transaction = models.OneToOneField(LedgerTransaction, on_delete=models.PROTECT, null=True, blank=True)

    # The consent to exactly this transfer (RFC 9396), which is used once; None if a scope allowed it.
    consent = models.OneToOneField(Consent, on_delete=models.PROTECT, null=True, blank=True, related_name="transfer")

    # The payment order that made this transfer, and the due day. No separate index: `transfer_once_a_day_due` begins
    # with this column.
    scheduled = models.ForeignKey(
        ScheduledTransfer, on_delete=models.PROTECT, null=True, blank=True, related_name="transfers", db_index=False
    )
    due_on = models.DateField(null=True, blank=True)

    objects = TransferQuerySet.as_manager()

    class Meta:
        db_table = "transfer"
        indexes = [
            models.Index(fields=["user", "-id"], name="transfer_of_user"),
            models.Index(fields=["source", "-id"], name="transfer_of_source"),
            models.Index(fields=["source", "-id"], name="transfer_unpaid_of_source", condition=~Q(status="posted")),
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
                condition=Q(status__in=["posted", "returned"], transaction__isnull=False)
                | (~Q(status__in=["posted", "returned"]) & Q(transaction__isnull=True)),
            ),
        ]

    def __str__(self) -> str:
        return f"{amounts.with_code(self.currency, self.amount_minor)} {self.reference}"
