"""The access journal: counts of what apps did at the API."""

from django.conf import settings
from django.db import models

from banking.models.account import Account


class AccessCount(models.Model):
    """How often one app did one thing for one user, with one account, in one hour.

    `kind` is the scope that was needed. `account` is empty for requests without an account, such as those for payees,
    and for empty lists. `address` is the IP address of the last request. Movements of money are not counted, because
    each is a transfer or an order that names its app.
    """

    hour = models.DateTimeField()
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", db_index=False)
    client_id = models.CharField(max_length=255)
    account = models.ForeignKey(
        Account, on_delete=models.PROTECT, null=True, blank=True, related_name="+", db_constraint=False
    )
    kind = models.CharField(max_length=100)
    count = models.PositiveBigIntegerField()
    first_at = models.DateTimeField()
    last_at = models.DateTimeField()
    address = models.CharField(max_length=43, blank=True)

    class Meta:
        db_table = "access_count"
        constraints = [
            models.UniqueConstraint(
                fields=["user", "client_id", "account", "kind", "hour"], name="access_count_once", nulls_distinct=False
            )
        ]
        indexes = [models.Index(fields=["hour"], name="access_count_hour")]

    def __str__(self) -> str:
        return f"{self.count} x {self.kind} by {self.client_id}"
