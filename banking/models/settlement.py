"""Settlement files of the clearing system: their matches with the ledger, and the differences that staff work on."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from uuid_utils.compat import uuid7

from banking.models.account import Account
from banking.models.ledger import LedgerEntry, LedgerTransaction


class SettlementFile(models.Model):
    """A statement of the bank's account at the clearing system (camt.053). The unique id of its message ensures that it
    is read only once.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    message_id = models.CharField(max_length=35)
    digest = models.CharField("SHA-256", max_length=64)
    currency = models.CharField(max_length=3)
    begins_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    entries = models.IntegerField()
    matched = models.IntegerField()
    read_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", null=True, blank=True
    )
    read_at = models.DateTimeField(default=timezone.now)

    class Meta:
        db_table = "settlement_file"
        default_permissions = ("view",)
        permissions = [("read_settlementfile", "Can upload settlement files")]
        constraints = [models.UniqueConstraint(fields=["message_id"], name="settlement_file_once")]

    def __str__(self) -> str:
        return self.message_id


class SettlementMatch(models.Model):
    """An entry of the ledger that a settlement file also has, with the same or another amount. Append-only."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    file = models.ForeignKey(SettlementFile, on_delete=models.PROTECT, related_name="matches")
    entry = models.OneToOneField(LedgerEntry, on_delete=models.PROTECT, related_name="settlement")
    reference = models.CharField(max_length=35, blank=True)

    class Meta:
        db_table = "settlement_match"
        default_permissions = ()

    def __str__(self) -> str:
        return self.reference


class SettlementDifference(models.Model):
    """A difference between a settlement file and the ledger. Amounts have the sign of the account at the clearing
    system: + is money that came in. The amount is None on the side where the item is missing.

    `account` is the bank's own account that differs. One officer asks to move the amount to suspense, and another
    decides. The database refuses the same officer for both, and any other change.
    """

    class Kind(models.TextChoices):
        MISSING_HERE = "missing_here", "In the file, not in the ledger"
        MISSING_THERE = "missing_there", "In the ledger, not in the file"
        AMOUNT = "amount", "Another amount"

    class Status(models.TextChoices):
        OPEN = "open", _("Open")
        ASKED = "asked", _("Waits for a second officer")
        MOVED = "moved", _("Moved to suspense")
        SETTLED = "settled", _("Settled by a later file")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    file = models.ForeignKey(SettlementFile, on_delete=models.PROTECT, related_name="differences")
    kind = models.CharField(max_length=13, choices=Kind.choices)
    currency = models.CharField(max_length=3)
    file_minor = models.BigIntegerField(null=True, blank=True)
    our_minor = models.BigIntegerField(null=True, blank=True)
    reference = models.CharField(max_length=180, blank=True)
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+")
    entry = models.ForeignKey(
        LedgerEntry, on_delete=models.PROTECT, related_name="settlement_differences", null=True, blank=True
    )
    status = models.CharField(max_length=7, choices=Status.choices, default=Status.OPEN)
    reason = models.CharField(max_length=140, blank=True)
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", null=True, blank=True
    )
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", null=True, blank=True
    )
    decided_at = models.DateTimeField(null=True, blank=True)
    transaction = models.OneToOneField(
        LedgerTransaction, on_delete=models.PROTECT, related_name="settlement_difference", null=True, blank=True
    )

    class Meta:
        db_table = "settlement_difference"
        default_permissions = ("view",)
        permissions = [
            ("ask_settlementdifference", "Can ask to move a difference to suspense"),
            ("decide_settlementdifference", "Can approve or decline another officer's request about a difference"),
        ]
        indexes = [
            models.Index(fields=["-id"], name="difference_open", condition=Q(status__in=["open", "asked"])),
        ]
        constraints = [
            models.CheckConstraint(
                name="difference_by_two_officers", condition=Q(decided_by=None) | ~Q(decided_by=F("asked_by"))
            ),
            models.CheckConstraint(
                name="difference_status",
                condition=Q(status="open", asked_by=None, decided_by=None, transaction=None)
                | (Q(status="asked", asked_by__isnull=False, decided_by=None, transaction=None) & ~Q(reason=""))
                | Q(status="moved", asked_by__isnull=False, decided_by__isnull=False, transaction__isnull=False)
                | Q(status="settled", decided_by=None, transaction=None),
            ),
            models.CheckConstraint(
                name="difference_sides",
                condition=Q(kind="missing_here", our_minor=None, file_minor__isnull=False, entry=None)
                | Q(kind="missing_there", file_minor=None, our_minor__isnull=False, entry__isnull=False)
                | Q(kind="amount", file_minor__isnull=False, our_minor__isnull=False, entry__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.reference}"

    @property
    def missing_minor(self) -> int:
        """The amount that the bank's own account lacks to match the file; + is a credit."""
        return (self.our_minor or 0) - (self.file_minor or 0)
