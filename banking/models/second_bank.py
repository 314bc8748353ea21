"""The tables of the simulated second bank (`banking.second_bank`). Empty in production."""

from django.db import models
from django.db.models import Q
from django.utils import timezone
from uuid_utils.compat import uuid7


class SecondBankPayment(models.Model):
    """A payment that was handed over to the second bank. `calls` counts how often the payment was handed over or asked
    about.
    """

    payment_id = models.CharField(max_length=35, primary_key=True)
    amount_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    creditor_iban = models.CharField(max_length=34)
    calls = models.PositiveIntegerField(default=0)
    received_at = models.DateTimeField(default=timezone.now)

    class Meta:
        db_table = "second_bank_payment"
        default_permissions = ()

    def __str__(self) -> str:
        return self.payment_id


class SecondBankMessage(models.Model):
    """A message that the second bank sends us at `due_at`. `body` has the fields of the message's class in
    `banking.payments.scheme`.
    """

    class Kind(models.TextChoices):
        PAYMENT = "payment"
        ANSWER = "answer"
        RETURN = "return"
        COLLECTION = "collect"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    kind = models.CharField(max_length=8, choices=Kind.choices)
    body = models.JSONField()
    due_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "second_bank_message"
        default_permissions = ()
        indexes = [models.Index(fields=["due_at"], name="second_bank_message_due", condition=Q(sent_at=None))]

    def __str__(self) -> str:
        return f"{self.kind} {self.id}"
