"""A change of an account that one officer asks for and another approves or declines: a higher overdraft, or access
for a user.
"""

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from uuid_utils.compat import uuid7

from banking.models.account import Account
from banking.models.ledger import MAX_AMOUNT_MINOR
from banking.models.role import Role


class AccountChange(models.Model):
    """Has either `overdraft_minor`, or `user` and `role`. Only database functions store the decision and carry out an
    approved change (migration 0033). `reason` is for officers; customers never see it.
    """

    class Kind(models.TextChoices):
        OVERDRAFT = "overdraft", "Overdraft"
        ACCESS = "access", "Access"

    class Status(models.TextChoices):
        OPEN = "open", "Waits for a second officer"
        APPROVED = "approved", "Approved"
        DECLINED = "declined", "Declined"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="changes")
    kind = models.CharField(max_length=9, choices=Kind.choices)
    overdraft_minor = models.BigIntegerField("overdraft in minor units", null=True, blank=True)
    # Kept after the user is deleted.
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.DO_NOTHING, related_name="+", null=True, blank=True,
        db_constraint=False,
    )  # fmt: skip
    role = models.CharField(max_length=8, choices=Role.choices, blank=True)
    reason = models.CharField(max_length=140)
    requested_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    requested_at = models.DateTimeField(default=timezone.now)
    status = models.CharField(max_length=8, choices=Status.choices, default=Status.OPEN)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", null=True, blank=True
    )
    decided_at = models.DateTimeField(null=True, blank=True)
    decision_reason = models.CharField(max_length=140, blank=True)

    class Meta:
        db_table = "account_change"
        default_permissions = ("view",)
        permissions = [
            ("request_accountchange", "Can ask for an overdraft or for access to an account"),
            ("approve_accountchange", "Can approve or decline another officer's request about an account"),
        ]
        indexes = [models.Index(fields=["-id"], name="account_change_open", condition=Q(status="open"))]
        constraints = [
            models.CheckConstraint(
                name="account_change_by_two", condition=Q(decided_by=None) | ~Q(decided_by=F("requested_by"))
            ),
            models.CheckConstraint(
                name="account_change_of_one_thing",
                condition=Q(kind="overdraft", overdraft_minor__isnull=False, user=None, role="")
                | Q(kind="access", overdraft_minor=None, user__isnull=False, role__in=["holder", "delegate", "reader"]),
            ),
            models.CheckConstraint(
                name="account_change_in_range",
                condition=Q(overdraft_minor=None) | Q(overdraft_minor__gt=0, overdraft_minor__lte=MAX_AMOUNT_MINOR),
            ),
            models.CheckConstraint(
                name="account_change_status",
                condition=Q(status="open", decided_by=None, decided_at=None)
                | Q(status__in=["approved", "declined"], decided_by__isnull=False, decided_at__isnull=False),
            ),
            models.CheckConstraint(name="account_change_for_a_reason", condition=~Q(reason="")),
            models.UniqueConstraint(
                fields=["account", "kind", "user"], name="account_change_once_at_a_time", condition=Q(status="open"),
                nulls_distinct=False,
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.get_kind_display()} ({self.get_status_display()})"
