"""A user's question about a transaction, or a dispute, and the answer of staff."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from uuid_utils.compat import uuid7

from banking.models.account import Account
from banking.models.ledger import LedgerTransaction


class TransactionQuestion(models.Model):
    """Only the user and staff can see the question: no app, and no other user of the account."""

    class Kind(models.TextChoices):
        UNKNOWN = "unknown", _("I do not recognize it")
        AMOUNT = "amount", _("The amount is wrong")
        QUESTION = "question", _("I have a question")

    class Status(models.TextChoices):
        OPEN = "open", _("We are looking at it")
        ANSWERED = "answered", _("Answered")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="transaction_questions")
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="questions")
    transaction = models.ForeignKey(LedgerTransaction, on_delete=models.PROTECT, related_name="questions")
    kind = models.CharField(max_length=8, choices=Kind.choices)
    text = models.CharField(max_length=500)
    asked_at = models.DateTimeField(default=timezone.now)
    status = models.CharField(max_length=8, choices=Status.choices, default=Status.OPEN)
    answer = models.CharField(max_length=500, blank=True)
    answered_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", null=True, blank=True
    )
    answered_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "transaction_question"
        default_permissions = ("view",)
        permissions = [("answer_transactionquestion", "Can answer questions about transactions")]
        indexes = [models.Index(fields=["-id"], name="question_open", condition=Q(status="open"))]
        constraints = [
            models.UniqueConstraint(
                fields=["user", "transaction"], name="asked_once_at_a_time", condition=Q(status="open")
            ),
            models.CheckConstraint(
                name="question_status",
                condition=Q(status="open", answer="", answered_by=None, answered_at=None)
                | (Q(status="answered", answered_by__isnull=False, answered_at__isnull=False) & ~Q(answer="")),
            ),
        ]

    def __str__(self) -> str:
        return self.text
