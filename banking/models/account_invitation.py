"""A holder of an account invites somebody by email, who accepts or declines."""

from datetime import timedelta

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from uuid_utils.compat import uuid7

from banking.models.account import Account
from banking.models.role import Role

VALID_FOR = timedelta(days=7)


def _ends_at() -> object:
    return timezone.now() + VALID_FOR


class AccountInvitation(models.Model):
    """Only database functions end an invitation and give the access when it is accepted (migration 0033). An invitation
    can be accepted until `expires_at`, as long as its sender may still invite.
    """

    class Status(models.TextChoices):
        OPEN = "open", _("Not answered yet")
        ACCEPTED = "accepted", _("Accepted")
        DECLINED = "declined", _("Declined")
        WITHDRAWN = "withdrawn", _("Withdrawn")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="invitations")
    email = models.EmailField(max_length=254)
    role = models.CharField(max_length=8, choices=Role.choices)
    invited_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField(default=_ends_at)
    status = models.CharField(max_length=9, choices=Status.choices, default=Status.OPEN)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "account_invitation"
        default_permissions = ("view",)
        indexes = [models.Index(fields=["email"], name="invitation_open", condition=Q(status="open"))]
        constraints = [
            models.CheckConstraint(
                name="invitation_role_known", condition=Q(role__in=["holder", "delegate", "reader"])
            ),
            models.CheckConstraint(
                name="invitation_status",
                condition=Q(status="open", ended_at=None)
                | Q(status__in=["accepted", "declined", "withdrawn"], ended_at__isnull=False),
            ),
            models.UniqueConstraint(
                fields=["account", "email"], name="invited_once_at_a_time", condition=Q(status="open")
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_role_display()}: {self.account_id}"
