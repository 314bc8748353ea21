"""Partial sums of a user's payments, for users with so many payments that adding them all up each time would be
slow.
"""

from django.conf import settings
from django.db import models


class PaymentSum(models.Model):
    """Sums over the transfers with ids from `after_id` (exclusive) to `last_id` (inclusive), in one currency and in
    minor units: of all ordered amounts, and of the amounts that were or will be paid to others. Only functions of the
    database write it (migration 0043).
    """

    id = models.BigAutoField(primary_key=True)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", db_index=False)
    currency = models.CharField(max_length=3)
    after_id = models.UUIDField()
    last_id = models.UUIDField()
    ordered_minor = models.DecimalField(max_digits=30, decimal_places=0)
    to_others_minor = models.DecimalField(max_digits=30, decimal_places=0)

    class Meta:
        db_table = "payment_sum"
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["user", "currency", "last_id"], name="payment_sum_once")]

    def __str__(self) -> str:
        return f"{self.user_id} {self.currency}"
