"""Currency exchange in three steps: the form, the quote, and the receipt."""

from decimal import Decimal
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_safe

from banking import exchanges
from banking.consents.apps import WEB_BANK, find_apps
from banking.exchanges.rates import mid_rate
from banking.exchanges.refusals import NoRate, QuoteExpired, QuoteUsed, RateMoved, SameCurrency
from banking.ledger import in_transaction
from banking.ledger.refusals import AmountOutOfRange, CurrencyMismatch, InsufficientFunds, Refusal
from banking.models import Account, Exchange, ExchangeQuote
from banking.models.role import HOLDING
from banking.notation import amounts
from banking.payments.refusals import NotTheirs, StrongProofNeeded
from banking.web.forms import amount_to_move, distinct_names, minor_of
from banking.web.payer import payer_of
from banking.web.refusals import access_ended, message_of, status_of
from banking.web.user import accounts_of, id_of, page, prove_it, see_other
from oauth.infrastructure import clock, rate_limits
from oauth.infrastructure.rate_limits import Limit, LimitReached

#: Limited, because each quote is a row that is kept for 30 days.
QUOTES = Limit("exchange-quotes-of-pages", 30)


class ExchangeForm(forms.Form):
    source = forms.ChoiceField(label=gettext_lazy("From"))
    destination = forms.ChoiceField(label=gettext_lazy("To"))
    amount = amount_to_move()
    fixed = forms.ChoiceField(
        label=gettext_lazy("This amount is"),
        choices=[
            (ExchangeQuote.Fixed.SELL.value, gettext_lazy("what leaves the first account")),
            (ExchangeQuote.Fixed.BUY.value, gettext_lazy("what arrives in the second account")),
        ],
    )

    def __init__(self, *args: Any, accounts: list[Account], **kwargs: Any) -> None:
        super().__init__(*args, **{"label_suffix": "", **kwargs})
        self._accounts = {str(account.pk): account for account in accounts}
        names = distinct_names(accounts)
        choices = [
            (pk, f"{names[one.pk]} · {amounts.with_code(one.currency, one.available_minor)}")
            for pk, one in self._accounts.items()
        ]
        for name in ("source", "destination"):
            self.fields[name].choices = choices  # type: ignore[attr-defined]  # a ChoiceField

    def clean(self) -> dict[str, Any]:
        given: dict[str, Any] = super().clean() or {}
        source, destination = (self._accounts.get(given.get(name, "")) for name in ("source", "destination"))
        if not (source and destination and given.get("amount")):
            return given
        fixed = source if given.get("fixed") == ExchangeQuote.Fixed.SELL else destination
        try:
            given["wanted"] = exchanges.Wanted(
                source.pk, destination.pk, minor_of(given["amount"], fixed.currency), fixed.currency
            )
        except forms.ValidationError as error:
            self.add_error("amount", error)
        return given

    def refuse(self, refusal: Refusal) -> None:
        """Shows the bank's refusal at the field that it is about."""
        field: str | None
        match refusal:
            case AmountOutOfRange() | InsufficientFunds():
                field = "amount"
            case SameCurrency() | NoRate() | CurrencyMismatch():
                field = "destination"
            case _:
                field = "destination" if refusal.field == "destination_account" else None
        self.add_error(field, message_of(refusal))


@require_http_methods(["GET", "HEAD", "POST"])
@page
def fill_in(request: HttpRequest) -> HttpResponseBase:
    accounts = _choices(request)
    if request.method != "POST":
        return _form(request, ExchangeForm(initial=_initial(request, accounts), accounts=accounts), accounts)
    form = ExchangeForm(request.POST, accounts=accounts)
    if not form.is_valid():
        return _form(request, form, accounts, status=400)
    try:
        quoted = _quote(request, form.cleaned_data["wanted"])
    except LimitReached:
        form.add_error(None, _("Too often. Wait a minute, then try again."))
        return _form(request, form, accounts, status=429)
    except Refusal as refusal:
        form.refuse(refusal)
        return _form(request, form, accounts, status=status_of(refusal))
    return see_other("bank:exchange-quote", quoted.pk)


@require_http_methods(["GET", "HEAD", "POST"])
@page
def quote(request: HttpRequest, quote_id: UUID) -> HttpResponseBase:
    """Shows a quote, and makes exactly this exchange. If the quote has expired, shows a new one first."""
    quoted = _own_quotes(request).filter(pk=quote_id).first()
    if quoted is None:
        raise Http404
    if made := Exchange.objects.filter(quote=quoted).first():  # the button was pressed twice
        return see_other("bank:exchanged", made.pk)
    if request.method != "POST":
        return _quoted(request, quoted)
    try:
        done = in_transaction(
            lambda: exchanges.exchange(quoted.pk, payer_of(request), key=f"web {quoted.pk}", fingerprint=None)
        )
    except StrongProofNeeded:
        return prove_it(request.path)
    except QuoteUsed:
        return see_other("bank:exchange-quote", quoted.pk)
    except (QuoteExpired, RateMoved):
        return _quoted_again(request, quoted)
    except NotTheirs:
        return access_ended(request, "bank:exchange")
    except Refusal as refusal:
        return _quoted(request, quoted, problem=message_of(refusal), status=status_of(refusal))
    return see_other("bank:exchanged", done.pk)


