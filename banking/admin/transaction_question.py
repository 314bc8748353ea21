"""Questions of users about transactions: the worklist of staff, and the answers."""

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.admin.widgets import AdminTextareaWidget
from django.utils.translation import gettext_lazy as _

from banking import oversight
from banking.admin.acts import Act, Text, WithActs
from banking.admin.read_only import ReadOnly
from banking.admin.transaction import moved
from banking.models import TransactionQuestion


def _answer(question: TransactionQuestion) -> dict[str, forms.Field]:
    help_text = _("The user reads it on the page of the transaction, and gets an email that says so.")
    return {
        "answer": forms.CharField(label=_("Answer"), max_length=500, widget=AdminTextareaWidget, help_text=help_text)
    }


@admin.register(TransactionQuestion)
class TransactionQuestionAdmin(WithActs, ReadOnly):
    list_display = ("text", "kind", "transaction", "account", "user", "status", "asked_at")
    list_filter = ("status", "kind")
    list_select_related = ("user", "account", "transaction", "answered_by")
    found_by_id = ("id", "transaction_id", "account_id")
    found_by_account = ("account_id",)
    found_by_user = ("user_id", "answered_by_id")
    fields = (
        "id", "user", "account", "transaction", "kind", "text", "asked_at", "status", "answer", "answered_by",
        "answered_at",
    )  # fmt: skip
    acts = (
        Act(
            name="answer",
            label=_("Answer"),
            explanation=_("The user reads the answer in the bank."),
            done=_("The question is answered."),
            permission="banking.answer_transactionquestion",
            do=lambda one, by, reason, answer: oversight.answer_question(one.pk, answer, by=by),
            suits=lambda one: one.status == TransactionQuestion.Status.OPEN,
            reason="none",
            fields=_answer,
        ),
    )

    def facts(self, one: Any) -> list[tuple[Text, Text]]:
        asked = [(_("Asked by"), str(one.user)), (_("About"), one.get_kind_display()), (_("Question"), one.text)]
        return [*asked, *moved(one.transaction)]
