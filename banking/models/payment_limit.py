"""The maximum that a user wants to pay to others in 24 hours, by currency."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from uuid_utils.compat import uuid7

from banking.models.ledger import MAX_AMOUNT_MINOR


class PaymentLimit(models.Model):
    """`amount_minor` is None if the user removed the limit."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="payment_limits")
    currency = models.CharField(max_length=3)
    amount_minor = models.BigIntegerField(null=True, blank=True)
    changed_at = models.DateTimeField(default=timezone.now)

    class Meta:
        db_table = "payment_limit"
        constraints = [
            models.UniqueConstraint(fields=["user", "currency"], name="payment_limit_once"),
            models.CheckConstraint(
                name="payment_limit_in_range",
                condition=Q(amount_minor=None) | Q(amount_minor__gte=0, amount_minor__lte=MAX_AMOUNT_MINOR),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.currency} {self.amount_minor}"
