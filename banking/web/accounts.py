"""Accounts with their balances, one account's history, its statements."""

from collections.abc import Callable
from itertools import islice
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from banking.account_life import invitations
from banking.accounts.history import FIELDS, needs_fresh_login, recent_rows
from banking.accounts.months import Month, closed_months, month_with_statement
from banking.accounts.statement_csv import Notation, csv_lines
from banking.accounts.statements import statement_of
from banking.models import Account, Role, Transfer
from banking.models.role import HOLDING, PAYING
from banking.web import history
from banking.web.sharing import MAY
from banking.web.user import account_or_404, accounts_of, id_of, is_fresh, page, prove_it, reauthentication_url

MOST_MONTHS = 120


@require_safe
@page
def overview(request: HttpRequest) -> HttpResponse:
    invited = [(one, MAY[Role(one.role)]) for one in invitations.for_user(id_of(request))]
    return render(request, "bank/overview.html", {"accounts": accounts_of(request), "invitations": invited})


@require_safe
@page
def account(request: HttpRequest, account_id: UUID) -> HttpResponse:
    """Transactions that are older than ninety days need a fresh login, as in the API: the page ends before them."""
    found = account_or_404(request, account_id)
    search = history.Search(request.GET, label_suffix="")
    rows = history.part(search.found(found), request.GET.get("before", ""))
    readable = rows if is_fresh(request) else recent_rows(rows)
    shown = readable[: history.PART]
    query = request.GET.copy()
    if shown:
        query["before"] = str(shown[-1]["account_seq"])
    older = f"{request.path}?{query.urlencode()}"
    is_cut = len(readable) < len(rows) and len(shown) == len(readable)
    context = {
        "account": found,
        "may_pay": found.role in PAYING and found.status == Account.Status.OPEN and not found.dormant_since,
        "may_reactivate": found.role in HOLDING and found.dormant_since is not None,
        "search": search,
        "is_search": bool(set(request.GET) - {"before"}),
        "is_first": "before" not in request.GET,
        "days": history.by_day(shown),
        "older_url": older if len(readable) > history.PART else "",
        "prove_url": reauthentication_url(older if shown else request.get_full_path()) if is_cut else "",
        "line": history.line(found),
        "pending": Transfer.objects.filter(source=found, status=Transfer.Status.PENDING).order_by("-id")[:20],
    }
    return render(request, "bank/account.html", context)


@require_safe
@page
def statement_list(request: HttpRequest, account_id: UUID) -> HttpResponse:
    found = account_or_404(request, account_id)
    months = list(islice(closed_months(found.opened_at), MOST_MONTHS))
    return render(request, "bank/statements.html", {"account": found, "months": months})


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
        made = statement_of(found.pk, asked)
        rows = made.entries.values(*FIELDS).iterator(chunk_size=500)
        lines = csv_lines(made, found.currency, rows, notation)
        response = StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8")
        response["Content-Disposition"] = f'attachment; filename="statement-{asked}.csv"'
        return response

    return _statement(request, account_id, month, download)


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