@require_safe
@page
def exchanged(request: HttpRequest, exchange_id: UUID) -> HttpResponse:
    seen = visible(request).select_related("quote__source", "quote__destination")
    done = seen.filter(pk=exchange_id).first()
    if done is None:
        raise Http404
    context = {
        "done": done,
        "quote": done.quote,
        "rate": _written(done.quote.rate),
        "app": find_apps(done.user_id, [done.client_id]).get(done.client_id),
    }
    return render(request, "bank/exchanged.html", context)


def visible(request: HttpRequest) -> QuerySet[Exchange]:
    """The exchanges between two accounts that the user sees."""
    mine = Account.objects.of_user(id_of(request)).values("pk")
    return Exchange.objects.filter(quote__source__in=mine, quote__destination__in=mine)


def _quote(request: HttpRequest, wanted: exchanges.Wanted) -> ExchangeQuote:
    """Raises LimitReached."""
    rate_limits.spend(QUOTES, str(id_of(request)))
    return in_transaction(lambda: exchanges.quote(wanted, payer_of(request)))


def _quoted_again(request: HttpRequest, old: ExchangeQuote) -> HttpResponseBase:
    is_sell = old.fixed == ExchangeQuote.Fixed.SELL
    amount_minor, currency = (old.sell_minor, old.sell_currency) if is_sell else (old.buy_minor, old.buy_currency)
    try:
        new = _quote(request, exchanges.Wanted(old.source_id, old.destination_id, amount_minor, currency))
    except LimitReached:
        messages.error(request, _("Too often. Wait a minute, then try again."))
        return see_other("bank:exchange")
    except NotTheirs:
        return access_ended(request, "bank:exchange")
    except Refusal as refusal:
        messages.error(request, message_of(refusal))
        return see_other("bank:exchange")
    messages.warning(request, _("The quote is no longer valid. Nothing was exchanged. This is a new quote."))
    return see_other("bank:exchange-quote", new.pk)


def _quoted(request: HttpRequest, quoted: ExchangeQuote, *, problem: str = "", status: int = 200) -> HttpResponse:
    seconds = int((quoted.expires_at - clock.now()).total_seconds())
    context = {
        "quote": quoted,
        "rate": _written(quoted.rate),
        "mid": _written(mid_rate(quoted)),
        "spread": _written(quoted.of_rate.spread_percent),
        "seconds": max(seconds, 0),
        "is_expired": seconds <= 0,
        "problem": problem,
    }
    return render(request, "bank/exchange_quote.html", context, status=status)


def _own_quotes(request: HttpRequest) -> QuerySet[ExchangeQuote]:
    quotes = ExchangeQuote.objects.filter(user_id=id_of(request), client_id=WEB_BANK)
    return quotes.select_related("source", "destination", "of_rate")


def _choices(request: HttpRequest) -> list[Account]:
    """The accounts that the user holds and that are open and not dormant."""
    return [
        account
        for account in accounts_of(request).filter(status=Account.Status.OPEN, dormant_since=None)
        if account.role in HOLDING
    ]


def _initial(request: HttpRequest, accounts: list[Account]) -> dict[str, str]:
    """The account in the query string, and the first account to whose currency its money can be exchanged."""
    by_key = {str(account.pk): account for account in accounts}
    source = by_key.get(request.GET.get("from", "")) or next(iter(accounts), None)
    if source is None:
        return {}
    offered = exchanges.exchangeable(source.currency, {account.currency for account in accounts})
    other = next((str(account.pk) for account in accounts if account.currency in offered), "")
    return {"source": str(source.pk), "destination": other}


def _form(request: HttpRequest, form: ExchangeForm, accounts: list[Account], *, status: int = 200) -> HttpResponse:
    currencies = {account.currency for account in accounts}
    context = {"form": form, "is_possible": any(exchanges.exchangeable(one, currencies) for one in currencies)}
    return render(request, "bank/exchange.html", context, status=status)


def _written(number: Decimal) -> str:
    """Uses the notation of the page's language, as for amounts, because “1.164” is more than a thousand in German."""
    return number_format(f"{number.normalize():f}")
