"""A user asks for an account of a product, and an officer approves or refuses."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from uuid_utils.compat import uuid7

from banking.models.account import Account
from banking.models.product import Product


class AccountApplication(models.Model):
    """`decision_reason` is shown to the user if the application is refused."""

    class Status(models.TextChoices):
        OPEN = "open", _("We are looking at it")
        APPROVED = "approved", _("Approved")
        REFUSED = "refused", _("Refused")
        WITHDRAWN = "withdrawn", _("Withdrawn")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="account_applications")
    product = models.ForeignKey(Product, on_delete=models.PROTECT, related_name="applications")
    name = models.CharField("name of the account", max_length=100)
    created_at = models.DateTimeField(default=timezone.now)
    status = models.CharField(max_length=9, choices=Status.choices, default=Status.OPEN)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", null=True, blank=True
    )
    decided_at = models.DateTimeField(null=True, blank=True)
    decision_reason = models.CharField(max_length=140, blank=True)
    account = models.OneToOneField(Account, on_delete=models.PROTECT, related_name="application", null=True, blank=True)

    class Meta:
        db_table = "account_application"
        default_permissions = ("view",)
        permissions = [("decide_accountapplication", "Can approve or refuse applications for accounts")]
        indexes = [models.Index(fields=["-id"], name="application_open", condition=Q(status="open"))]
        constraints = [
            models.UniqueConstraint(
                fields=["user", "product"], name="applied_once_at_a_time", condition=Q(status="open")
            ),
            models.CheckConstraint(
                name="application_status",
                condition=Q(status__in=["open", "withdrawn"], decided_by=None, account=None)
                | Q(status="refused", decided_by__isnull=False, decided_at__isnull=False, account=None)
                | Q(status="approved", decided_by__isnull=False, decided_at__isnull=False, account__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.product_id}: {self.name}"
