"""A payment order: a transfer on a later day, or a repeated one (a standing order)."""

import calendar
from datetime import date, timedelta

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from banking.models.account import Account
from banking.models.ledger import MAX_AMOUNT_MINOR
from banking.models.payment import Payment, PaymentQuerySet


class ScheduledTransferQuerySet(PaymentQuerySet["ScheduledTransfer"]):
    pass


class ScheduledTransfer(Payment):
    """The background worker makes one Transfer for each day that is due, exactly once. `next_on` is the next such
    day."""

    class Frequency(models.TextChoices):
        ONCE = "once", _("Once")
        WEEKLY = "weekly", _("Every week")
        MONTHLY = "monthly", _("Every month")

    class Status(models.TextChoices):
        ACTIVE = "active", "Active"
        HELD = "held", "On hold"
        COMPLETED = "completed", "Completed"
        CANCELLED = "cancelled", "Cancelled"

    class HeldReason(models.TextChoices):
        """Why the order pays nothing. Its user resumes it; an order that staff hold is released by staff."""

        APP_REMOVED = "app_removed", _("The app that set it up was removed")
        APP_DISABLED = "app_disabled", _("The app that set it up is disabled")
        STAFF = "staff", _("The bank holds it; please contact us")

    #: The states in which its user may cancel it.
    OPEN = (Status.ACTIVE, Status.HELD)

    source = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="scheduled_transfers")
    destination = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+", null=True, blank=True)
    frequency = models.CharField(max_length=7, choices=Frequency.choices)
    first_on = models.DateField()
    last_on = models.DateField(null=True, blank=True)
    next_on = models.DateField(null=True, blank=True)
    status = models.CharField(max_length=9, choices=Status.choices, default=Status.ACTIVE)
    held_reason = models.CharField(max_length=12, choices=HeldReason.choices, blank=True, db_default="")
    # When the user resumed it. From then on it goes on without the app that set it up.
    resumed_at = models.DateTimeField(null=True, blank=True)

    objects = ScheduledTransferQuerySet.as_manager()

    class Meta:
        db_table = "scheduled_transfer"
        permissions = [("hold_scheduledtransfer", "Can hold, release and cancel payment orders")]
        indexes = [
            models.Index(fields=["source", "-id"], name="scheduled_of_source"),
            models.Index(fields=["next_on"], name="scheduled_due", condition=Q(status="active")),
        ]
        constraints = [
            models.UniqueConstraint(fields=["client_id", "user", "idempotency_key"], name="scheduled_once"),
            models.CheckConstraint(
                name="scheduled_amount_in_range",
                condition=Q(amount_minor__gt=0) & Q(amount_minor__lte=MAX_AMOUNT_MINOR),
            ),
            models.CheckConstraint(
                name="scheduled_to_another", condition=Q(destination=None) | ~Q(source=F("destination"))
            ),
            models.CheckConstraint(
                name="scheduled_active_has_a_day",
                condition=Q(status="active", next_on__isnull=False) | (~Q(status="active") & Q(next_on=None)),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.reference} {self.get_frequency_display()}"

    def first_from(self, today: date, *, after: date | None) -> date | None:
        """The first day that is due, today or later and later than `after`, the last day that was made. Days that
        passed while the order was on hold are skipped."""
        day: date | None = self.first_on
        if self.frequency == self.Frequency.ONCE:
            return max(self.first_on, today) if after is None else None
        while day is not None and (day < today or (after is not None and day <= after)):
            day = self.day_after(day)
        return day

    def day_after(self, day: date) -> date | None:
        """The next day that the order is due; None after the last. In a shorter month, the 31st is its last day."""
        if self.frequency == self.Frequency.ONCE:
            return None
        following = day + timedelta(days=7)
        if self.frequency == self.Frequency.MONTHLY:
            year, month = day.year + day.month // 12, day.month % 12 + 1
            following = date(year, month, min(self.first_on.day, calendar.monthrange(year, month)[1]))
        return following if self.last_on is None or following <= self.last_on else None
