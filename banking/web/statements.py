"""Statements of months, and what an account booked in any span of days, as a page or as CSV."""

from collections.abc import Callable
from datetime import date, timedelta
from itertools import islice
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils.translation import gettext, gettext_lazy, pgettext_lazy
from django.views.decorators.http import require_safe

from banking.accounts.history import FIELDS, needs_fresh_login
from banking.accounts.months import Month, closed_months, month_with_statement
from banking.accounts.statement_csv import Notation, csv_lines
from banking.accounts.statement_pdf import MOST_ROWS, Busy, TooManyRows, pdf_of
from banking.accounts.statements import Extract, extract_of, statement_of
from banking.models import Account
from banking.notation import bank_day
from banking.web.user import account_or_404, holders_of, id_of, is_fresh, page, prove_it
from oauth.infrastructure import rate_limits
from oauth.infrastructure.rate_limits import Limit, LimitReached

MOST_MONTHS = 120
#: Each takes up to seconds of a processor.
PDFS = Limit("statement-pdfs", 10)
#: The days that the form begins with.
USUAL_DAYS = timedelta(days=30)


class SpanForm(forms.Form):
    """Sent by GET. Both days are included."""

    since = forms.DateField(label=pgettext_lazy("day", "From"), widget=forms.DateInput({"type": "date"}, "%Y-%m-%d"))
    until = forms.DateField(label=pgettext_lazy("day", "To"), widget=forms.DateInput({"type": "date"}, "%Y-%m-%d"))

    def clean(self) -> None:
        since, until = self.cleaned_data.get("since"), self.cleaned_data.get("until")
        if since and until and until < since:
            self.add_error("until", gettext_lazy("The last day must not be before the first."))


@require_safe
@page
def statement_list(request: HttpRequest, account_id: UUID) -> HttpResponse:
    found = account_or_404(request, account_id)
    today = bank_day.today()
    form = SpanForm(initial={"since": today - USUAL_DAYS, "until": today}, label_suffix="")
    return _listed(request, found, form)


@require_safe
@page
def statement(request: HttpRequest, account_id: UUID, month: str) -> HttpResponseBase:
    def show(found: Account, asked: Month) -> HttpResponseBase:
        made = statement_of(found.pk, asked)
        context = {"account": found, "statement": made, "rows": made.entries.values(*FIELDS).iterator(chunk_size=500)}
        return render(request, "bank/statement.html", context)

    return _statement(request, account_id, month, show)


@require_safe
@page
def statement_csv(request: HttpRequest, account_id: UUID, month: str) -> HttpResponseBase:
    """With the rows that the API sends, in the notation of the page's language."""
    notation = Notation.of_page()  # before the answer is streamed, when no language is active any more

    def download(found: Account, asked: Month) -> HttpResponseBase:
        return _download(found, statement_of(found.pk, asked), notation, f"statement-{asked}.csv")

    return _statement(request, account_id, month, download)


@require_safe
@page
def statement_pdf(request: HttpRequest, account_id: UUID, month: str) -> HttpResponseBase:
    def download(found: Account, asked: Month) -> HttpResponseBase:
        return _pdf(request, found, statement_of(found.pk, asked), f"statement-{asked}.pdf")

    return _statement(request, account_id, month, download)


@require_safe
@page
def export(request: HttpRequest, account_id: UUID) -> HttpResponseBase:
    """A statement for any days, as CSV or PDF. Old ones need a fresh login."""
    found = account_or_404(request, account_id)
    form = SpanForm(request.GET, label_suffix="")
    if not form.is_valid():
        return _listed(request, found, form, status=400)
    since, until = _within(found, form.cleaned_data["since"], form.cleaned_data["until"])
    begins_at = bank_day.begins_at(since)
    if needs_fresh_login(begins_at) and not is_fresh(request):
        return prove_it(request.get_full_path())
    extract = extract_of(found.pk, begins_at, bank_day.ends_at(until))
    name = f"transactions-{since}-{until}"
    if request.GET.get("format") == "pdf":
        return _pdf(request, found, extract, f"{name}.pdf")
    return _download(found, extract, Notation.of_page(), f"{name}.csv")


def _statement(
    request: HttpRequest, account_id: UUID, text: str, answer: Callable[[Account, Month], HttpResponseBase]
) -> HttpResponseBase:
    """The answer about one month, after a fresh login if it is old. Raises Http404 for a month without a statement."""
    found = account_or_404(request, account_id)
    month = month_with_statement(text, found.opened_at)
    if month is None:
        raise Http404
    if needs_fresh_login(month.begins_at) and not is_fresh(request):
        return prove_it(request.get_full_path())
    return answer(found, month)


def _within(account: Account, since: date, until: date) -> tuple[date, date]:
    """The days of the span on which the account was there. Only those can be old, and need a fresh login."""
    first, last = bank_day.day_of(account.opened_at), bank_day.today()
    return min(max(since, first), last), min(max(until, first), last)


def _download(account: Account, extract: Extract, notation: Notation, name: str) -> HttpResponseBase:
    rows = extract.entries.values(*FIELDS).iterator(chunk_size=500)
    lines = csv_lines(extract, account.currency, rows, notation)
    response = StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def _pdf(request: HttpRequest, account: Account, extract: Extract, name: str) -> HttpResponse:
    """The file; or the page of the statements, which says why there is none."""
    try:
        rate_limits.spend(PDFS, str(id_of(request)))
        rows = extract.entries.values(*FIELDS).iterator(chunk_size=500)
        made = pdf_of(account, ", ".join(holders_of(account)), extract, rows, bank=_bank())
    except TooManyRows:
        problem = gettext("A PDF has at most %(most)s transactions. Choose fewer days, or download them as CSV.")
        return _refused(request, account, problem % {"most": MOST_ROWS}, 400)
    except (Busy, LimitReached):
        problem = gettext("Many PDFs are being made at the moment. Please wait a minute and try again.")
        return _refused(request, account, problem, 429)
    response = HttpResponse(made, content_type="application/pdf")
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def _bank() -> str:
    """The name that the pages show."""
    return render_to_string("bank/name.txt").strip()


def _refused(request: HttpRequest, account: Account, problem: str, status: int) -> HttpResponse:
    messages.error(request, problem)
    today = bank_day.today()
    form = SpanForm(initial={"since": today - USUAL_DAYS, "until": today}, label_suffix="")
    return _listed(request, account, form, status=status)


def _listed(request: HttpRequest, account: Account, form: SpanForm, *, status: int = 200) -> HttpResponse:
    months = list(islice(closed_months(account.opened_at), MOST_MONTHS))
    context = {"account": account, "months": months, "form": form}
    return render(request, "bank/statements.html", context, status=status)
