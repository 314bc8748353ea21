"""The user's own limits for payments to others, and the amounts that remain of the bank's limits."""

from dataclasses import dataclass

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect, QueryDict
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from banking.models.ledger import MAX_AMOUNT_MINOR
from banking.notation import amounts
from banking.payments import new_payee_limit, strong_proof
from banking.payments.day_sum import DaySum, day_sum
from banking.payments.own_limit import set_own_limit
from banking.payments.refusals import StrongProofNeeded
from banking.web.forms import AmountField, minor_of
from banking.web.user import accounts_of, id_of, is_fresh, page, prove_it


class LimitForm(forms.Form):
    """The form for one currency. The names of its fields begin with the currency. An empty amount removes the limit."""

    amount = AmountField(
        label=gettext_lazy("Your limit for payments to others"),
        help_text=gettext_lazy("Leave it empty for no limit."),
        localize=True,
        required=False,
        max_digits=15,
        min_value=0,
        widget=forms.TextInput({"inputmode": "decimal", "autocomplete": "off"}),
    )

    def __init__(self, data: QueryDict | None, *, currency: str, own_limit: int | None) -> None:
        initial = {} if own_limit is None else {"amount": amounts.decimal(currency, own_limit)}
        super().__init__(data, label_suffix="", prefix=currency, initial=initial)
        self._currency = currency

    def clean_amount(self) -> int | None:
        """In minor units."""
        amount = self.cleaned_data["amount"]
        if amount is None:
            return None
        minor = minor_of(amount, self._currency)
        if minor > MAX_AMOUNT_MINOR:
            raise forms.ValidationError(_("Enter a smaller amount."))
        return minor


@dataclass(frozen=True, slots=True)
class _Shown:
    currency: str
    day: DaySum
    fresh_login_from: int
    new_payees: int
    form: LimitForm


@require_http_methods(["GET", "HEAD", "POST"])
@page
def limits(request: HttpRequest) -> HttpResponseBase:
    """A lower limit applies at once; a higher one, or none, needs a fresh login."""
    user_id = id_of(request)
    currencies = sorted(set(accounts_of(request, may_pay=True).values_list("currency", flat=True)))
    asked = request.POST.get("currency", "")
    sums = {currency: day_sum(user_id, currency) for currency in currencies}
    forms_of = {
        currency: LimitForm(
            request.POST if currency == asked else None, currency=currency, own_limit=sums[currency].own_limit
        )
        for currency in currencies
    }
    form = forms_of.get(asked)
    if form is not None and form.is_valid():
        try:
            set_own_limit(user_id, asked, form.cleaned_data["amount"], is_proven=is_fresh(request))
        except StrongProofNeeded:
            return prove_it(request.path)
        messages.success(request, _("Saved."))
        return HttpResponseRedirect(request.path, status=303)
    shown = [
        _Shown(
            currency,
            sums[currency],
            strong_proof.limit_of(currency),
            new_payee_limit.limit_of(currency),
            forms_of[currency],
        )
        for currency in currencies
    ]
    hours = int(settings.NEW_PAYEE_PERIOD.total_seconds() // 3600)
    context = {"limits": shown, "needs_proof": not is_fresh(request), "hours": hours}
    return render(request, "bank/limits.html", context, status=400 if request.method == "POST" else 200)
