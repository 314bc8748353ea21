"""Payees that a user has stored."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from uuid_utils.compat import uuid7


class PayeeQuerySet(models.QuerySet["Payee"]):
    def current(self) -> "PayeeQuerySet":
        return self.filter(removed_at=None)

    def established(self) -> "PayeeQuerySet":
        """Payees that have been stored for at least NEW_PAYEE_PERIOD, so an attacker who took over a session today
        cannot have added them.
        """
        return self.current().filter(created_at__lte=timezone.now() - settings.NEW_PAYEE_PERIOD)


class Payee(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="payees")
    name = models.CharField(max_length=140)
    iban = models.CharField("IBAN", max_length=34)
    created_at = models.DateTimeField(default=timezone.now)
    removed_at = models.DateTimeField(null=True, blank=True)

    objects = PayeeQuerySet.as_manager()

    class Meta:
        db_table = "payee"
        constraints = [
            models.UniqueConstraint(fields=["user", "iban"], name="payee_once", condition=Q(removed_at=None)),
        ]

    def __str__(self) -> str:
        return self.name
