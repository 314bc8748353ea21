"""Accounts with their balances, one account's history, and what others need to pay into it."""

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from banking.account_life import invitations
from banking.accounts.history import recent_rows
from banking.accounts.notes import notes_of
from banking.models import Account, AccountAccess, Role, Transfer
from banking.models.role import HOLDING, PAYING
from banking.notation import iban
from banking.web import history
from banking.web.sharing import MAY
from banking.web.user import account_or_404, accounts_of, id_of, is_fresh, page, reauthentication_url

MOST_PENDING = 20


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
    rows = history.part(search.found(found, id_of(request)), request.GET.get("before", ""))
    readable = rows if is_fresh(request) else recent_rows(rows)
    shown = readable[: history.PART]
    query = request.GET.copy()
    if shown:
        query["before"] = str(shown[-1]["account_seq"])
    older = f"{request.path}?{query.urlencode()}"
    notes = notes_of(id_of(request), [row["transaction_id"] for row in shown])
    for row in shown:
        row["note"] = notes.get(row["transaction_id"], "")
    is_search, is_first = bool(set(request.GET) - {"before"}), "before" not in request.GET
    is_cut = len(readable) < len(rows) and len(shown) == len(readable)
    context = {
        "account": found,
        "may_pay": found.role in PAYING and found.status == Account.Status.OPEN and not found.dormant_since,
        "may_reactivate": found.role in HOLDING and found.dormant_since is not None,
        "search": search,
        "is_search": is_search,
        "is_first": is_first,
        "days": history.by_day(shown),
        "older_url": older if len(readable) > history.PART else "",
        "prove_url": reauthentication_url(older if shown else request.get_full_path()) if is_cut else "",
        "line": history.line(found),
        "pending": _pending(found) if is_first and not is_search else [],
    }
    return render(request, "bank/account.html", context)


def _pending(account: Account) -> list[Transfer]:
    on_their_way = Transfer.objects.filter(source=account, status=Transfer.Status.PENDING)
    return list(on_their_way.select_related("destination").order_by("-id")[:MOST_PENDING])


@require_safe
@page
def details(request: HttpRequest, account_id: UUID) -> HttpResponse:
    """What somebody needs who wants to pay into the account."""
    found = account_or_404(request, account_id)
    holding = AccountAccess.objects.filter(account=found, role__in=HOLDING).select_related("user")
    context = {
        "account": found,
        "holders": [one.user.get_full_name() for one in holding.order_by("id")],
        "domestic": iban.domestic(found.iban),
    }
    return render(request, "bank/details.html", context)
