"""Statements of months, and the transactions of any span of days, as a page, CSV or PDF.

A long statement is a file that the background worker makes. The user requests it with a form, because GET must not
start work or send an email.
"""

import hashlib
from collections.abc import Callable
from datetime import date, timedelta
from itertools import islice
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language, gettext, gettext_lazy, pgettext_lazy
from django.views.decorators.http import require_POST, require_safe

from banking import statement_files
from banking.accounts.history import FIELDS, needs_fresh_login
from banking.accounts.months import Month, closed_months, month_with_statement
from banking.accounts.statement_csv import Notation, csv_lines
from banking.accounts.statement_pdf import MOST_ROWS, Busy, TooManyRows, pdf_of
from banking.accounts.statements import Extract, Statement, extract_of, statement_of
from banking.models import Account, StatementFile
from banking.notation import bank_day
from banking.web.user import account_or_404, holders_of, id_of, is_fresh, page, prove_it, see_other
from oauth.infrastructure import rate_limits, replica
from oauth.infrastructure.rate_limits import Limit, LimitReached

MOST_MONTHS = 120
#: A PDF may take seconds of CPU time.
PDFS = Limit("statement-pdfs", 10)
#: The limit for requests of long statements.
FILES = Limit("statement-files", 20, seconds=86_400)
#: The initial span of the form.
USUAL_DAYS = timedelta(days=30)


class SpanForm(forms.Form):
    """The form for a span of days, sent by GET. Both days are included."""

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
        made = _of_month(request, found, asked)
        is_too_long = statement_files.is_too_long(made)
        rows = None if is_too_long else made.entries.values(*FIELDS).iterator(chunk_size=500)
        return render(request, "bank/statement.html", {"account": found, "statement": made, "rows": rows})

    return _statement(request, account_id, month, show)


@require_safe
@page
def statement_csv(request: HttpRequest, account_id: UUID, month: str) -> HttpResponseBase:
    """The same rows as in the API, in the notation of the page's language."""
    notation = Notation.of_page()  # computed before the response is streamed, because no language is active then

    def download(found: Account, asked: Month) -> HttpResponseBase:
        return _download(request, found, _of_month(request, found, asked), notation, f"statement-{asked}.csv")

    return _statement(request, account_id, month, download)


@require_safe
@page
def statement_pdf(request: HttpRequest, account_id: UUID, month: str) -> HttpResponseBase:
    def download(found: Account, asked: Month) -> HttpResponseBase:
        return _pdf(request, found, _of_month(request, found, asked), f"statement-{asked}.pdf")

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
    ends_at = bank_day.ends_at(until)
    extract = replica.read(id_of(request), lambda alias: extract_of(found.pk, begins_at, ends_at, using=alias))
    name = f"transactions-{since}-{until}"
    if request.GET.get("format") == "pdf":
        return _pdf(request, found, extract, f"{name}.pdf")
    return _download(request, found, extract, Notation.of_page(), f"{name}.csv")


@require_POST
@page
def ask_for_file(request: HttpRequest, account_id: UUID) -> HttpResponseBase:
    """Requests a file with a long statement, of a month or of any days, as CSV."""
    found = account_or_404(request, account_id)
    way_back = reverse("bank:statements", args=[account_id])
    month = month_with_statement(request.POST.get("month", ""), found.opened_at)
    form = SpanForm(request.POST, label_suffix="")
    if month is None and not form.is_valid():
        raise Http404
    if month is not None:
        extract: Extract = statement_of(found.pk, month)
    else:
        since, until = _within(found, form.cleaned_data["since"], form.cleaned_data["until"])
        extract = extract_of(found.pk, bank_day.begins_at(since), bank_day.ends_at(until))
    if needs_fresh_login(extract.begins_at) and not is_fresh(request):
        return prove_it(way_back)
    if not statement_files.is_too_long(extract):
        return see_other("bank:statements", account_id)
    try:
        rate_limits.spend(FILES, str(id_of(request)))
        asked = statement_files.ask(_wish(request, found, extract, month))
    except LimitReached:
        asked = None
    if asked is None:
        messages.error(request, gettext("You have asked for many statements. Please try again later."))
    elif asked.is_ready:
        messages.success(request, gettext("The statement is ready."))
    else:
        messages.success(request, gettext("We are preparing the statement. We email you when it is ready."))
    return see_other("bank:statements", account_id)


