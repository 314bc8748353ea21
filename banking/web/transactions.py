"""One transaction of an account, with the app that ordered it, and the user's own note and questions."""

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from banking.account_life import questions
from banking.accounts.history import FIELDS, end_to_end_id_of, needs_fresh_login
from banking.accounts.merchants import with_merchant
from banking.accounts.notes import notes_of, write_note
from banking.consents.apps import App, find_apps
from banking.ledger.refusals import Refusal
from banking.models import Account, Category, LedgerEntry, TransactionQuestion, Transfer
from banking.web.exchanges import visible
from banking.web.forms import clean_text
from banking.web.refusals import message_of, status_of
from banking.web.user import account_or_404, id_of, is_fresh, page, prove_it, see_other

_ORDERED_BY = ("transaction__transfer__client_id", "transaction__transfer__user_id")


class NoteForm(forms.Form):
    note = forms.CharField(
        label=gettext_lazy("Your note"),
        max_length=280,
        required=False,
        help_text=gettext_lazy("Only you can see it. You can search for it."),
        widget=forms.TextInput({"autocomplete": "off"}),
    )

    def clean_note(self) -> str:
        return clean_text(self.cleaned_data["note"])


class QuestionForm(forms.Form):
    kind = forms.ChoiceField(label=gettext_lazy("What is it about?"), choices=TransactionQuestion.Kind.choices)
    text = forms.CharField(
        label=gettext_lazy("Your question"),
        max_length=500,
        help_text=gettext_lazy("Never write a password or a code here. We do not ask for them."),
        widget=forms.Textarea({"rows": 3, "autocomplete": "off"}),
    )

    def clean_text(self) -> str:
        return clean_text(self.cleaned_data["text"])


@require_safe
@page
def transaction(request: HttpRequest, account_id: UUID, transaction_id: UUID) -> HttpResponseBase:
    """A transaction older than ninety days needs a fresh login, as in the API."""
    account = account_or_404(request, account_id)
    row = _row(account, transaction_id)
    if needs_fresh_login(row["booked_at"]) and not is_fresh(request):
        return prove_it(request.get_full_path())
    note = notes_of(id_of(request), [transaction_id]).get(transaction_id, "")
    return _shown(request, account, row, NoteForm(initial={"note": note}, label_suffix=""))


@require_POST
@page
def note(request: HttpRequest, account_id: UUID, transaction_id: UUID) -> HttpResponseBase:
    account = account_or_404(request, account_id)
    row = _row(account, transaction_id)
    form = NoteForm(request.POST, label_suffix="")
    if not form.is_valid():
        if needs_fresh_login(row["booked_at"]) and not is_fresh(request):
            raise Http404
        return _shown(request, account, row, form, status=400)
    write_note(id_of(request), transaction_id, form.cleaned_data["note"])
    messages.success(request, _("Saved."))
    return see_other("bank:transaction", account_id, transaction_id)


@require_POST
@page
def ask(request: HttpRequest, account_id: UUID, transaction_id: UUID) -> HttpResponseBase:
    """A question to staff, who answer on the same page."""
    account = account_or_404(request, account_id)
    row = _row(account, transaction_id)
    if not is_fresh(request) and needs_fresh_login(row["booked_at"]):
        return prove_it(reverse("bank:transaction", args=[account_id, transaction_id]))
    form = QuestionForm(request.POST, label_suffix="", auto_id="question-%s")
    status = 400
    if form.is_valid():
        try:
            questions.ask(id_of(request), account.pk, transaction_id, **form.cleaned_data)
        except Refusal as refusal:
            form.add_error(None, message_of(refusal))
            status = status_of(refusal)
        else:
            messages.success(request, _("We have your question. The answer will be on this page."))
            return see_other("bank:transaction", account_id, transaction_id)
    note = notes_of(id_of(request), [transaction_id]).get(transaction_id, "")
    notes = NoteForm(initial={"note": note}, label_suffix="")
    return _shown(request, account, row, notes, question_form=form, status=status)


def _row(account: Account, transaction_id: UUID) -> dict[str, Any]:
    of_account = LedgerEntry.objects.filter(account_id=account.pk, transaction_id=transaction_id)
    row: dict[str, Any] | None = with_merchant(of_account).values(*FIELDS, *_ORDERED_BY, "merchant").first()
    if row is None:
        raise Http404
    return row


def _shown(
    request: HttpRequest,
    account: Account,
    row: dict[str, Any],
    form: NoteForm,
    *,
    question_form: QuestionForm | None = None,
    status: int = 200,
) -> HttpResponse:
    asked = list(
        TransactionQuestion.objects.filter(user=id_of(request), transaction=row["transaction_id"]).order_by("-id")
    )
    merchant = row["merchant"]
    transfer = row["transaction__transfer__id"]
    context = {
        "account": account,
        "row": row,
        "form": form,
        "question_form": question_form or QuestionForm(label_suffix="", auto_id="question-%s"),
        "questions": asked,
        "may_ask": not any(one.status == TransactionQuestion.Status.OPEN for one in asked),
        "merchant": merchant,
        "category": Category(merchant["category"]).label if merchant else "",
        "end_to_end_id": end_to_end_id_of(row),
        "app": _app(row) if row["amount_minor"] < 0 else None,
        "receipt": transfer if transfer and Transfer.objects.filter(pk=transfer, source=account).exists() else None,
        "exchange": _visible_exchange(request, row["transaction__exchange_id"]),
        "reversal": _beside(account, row["transaction__reversed_by__id"]),
        "reverses": _beside(account, row["transaction__reverses_id"]),
    }
    return render(request, "bank/transaction.html", context, status=status)


def _app(row: dict[str, Any]) -> App | None:
    """The app that ordered the payment. None if a user ordered it in the web bank, or if the transaction is not a
    transfer.
    """
    client_id, user_id = (row[name] for name in _ORDERED_BY)
    return find_apps(user_id, [client_id]).get(client_id) if client_id and user_id else None


def _visible_exchange(request: HttpRequest, exchange_id: UUID | None) -> UUID | None:
    """Returns the exchange if the user also sees its other account."""
    return exchange_id if exchange_id and visible(request).filter(pk=exchange_id).exists() else None


def _beside(account: Account, transaction_id: UUID | None) -> UUID | None:
    """The transaction, if this account has an entry in it."""
    if transaction_id is None:
        return None
    found = LedgerEntry.objects.filter(account_id=account.pk, transaction_id=transaction_id)
    return transaction_id if found.exists() else None
