"""The base of transfers and payment orders: the user who ordered the payment, the client, and the payee."""

from typing import TYPE_CHECKING, Self, TypeVar
from uuid import UUID

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, models
from django.db.models import Case, Exists, OuterRef, Q, When
from django.utils import timezone
from uuid_utils.compat import uuid7

from banking.models.account import AccountAccess

if TYPE_CHECKING:
    from banking.models.account_queryset import AccountQuerySet

_Payment = TypeVar("_Payment", bound="Payment")


class PaymentQuerySet(models.QuerySet[_Payment]):
    def from_accounts(self, accounts: "AccountQuerySet") -> Self:
        return self.filter(source__in=accounts.values("pk"))

    def with_is_own(self, user_id: UUID | None, alias: str = DEFAULT_DB_ALIAS) -> Self:
        """Annotates each row with `is_own`: whether this is a payment between the user's own accounts, and the user
        still has access to the destination. For rows of a replica, this takes one query of the primary.
        """
        theirs = AccountAccess.objects.filter(user=user_id)
        if alias == DEFAULT_DB_ALIAS:
            return self.annotate(is_own=Q(payee_iban="") & Exists(theirs.filter(account=OuterRef("destination"))))
        is_one = When(destination__in=list(theirs.values_list("account", flat=True)), payee_iban="", then=True)
        return self.annotate(is_own=Case(is_one, default=False, output_field=models.BooleanField()))


class Payment(models.Model):
    """`payee_iban` is empty for a payment between the user's own accounts."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    client_id = models.CharField(max_length=255)
    idempotency_key = models.CharField(max_length=255)
    # SHA-256 of the validated request. It distinguishes a retry, even years later, from another request with the same
    # key.
    fingerprint = models.BinaryField(null=True, editable=False)
    payee_name = models.CharField(max_length=140, blank=True)
    payee_iban = models.CharField("payee's IBAN", max_length=34, blank=True)
    currency = models.CharField(max_length=3)
    amount_minor = models.BigIntegerField()
    reference = models.CharField(max_length=140)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        abstract = True
