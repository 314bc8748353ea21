"""GET /accounts/{id}/transactions[/{id}]: keyset pages by account_seq, newest first; stable under inserts."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models import QuerySet
from django.http import Http404
from django.utils.dateparse import parse_date, parse_datetime
from django.utils.timezone import get_default_timezone, is_naive, make_aware
from rest_framework.response import Response

from banking.accounts.history import FIELDS, recent_rows
from banking.api.cursors import MAX_LIMIT, PAGE, Page
from banking.api.money import money
from banking.api.problems import BadRequest
from banking.api.views import BankView, account_or_404, uuid_or_404
from banking.models import LedgerEntry, Transfer
from banking.notation import iban
from banking.notation.timestamps import timestamp
from oauth.resource_server import TokenRequest, is_authenticated_since, require_authentication

_FILTERS = ("from", "to", "direction", "status")
_DIRECTIONS = {"in": {"amount_minor__gt": 0}, "out": {"amount_minor__lt": 0}}


class TransactionList(BankView):
    required_scopes = {"GET": ["transactions:read"]}
    query_parameters = {"GET": (*PAGE, *_FILTERS)}

    def get(self, request: TokenRequest, account_id: str) -> Response:
        account = account_or_404(request, account_id, action="transactions")
        query = request.query_params
        filters = {name: query.get(name) for name in _FILTERS}
        page = Page(request, f"transactions|{account['id']}|{sorted((k, v) for k, v in filters.items() if v)}")
        statuses = _statuses(filters["status"])
        is_in_booked = page.after is not None and page.after.isdigit()
        pending: list[dict[str, Any]] = []
        if "pending" in statuses and not is_in_booked:
            pending = _pending(request, account, filters, before=page.after)[: page.limit + 1]
        room = page.limit + 1 - len(pending) if "booked" in statuses else 0
        entries = _filtered(_history(request, account), filters)
        if is_in_booked:
            entries = entries.filter(account_seq__lt=int(page.after))
        rows = list(entries.order_by("-account_seq").values(*FIELDS)[:room])
        recent = readable(request, rows, is_first=not pending)
        listed = [*pending, *(represent(row) for row in recent)]
        return Response(page.envelope(listed, key=_position, is_cut=len(recent) < len(rows)))


class TransactionDetail(BankView):
    required_scopes = {"GET": ["transactions:read"]}

    def get(self, request: TokenRequest, account_id: str, transaction_id: str) -> Response:
        account = account_or_404(request, account_id, action="transactions")
        asked = uuid_or_404(transaction_id)
        row = _history(request, account).filter(transaction_id=asked).values(*FIELDS).first()
        if row is not None:
            readable(request, [row])
            return Response(represent(row))
        pending = _pending(request, account, {}, only=asked)
        if not pending:
            raise Http404
        return Response(pending[0])


def readable(
    request: TokenRequest, rows: list[dict[str, Any]], *, at: str = "booked_at", is_first: bool = True
) -> list[dict[str, Any]]:
    """The rows, newest first, that may be shown. Older ones need a user who has just logged in (RFC 9470).

    A page ends before the first row that is too old. A page that would begin with such a row is refused with the
    challenge.
    """
    recent = recent_rows(rows, at=at)
    if len(recent) == len(rows) or is_authenticated_since(request.token, max_age=settings.STEP_UP_MAX_AGE):
        return rows
    if not recent and is_first:
        require_authentication(request.token, max_age=settings.STEP_UP_MAX_AGE)
    return recent


def _history(request: TokenRequest, account: dict[str, Any]) -> QuerySet[LedgerEntry]:
    """The entries of the account, as far back as the user allowed."""
    entries = LedgerEntry.objects.filter(account_id=account["id"])
    since = history_from(request, account)
    return entries.filter(booked_at__gte=since) if since else entries


def history_from(request: TokenRequest, account: dict[str, Any]) -> datetime | None:
    """How far back the user lets the app look. Of several consents the shortest history counts."""
    details = request.claims.authorization_details
    since = [
        detail["history_from"]
        for detail in details
        if "history_from" in detail and str(account["id"]) in detail.get("accounts", [str(account["id"])])
    ]
    return _moment("history_from", max(since)) if since else None


def histories(request: TokenRequest) -> Iterator[tuple[list[str], datetime]]:
    """(accounts, since) for each consent that limits the history. An empty list means all accounts."""
    for detail in request.claims.authorization_details:
        if "history_from" in detail:
            yield detail.get("accounts", []), _moment("history_from", detail["history_from"])


def _filtered(entries: QuerySet[LedgerEntry], filters: dict[str, str | None]) -> QuerySet[LedgerEntry]:
    if filters["from"] is not None:
        entries = entries.filter(booked_at__gte=_moment("from", filters["from"]))
    if filters["to"] is not None:
        entries = entries.filter(booked_at__lt=_moment("to", filters["to"]))
    if filters["direction"] is not None:
        if filters["direction"] not in _DIRECTIONS:
            raise BadRequest("malformed_request", "direction must be in or out.")
        entries = entries.filter(**_DIRECTIONS[filters["direction"]])
    return entries


def _statuses(asked: str | None) -> set[str]:
    statuses = {"booked"} if asked is None else set(asked.split(","))
    if not statuses <= {"booked", "pending"}:
        raise BadRequest("malformed_request", "status must be booked, pending, or both with a comma between them.")
    return statuses


def _position(row: dict[str, Any]) -> str:
    """Where the next page continues: pending transfers come first, by id; then booked ones, by account_seq. Both newest
    first."""
    return str(row["account_seq"] or row["id"])


def _pending(
    request: TokenRequest,
    account: dict[str, Any],
    filters: dict[str, str | None],
    *,
    before: str | None = None,
    only: UUID | None = None,
) -> list[dict[str, Any]]:
    """Money held for transfers to other banks. It has no entry yet, so neither number nor balance; its id is that of
    the transfer until it is booked."""
    transfers = Transfer.objects.filter(source_id=account["id"], status=Transfer.Status.PENDING)
    if filters.get("direction") == "in":
        return []
    if (since := filters.get("from")) is not None:
        transfers = transfers.filter(created_at__gte=_moment("from", since))
    if (until := filters.get("to")) is not None:
        transfers = transfers.filter(created_at__lt=_moment("to", until))
    if allowed_from := history_from(request, account):
        transfers = transfers.filter(created_at__gte=allowed_from)
    if before is not None:
        transfers = transfers.filter(pk__lt=UUID(before))
    if only is not None:
        transfers = transfers.filter(pk=only)
    fields = ("id", "currency", "amount_minor", "reference", "payee_name", "payee_iban")
    return [_represent_pending(row) for row in transfers.order_by("-pk").values(*fields)[: MAX_LIMIT + 1]]


def _represent_pending(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": row["id"],
        "account_seq": None,
        "status": "pending",
        "kind": "transfer",
        "direction": "out",
        "amount": money(row["currency"], row["amount_minor"]),
        "balance_after": None,
        "description": row["reference"],
        "counterparty": {"name": row["payee_name"], "identifier_masked": iban.masked(row["payee_iban"])},
        "transfer_id": row["id"],
        "booked_at": None,
    }


def _moment(name: str, value: str) -> datetime:
    """An RFC 3339 date or time. Raises BadRequest."""
    try:
        at = parse_datetime(value)
        if at is None and (day := parse_date(value)):
            at = datetime(day.year, day.month, day.day)  # noqa: DTZ001 (made aware below)
        if at is not None:
            return make_aware(at, get_default_timezone()) if is_naive(at) else at
    except (ValueError, OverflowError):
        pass
    raise BadRequest("malformed_request", f"{name} must be a date or time of RFC 3339.")


def represent(row: dict[str, Any]) -> dict[str, Any]:
    amount_minor = row["amount_minor"]
    return {
        "id": row["transaction_id"],
        "account_seq": row["account_seq"],
        "status": "booked",
        "kind": row["transaction__kind"],
        "direction": "in" if amount_minor > 0 else "out",
        "amount": money(row["currency"], abs(amount_minor)),
        "balance_after": money(row["currency"], row["balance_after_minor"]),
        "description": row["transaction__description"],
        "counterparty": {
            "name": row["counterparty_name"],
            "identifier_masked": iban.masked(row["counterparty_iban"]),
        },
        "transfer_id": row["transaction__transfer__id"],
        "booked_at": timestamp(row["booked_at"]),
    }
