"""The messages of the payment scheme. Each is stored once, with the result of processing it."""

from django.db import models
from django.db.models import Q
from django.utils import timezone
from uuid_utils.compat import uuid7

from banking.models.account import Account
from banking.models.ledger import MAX_AMOUNT_MINOR, LedgerTransaction
from banking.models.mandate import Mandate
from banking.models.transfer import Transfer


class SchemeMessage(models.Model):
    """Written in the transaction that acts on the message, as its last statement, so that a repeated message acts only
    once.

    `account` is the account that was credited or, by a direct debit, debited; None if the money went to suspense.
    `payment_id` is the id of our payment, or the reference of a mandate. `transaction` is the booking; None if nothing
    was booked. `reason_code` is a code of ISO 20022: the other bank's, or ours if we send money back.
    """

    class Kind(models.TextChoices):
        PAYMENT = "payment", "Incoming payment"
        ANSWER = "answer", "Answer to our payment"
        RETURN = "return", "Return of our payment"
        COLLECTION = "collect", "Collection by direct debit"

    class Status(models.TextChoices):
        DONE = "done", "Done as the message says"
        REFUSED = "refused", "Refused; nothing was booked"
        REPEATED = "repeated", "Received before; nothing was done"
        DISPUTED = "disputed", "Contradicts our records; nothing was done; staff must check"
        SUSPENSE = "suspense", "In suspense; staff must decide"
        TO_RETURN = "to_return", "In suspense; being given back"
        GIVEN_BACK = "given_back", "Given back"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    message_id = models.CharField(max_length=140)
    kind = models.CharField(max_length=8, choices=Kind.choices)
    status = models.CharField(max_length=10, choices=Status.choices)
    payment_id = models.CharField(max_length=35, blank=True)
    mandate = models.ForeignKey(Mandate, on_delete=models.PROTECT, related_name="collections", null=True, blank=True)
    creditor_id = models.CharField(max_length=35, blank=True, default="", db_default="")
    transfer = models.ForeignKey(
        Transfer, on_delete=models.PROTECT, related_name="scheme_messages", null=True, blank=True
    )
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+", null=True, blank=True)
    amount_minor = models.BigIntegerField(null=True, blank=True)
    currency = models.CharField(max_length=3, blank=True)
    creditor_iban = models.CharField("creditor's IBAN", max_length=34, blank=True)
    debtor_iban = models.CharField("debtor's IBAN", max_length=34, blank=True)
    debtor_name = models.CharField(max_length=140, blank=True)
    reference = models.CharField(max_length=140, blank=True)
    end_to_end_id = models.CharField(max_length=35, blank=True)
    reason_code = models.CharField(max_length=4, blank=True)
    transaction = models.OneToOneField(
        LedgerTransaction, on_delete=models.PROTECT, related_name="scheme_message", null=True, blank=True
    )
    given_back_by = models.OneToOneField(
        LedgerTransaction, on_delete=models.PROTECT, related_name="+", null=True, blank=True
    )
    received_at = models.DateTimeField(default=timezone.now)

    class Meta:
        db_table = "scheme_message"
        default_permissions = ("view",)
        indexes = [
            models.Index(
                fields=["-id"],
                name="scheme_message_open",
                condition=Q(status__in=["disputed", "suspense", "to_return"]),
            ),
        ]
        constraints = [
            models.UniqueConstraint(fields=["message_id"], name="scheme_message_once"),
            models.CheckConstraint(
                name="scheme_amount_in_range",
                condition=Q(kind="answer")
                | (
                    Q(amount_minor__isnull=False, amount_minor__gt=0, amount_minor__lte=MAX_AMOUNT_MINOR)
                    & ~Q(currency="")
                ),
            ),
            models.CheckConstraint(
                name="scheme_payment_is_booked", condition=~Q(kind="payment") | Q(transaction__isnull=False)
            ),
            models.CheckConstraint(
                name="scheme_payment_is_credited_or_in_suspense",
                condition=~Q(kind="payment")
                | Q(status="done", account__isnull=False)
                | (Q(account=None) & Q(status__in=["suspense", "to_return", "given_back"])),
            ),
            models.CheckConstraint(
                name="scheme_given_back_is_booked",
                condition=Q(status="given_back", given_back_by__isnull=False)
                | (~Q(status="given_back") & Q(given_back_by=None)),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.message_id}"
