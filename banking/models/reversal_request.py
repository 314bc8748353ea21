"""Requests to undo a transaction: one officer asks, another one decides."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from uuid_utils.compat import uuid7

from banking.models.ledger import LedgerTransaction


class ReversalRequest(models.Model):
    """The database itself refuses a decision by the officer who asked, a second open request, and any change of what
    was asked or decided (migration 0009)."""

    class Status(models.TextChoices):
        OPEN = "open", _("Waits for a second officer")
        APPROVED = "approved", _("Approved")
        DECLINED = "declined", _("Declined")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    transaction = models.ForeignKey(LedgerTransaction, on_delete=models.PROTECT, related_name="reversal_requests")
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
            ("request_reversal", "Can ask for the reversal of a transaction"),
            ("approve_reversal", "Can approve or decline a reversal that somebody else asked for"),
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
            models.CheckConstraint(name="reversal_for_a_reason", condition=~Q(reason="")),
        ]

    def __str__(self) -> str:
        return f"{self.reason} ({self.get_status_display()})"