@require_safe
@page
def statement_file(request: HttpRequest, file_id: UUID) -> HttpResponseBase:
    """The file, only for the user who asked for it, and only with access to the account."""
    row = statement_files.of_user(id_of(request)).exclude(name="").filter(pk=file_id).first()
    if row is None:
        raise Http404
    if needs_fresh_login(row.begins_at) and not is_fresh(request):
        return prove_it(request.get_full_path())
    try:
        file = statement_files.opened(row)
    except statement_files.StorageAway:
        file = None
    if file is None:
        messages.error(request, gettext("We cannot find the file at the moment. Please ask for it again."))
        return see_other("bank:statements", row.account_id)
    name = statement_files.file_name(row)
    return FileResponse(file, as_attachment=True, filename=name, content_type="text/csv; charset=utf-8")


def _wish(request: HttpRequest, account: Account, extract: Extract, month: Month | None) -> statement_files.Wish:
    language, zone = get_language() or "", timezone.get_current_timezone_name()
    parts = (account.pk, month, extract.begins_at, extract.ends_at, extract.last_seq, language, zone)
    return statement_files.Wish(
        id_of(request),
        account.pk,
        StatementFile.Form.SPREADSHEET,
        hashlib.sha256("|".join(map(str, parts)).encode()).hexdigest(),
        extract.begins_at,
        extract.ends_at,
        month=month.first_day if month else None,
        language=language,
        time_zone=zone,
    )


def _statement(
    request: HttpRequest, account_id: UUID, text: str, answer: Callable[[Account, Month], HttpResponseBase]
) -> HttpResponseBase:
    """The response for one month, which needs a fresh login if the month is old. Raises Http404 for a month without a
    statement.
    """
    found = account_or_404(request, account_id)
    month = month_with_statement(text, found.opened_at)
    if month is None:
        raise Http404
    if needs_fresh_login(month.begins_at) and not is_fresh(request):
        return prove_it(request.get_full_path())
    return answer(found, month)


def _of_month(request: HttpRequest, account: Account, month: Month) -> Statement:
    return replica.read(id_of(request), lambda alias: statement_of(account.pk, month, using=alias))


def _within(account: Account, since: date, until: date) -> tuple[date, date]:
    """The days of the span on which the account existed. Earlier days have no transactions that need a fresh login."""
    first, last = bank_day.day_of(account.opened_at), bank_day.today()
    return min(max(since, first), last), min(max(until, first), last)


def _download(
    request: HttpRequest, account: Account, extract: Extract, notation: Notation, name: str
) -> HttpResponseBase:
    if statement_files.is_too_long(extract):
        return render(request, "bank/long_statement.html", {"account": account, "statement": extract})
    rows = extract.entries.values(*FIELDS).iterator(chunk_size=500)
    lines = csv_lines(extract, account.currency, rows, notation)
    response = StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def _pdf(request: HttpRequest, account: Account, extract: Extract, name: str) -> HttpResponse:
    """The PDF or, if it cannot be made, the page of the statements with the reason."""
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
    """The bank's name, as on the pages."""
    return render_to_string("bank/name.txt").strip()


def _refused(request: HttpRequest, account: Account, problem: str, status: int) -> HttpResponse:
    messages.error(request, problem)
    today = bank_day.today()
    form = SpanForm(initial={"since": today - USUAL_DAYS, "until": today}, label_suffix="")
    return _listed(request, account, form, status=status)


def _listed(request: HttpRequest, account: Account, form: SpanForm, *, status: int = 200) -> HttpResponse:
    months = list(islice(closed_months(account.opened_at), MOST_MONTHS))
    files = list(statement_files.of_user(id_of(request)).filter(account=account))
    context = {"account": account, "months": months, "form": form, "files": files}
    return render(request, "bank/statements.html", context, status=status)
