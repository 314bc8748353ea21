"""Requests that need two officers: to reverse a transaction, or to take the held money of a transfer for which the
other bank was paid. One officer asks, another decides.
"""

from uuid import UUID

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from uuid_utils.compat import uuid7

from banking.models.account import Account
from banking.models.ledger import LedgerEntry, LedgerTransaction
from banking.models.transfer import Transfer


class ReversalRequest(models.Model):
    """Is about one `transaction` that is to be reversed, or one `transfer` whose held money goes to suspense;
    `reversal` is the transaction that carries it out. An approved request may debit a frozen account. The database
    refuses a decision by the officer who asked, a second open request, and any change of a request or decision
    (migrations 0009, 0018). `reason` is for officers; customers never see it.
    """

    class Status(models.TextChoices):
        OPEN = "open", _("Waits for a second officer")
        APPROVED = "approved", _("Approved")
        DECLINED = "declined", _("Declined")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    transaction = models.ForeignKey(
        LedgerTransaction, on_delete=models.PROTECT, related_name="reversal_requests", null=True, blank=True
    )
    transfer = models.ForeignKey(
        Transfer, on_delete=models.PROTECT, related_name="reversal_requests", null=True, blank=True
    )
    reason = models.CharField(max_length=140)
    requested_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    requested_at = models.DateTimeField(default=timezone.now)
    status = models.CharField(max_length=8, choices=Status.choices, default=Status.OPEN)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", null=True, blank=True
    )
    decided_at = models.DateTimeField(null=True, blank=True)
    decision_reason = models.CharField(max_length=140, blank=True)
    reversal = models.OneToOneField(
        LedgerTransaction, on_delete=models.PROTECT, related_name="reversal_request", null=True, blank=True
    )

    class Meta:
        db_table = "reversal_request"
        default_permissions = ("view",)
        permissions = [
            (
                "request_reversal",
                "Can ask for a reversal, or to take held money for a payment that another bank received",
            ),
            ("approve_reversal", "Can approve or decline another officer's request for a reversal or held money"),
        ]
        indexes = [
            models.Index(fields=["-id"], name="reversal_open", condition=Q(status="open")),
        ]
        constraints = [
            models.CheckConstraint(
                name="reversal_by_two_people", condition=Q(decided_by=None) | ~Q(decided_by=F("requested_by"))
            ),
            models.UniqueConstraint(
                fields=["transaction"], name="reversal_asked_once_at_a_time", condition=Q(status="open")
            ),
            models.CheckConstraint(
                name="reversal_status_consistent",
                condition=Q(status="open", decided_by=None, decided_at=None, reversal=None)
                | Q(status="approved", decided_by__isnull=False, decided_at__isnull=False, reversal__isnull=False)
                | Q(status="declined", decided_by__isnull=False, decided_at__isnull=False, reversal=None),
            ),
            models.CheckConstraint(
                name="reversal_of_one_thing",
                condition=Q(transaction=None, transfer__isnull=False) | Q(transaction__isnull=False, transfer=None),
            ),
            models.UniqueConstraint(
                fields=["transfer"], name="capture_asked_once_at_a_time", condition=Q(status="open")
            ),
            models.CheckConstraint(name="reversal_for_a_reason", condition=~Q(reason="")),
        ]

    def __str__(self) -> str:
        return f"{self.reason} ({self.get_status_display()})"

    @property
    def accounts(self) -> list[UUID]:
        """The accounts with entries in the transaction, or of the transfer."""
        if self.transfer is not None:
            return [pk for pk in (self.transfer.source_id, self.transfer.destination_id) if pk]
        return list(LedgerEntry.objects.filter(transaction=self.transaction_id).values_list("account_id", flat=True))

    @property
    def holders(self) -> list[UUID]:
        """The users who own one of these accounts."""
        owned = Account.objects.filter(pk__in=self.accounts, holder__isnull=False)
        return list(owned.values_list("holder_id", flat=True))
