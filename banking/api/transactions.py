"""GET /accounts/{id}/transactions[/{id}]: keyset pages by account_seq, newest first; stable under inserts."""

from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models import QuerySet
from django.http import Http404

from banking.accounts.history import FIELDS, recent_rows
from banking.accounts.spans import booked_in
from banking.api.cursors import MAX_LIMIT, PAGE, Page
from banking.api.money import money
from banking.api.operation import operation
from banking.api.representations import PageOf, StatementTransaction, Transaction
from banking.api.responses import Ok
from banking.api.transaction_filters import Filters
from banking.api.views import BankView, account_or_404, uuid_or_404
from banking.consents.history import history_of_account
from banking.models import LedgerEntry, Transfer
from banking.notation import bank_day, iban
from banking.notation.timestamps import timestamp
from oauth.resource_server import TokenRequest, is_authenticated_since, require_authentication


class TransactionList(BankView):
    tag = "Accounts"
    required_scopes = {"GET": ["transactions:read"]}
    query_parameters = {"GET": (*PAGE, *Filters.PARAMETERS)}

    @operation("List transactions")
    def get(self, request: TokenRequest, account_id: str) -> Ok[PageOf[Transaction]]:
        """Newest first. Older than 90 days needs a user who has just logged in (RFC 9470)."""
        account = account_or_404(request, account_id, action="transactions")
        page = Page(request, f"transactions|{account['id']}|{Filters.named_in(request)}")
        filters = Filters.from_request(request)
        is_in_booked = page.after is not None and page.after.isdigit()
        pending: list[Transaction] = []
        if "pending" in filters.statuses and not is_in_booked:
            pending = _pending(request, account, filters, before=page.after)[: page.limit + 1]
        room = page.limit + 1 - len(pending) if "booked" in filters.statuses else 0
        entries = filters.entries(_history(request, account), account["id"])
        if is_in_booked:
            entries = entries.filter(account_seq__lt=int(page.after))
        rows = list(entries.order_by("-account_seq").values(*FIELDS)[:room])
        recent = readable(request, rows, is_first=not pending)
        listed = [*pending, *(represent(row) for row in recent)]
        return Ok(page.envelope(listed, key=_position, is_cut=len(recent) < len(rows)))


class TransactionDetail(BankView):
    tag = "Accounts"
    required_scopes = {"GET": ["transactions:read"]}

    @operation("Read a transaction")
    def get(self, request: TokenRequest, account_id: str, transaction_id: str) -> Ok[Transaction]:
        account = account_or_404(request, account_id, action="transactions")
        asked = uuid_or_404(transaction_id)
        row = _history(request, account).filter(transaction_id=asked).values(*FIELDS).first()
        if row is not None:
            readable(request, [row])
            return Ok(represent(row))
        pending = _pending(request, account, Filters(), only=asked)
        if not pending:
            raise Http404
        return Ok(pending[0])


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
    since = history_of_account(request.claims.authorization_details, account["id"])
    return booked_in(entries, account["id"], since=since)


def _position(row: Transaction) -> str:
    """Where the next page continues: pending transfers come first, by id; then booked ones, by account_seq. Both newest
    first."""
    return str(row["account_seq"] or row["id"])


def _pending(
    request: TokenRequest,
    account: dict[str, Any],
    filters: Filters,
    *,
    before: str | None = None,
    only: UUID | None = None,
) -> list[Transaction]:
    """Money held for transfers to other banks. It has no entry yet, so neither number nor balance; its id is that of
    the transfer until it is booked."""
    held = Transfer.objects.filter(source_id=account["id"], status=Transfer.Status.PENDING)
    transfers = filters.transfers(held)
    if allowed_from := history_of_account(request.claims.authorization_details, account["id"]):
        transfers = transfers.filter(created_at__gte=allowed_from)
    if before is not None:
        transfers = transfers.filter(pk__lt=UUID(before))
    if only is not None:
        transfers = transfers.filter(pk=only)
    fields = ("id", "currency", "amount_minor", "reference", "payee_name", "payee_iban")
    return [_represent_pending(row) for row in transfers.order_by("-pk").values(*fields)[: MAX_LIMIT + 1]]


def _represent_pending(row: dict[str, Any]) -> Transaction:
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
        "reverses": None,
        "reversed_by": None,
        "booked_at": None,
        "value_date": None,
    }


def represent(row: dict[str, Any]) -> Transaction:
    return {**represent_in_statement(row), "reversed_by": row["transaction__reversed_by__id"]}


def represent_in_statement(row: dict[str, Any]) -> StatementTransaction:
    """A closed month stays the same for ever, so it does not say what was reversed later."""
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
            "identifier_masked": iban.masked(row["counterparty_iban"]) if row["counterparty_iban"] else None,
        },
        "transfer_id": row["transaction__transfer__id"],
        "reverses": row["transaction__reverses_id"],
        "booked_at": timestamp(row["booked_at"]),
        "value_date": (row["value_date"] or bank_day.day_of(row["booked_at"])).isoformat(),
    }
