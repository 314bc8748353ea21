"""Accounts with their balances, one account's history, and the details that others need to pay into it."""

from uuid import UUID

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from banking.account_life import invitations
from banking.accounts.history import needs_fresh_login
from banking.accounts.months import Month
from banking.accounts.notes import notes_of
from banking.accounts.spending import by_category
from banking.models import Account, Category, Role, Transfer
from banking.models.role import HOLDING, PAYING
from banking.notation import iban
from banking.notation.currencies import PLAY_MONEY
from banking.web import history
from banking.web.found import Part, find
from banking.web.sharing import MAY
from banking.web.user import (
    account_or_404,
    accounts_of,
    holders_of,
    id_of,
    is_fresh,
    page,
    prove_it,
    reauthentication_url,
)
from oauth.infrastructure import replica

MOST_PENDING = 20
_FIRST_MONTH = Month(1970, 1)


@require_safe
@page
def overview(request: HttpRequest) -> HttpResponse:
    invited = [(one, MAY[Role(one.role)]) for one in invitations.for_user(id_of(request))]
    return render(request, "bank/overview.html", {"accounts": accounts_of(request), "invitations": invited})


@require_safe
@page
def account(request: HttpRequest, account_id: UUID) -> HttpResponseBase:
    """As in the API, transactions that are older than 90 days need a fresh login; without one, the page leaves them
    out.
    """
    found = account_or_404(request, account_id)
    search = history.Search(request.GET, label_suffix="")
    before = request.GET.get("before", "")
    is_search, is_first = bool(set(request.GET) - {"before", "month"}), "before" not in request.GET
    # Pending transfers are read before the booked ones, and from the same database. A transfer that is booked in
    # between is then in both lists, and never missing from both.
    shows_pending = is_first and not is_search
    pending = replica.read(id_of(request), lambda alias: _pending(found, alias)) if shows_pending else []
    part = find(found, search, id_of(request), before=before, is_fresh=is_fresh(request))
    notes = notes_of(id_of(request), [row["transaction_id"] for row in part.rows])
    for row in part.rows:
        row["note"] = notes.get(row["transaction_id"], "")
        row["category"] = Category(row["merchant"]["category"]).label if row["merchant"] else ""
    here = request.GET.copy()
    if part.rows:
        here["before"] = str(part.rows[-1]["account_seq"])
    way_back = f"{request.path}?{here.urlencode()}" if here else request.path
    this_month = Month.of(timezone.now())
    month = Month.parse(request.GET.get("month", ""))
    month = month if month and _FIRST_MONTH <= month <= this_month else None
    if month and needs_fresh_login(month.begins_at) and not is_fresh(request):
        return prove_it(request.get_full_path())
    is_usable = found.status == Account.Status.OPEN and not found.dormant_since
    context = {
        "account": found,
        "may_pay": found.role in PAYING and is_usable,
        "may_exchange": found.role in HOLDING and is_usable and found.currency != PLAY_MONEY,
        "may_reactivate": found.role in HOLDING and found.dormant_since is not None,
        "search": search,
        "is_search": is_search,
        "is_first": is_first,
        "days": history.by_day(part.rows),
        "older_url": _older_url(request, part),
        "is_unfinished": part.is_unfinished,
        "prove_url": reauthentication_url(way_back) if part.is_cut else "",
        "this_month": this_month,
        "month": month,
        "spending": by_category(found.pk, month) if month else None,
        "line": replica.read(id_of(request), lambda alias: history.line(found, alias)),
        "pending": pending,
    }
    return render(request, "bank/account.html", context)


def _older_url(request: HttpRequest, part: Part) -> str:
    if part.older_before is None:
        return ""
    query = request.GET.copy()
    query["before"] = str(part.older_before)
    return f"{request.path}?{query.urlencode()}"


def _pending(account: Account, using: str) -> list[Transfer]:
    on_their_way = Transfer.objects.using(using).filter(source=account, status=Transfer.Status.PENDING)
    return list(on_their_way.select_related("destination").order_by("-id")[:MOST_PENDING])


@require_safe
@page
def details(request: HttpRequest, account_id: UUID) -> HttpResponse:
    """The details that a payer needs to pay into the account."""
    found = account_or_404(request, account_id)
    context = {
        "account": found,
        "holders": holders_of(found),
        "domestic": iban.domestic(found.iban),
    }
    return render(request, "bank/details.html", context)
