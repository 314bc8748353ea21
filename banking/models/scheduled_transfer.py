"""A payment order: a transfer on a later day, or a repeated one (a standing order)."""

from datetime import date, timedelta

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from banking.models.account import Account
from banking.models.ledger import MAX_AMOUNT_MINOR
from banking.models.payment import Payment, PaymentQuerySet
from banking.models.schedule import (
    MAX_INTERVAL,
    MOST_DAYS_CLOSED,
    ExecutionRule,
    Frequency,
    Schedule,
    expected_on,
    in_words,
    pays_on,
)
from banking.notation import bank_day


class ScheduledTransferQuerySet(PaymentQuerySet["ScheduledTransfer"]):
    pass


class ScheduledTransfer(Payment):
    """The background worker makes one Transfer for each day that is due, exactly once. `next_on` is the next due day of
    the schedule; `pays_on` is the business day on which that payment is made.

    If the bank refuses the transfer for a reason that may pass, it is tried again on the same day: `refusal` is the
    code of the reason, `tried_on` the day, and `retry_at` the time of the next attempt.
    """

    Frequency = Frequency
    ExecutionRule = ExecutionRule

    class Status(models.TextChoices):
        ACTIVE = "active", "Active"
        HELD = "held", "On hold"
        COMPLETED = "completed", "Completed"
        CANCELLED = "cancelled", "Cancelled"

    class HeldReason(models.TextChoices):
        """Why the order is on hold. Its user can resume it, unless staff put it on hold: then only staff can release
        it.
        """

        PAUSED = "paused", _("It is paused")
        USER_INACTIVE = "inactive", _("Your user account was disabled")
        APP_REMOVED = "app_removed", _("The app that set it up was removed")
        APP_DISABLED = "app_disabled", _("The app that set it up is disabled")
        APP_NARROWED = "app_narrowed", _("The app that set it up may no longer pay from this account")
        STAFF = "staff", _("The bank holds it; please contact us")

    class EndReason(models.TextChoices):
        """Why the bank ended the order; empty if its user or staff did."""

        ACCOUNT_CLOSED = "account_closed", _("The account that pays is closed")
        PAYEE_CLOSED = "payee_closed", _("The account that is paid is closed")
        ACCESS_ENDED = "access_ended", _("You no longer have access to one of its accounts")

    class NotPaid(models.TextChoices):
        """Why a payment that was due was not made. The code of a Refusal is possible, too."""

        INSUFFICIENT_FUNDS = "insufficient_funds", _("There was not enough money in the account")
        ACCOUNT_NOT_OPEN = "account_not_open", _("An account was frozen")
        ACCOUNT_DORMANT = "account_dormant", _("The account had not been used for a long time")
        LIMIT_EXCEEDED = "limit_exceeded", _("A limit was reached")
        OWN_LIMIT_EXCEEDED = "own_limit_exceeded", _("The limit that you set for payments to others was reached")
        PAYEE_UNREACHABLE = "payee_unreachable", _("The payee could not be reached")
        BALANCE_OUT_OF_RANGE = "balance_out_of_range", _("An account cannot hold more")
        MISSED = "missed", _("The bank could not make payments on that day")

    #: The states in which the user may cancel the order.
    OPEN = (Status.ACTIVE, Status.HELD)

    source = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="scheduled_transfers")
    destination = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+", null=True, blank=True)
    frequency = models.CharField(max_length=9, choices=Frequency.choices)
    # Interval, as a number of days, weeks or months.
    interval = models.PositiveSmallIntegerField(default=1, db_default=1)
    execution_rule = models.CharField(
        max_length=9, choices=ExecutionRule.choices, default=ExecutionRule.SAME_DAY, db_default=ExecutionRule.SAME_DAY
    )
    first_on = models.DateField()
    last_on = models.DateField(null=True, blank=True)
    next_on = models.DateField(null=True, blank=True)
    status = models.CharField(max_length=9, choices=Status.choices, default=Status.ACTIVE)
    held_reason = models.CharField(max_length=12, choices=HeldReason.choices, blank=True, db_default="")
    # Why the order stays on hold after staff release it: the reason before them, or that its app was removed since.
    hold_after_release = models.CharField(max_length=12, choices=HeldReason.choices, blank=True, db_default="")
    # When the user resumed the order. Since then it is independent of the app that set it up.
    resumed_at = models.DateTimeField(null=True, blank=True)
    end_reason = models.CharField(max_length=14, choices=EndReason.choices, blank=True, db_default="")
    refusal = models.CharField(max_length=40, blank=True, db_default="")
    tried_on = models.DateField(null=True, blank=True)
    retry_at = models.DateTimeField(null=True, blank=True)

    objects = ScheduledTransferQuerySet.as_manager()

    class Meta:
        db_table = "scheduled_transfer"
        permissions = [("hold_scheduledtransfer", "Can hold, release and cancel payment orders")]
        indexes = [
            models.Index(fields=["source", "-id"], name="scheduled_of_source"),
            models.Index(fields=["next_on"], name="scheduled_due", condition=Q(status="active")),
            models.Index(
                fields=["next_on"],
                name="scheduled_due_before",
                condition=Q(status="active", execution_rule=ExecutionRule.PRECEDING),
            ),
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
                name="scheduled_interval_in_range", condition=Q(interval__gte=1) & Q(interval__lte=MAX_INTERVAL)
            ),
            models.CheckConstraint(
                name="scheduled_active_has_a_day",
                condition=Q(status="active", next_on__isnull=False) | (~Q(status="active") & Q(next_on=None)),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.reference} {self.rhythm}"

    @property
    def rhythm(self) -> str:
        """A description of how often the order pays."""
        return in_words(self.frequency, self.interval)

    @property
    def payee(self) -> str:
        """The name of the payee."""
        return self.payee_name or (self.destination.name if self.destination else self.payee_iban)

    @property
    def refusal_in_words(self) -> str:
        known = dict(self.NotPaid.choices)
        return str(known.get(self.refusal, _("The bank refused it")))

    @property
    def schedule(self) -> Schedule:
        return Schedule(self.frequency, self.interval, self.first_on, self.last_on)

    @property
    def pays_on(self) -> date | None:
        """The day of the next payment."""
        return expected_on(self.next_on, self.execution_rule, today=bank_day.today()) if self.next_on else None

    def first_from(self, today: date, *, after: date | None) -> date | None:
        """The first due day after `after`, the last day whose transfer was made, that has not passed: today, a later
        day, or one whose payment has moved to today or later. Days that passed while the order was on hold are skipped;
        a single payment is due today instead.
        """
        if self.frequency == Frequency.ONCE:
            return max(self.first_on, today) if after is None else None
        earliest = today - MOST_DAYS_CLOSED - timedelta(days=1)
        day = self.schedule.first_after(earliest if after is None else max(after, earliest))
        while day is not None and max(day, pays_on(day, self.execution_rule)) < today:
            day = self.schedule.first_after(day)
        return day

    def day_after(self, day: date) -> date | None:
        """The next due day; None after the last."""
        return self.schedule.first_after(day)
