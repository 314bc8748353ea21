"""GET /accounts/{id}/transactions[/{id}]: keyset pages by account_seq, newest first; stable under inserts."""

from datetime import datetime
from typing import Any, TypedDict
from uuid import UUID

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS
from django.db.models import QuerySet
from django.http import Http404

from banking.accounts.entry_page import COLUMNS, newest_entries
from banking.accounts.history import code_of_row, end_to_end_id_of, is_standing, recent_rows
from banking.accounts.merchants import with_merchant
from banking.accounts.spans import booked_in, with_times
from banking.api.cursors import MAX_LIMIT, PAGE, Page
from banking.api.money import money
from banking.api.operation import operation
from banking.api.representations import Merchant, PageOf, StatementTransaction, Transaction
from banking.api.responses import Ok
from banking.api.transaction_filters import Filters, booked_of
from banking.api.transaction_window import Window, newest_first, oldest_first
from banking.api.views import BankView, account_or_404, uuid_or_404
from banking.consents.history import history_of_account
from banking.models import Category, LedgerEntry, Transfer
from banking.models.account_queryset import user_id_of
from banking.notation import bank_day, bank_transaction_codes, iban
from banking.notation.timestamps import timestamp
from oauth.infrastructure import replica
from oauth.resource_server import TokenRequest, is_authenticated_since, require_authentication


class TransactionList(BankView):
    tag = "Accounts"
    required_scopes = {"GET": ["transactions:read"]}
    query_parameters = {"GET": (*PAGE, *Filters.PARAMETERS)}

    @operation("List transactions")
    def get(self, request: TokenRequest, account_id: str) -> Ok[PageOf[Transaction]]:
        """Newest first; with `after_seq`, oldest first. Transactions older than 90 days need a user who has just logged
        in (RFC 9470).

        A page with a filter of amounts, text or category examines 2,000 transactions at most. It may have fewer rows
        than `limit`, or none; continue as long as there is a `next_cursor`.
        """
        account = account_or_404(request, account_id, action="transactions")
        page = Page(request, f"transactions|{account['id']}|{Filters.named_in(request)}")
        filters = Filters.from_request(request)
        if filters.after_seq is not None:
            return Ok(_oldest_first(request, account, filters, page, filters.after_seq))
        position = int(page.after) if page.after is not None and page.after.isdigit() else None
        reader = user_id_of(request.token)
        pending: list[Transaction] = []
        if "pending" in filters.statuses and position is None:
            # Pending transfers are read before the booked ones, and from the same database. A transfer that is booked
            # in between is then in both lists, and never missing from both.
            waiting = replica.read(
                reader, lambda alias: _pending(request, account, filters, before=page.after, using=alias)
            )
            pending = waiting[: page.limit + 1]
        room = page.limit + 1 - len(pending) if "booked" in filters.statuses else 0
        if not room:
            return Ok(page.envelope(pending, key=_position))
        goes_on_at = None
        allowed_since = history_of_account(request.claims.authorization_details, account["id"])
        if filters.are_none and allowed_since is None:
            rows = replica.read(
                reader, lambda alias: newest_entries(account["id"], before=position, limit=room, using=alias)
            )
        else:
            if filters.is_by_content:
                window = newest_first(
                    request,
                    account["id"],
                    filters,
                    allowed_since=allowed_since,
                    position=position,
                    is_first=not pending,
                )
                entries = _examined(account, window, filters, allowed_since)
                goes_on_at = window.goes_on_at
            else:
                entries = _history(request, account)
                entries = booked_in(entries, account["id"], since=filters.since, until=filters.until)
                entries = entries if position is None else entries.filter(account_seq__lt=position)
            newest = _values(filters.entries(entries).order_by("-account_seq"))[:room]
            rows = replica.read(reader, lambda alias: list(newest.using(alias)))
        recent = readable(request, rows, is_first=not pending)
        listed = [*pending, *(represent(row) for row in recent)]
        return Ok(page.envelope(listed, key=_position, is_cut=len(recent) < len(rows), goes_on_at=goes_on_at))


class TransactionDetail(BankView):
    tag = "Accounts"
    required_scopes = {"GET": ["transactions:read"]}

    @operation("Read a transaction")
    def get(self, request: TokenRequest, account_id: str, transaction_id: str) -> Ok[Transaction]:
        account = account_or_404(request, account_id, action="transactions")
        asked = uuid_or_404(transaction_id)
        row = _values(_history(request, account).filter(transaction_id=asked)).first()
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


def _oldest_first(
    request: TokenRequest, account: dict[str, Any], filters: Filters, page: Page, after_seq: int
) -> PageOf[Transaction]:
    """The entries that an account booked after a number. Numbers have no gaps and are assigned under the account's
    lock, so no entry can get a number that the reader has already passed.
    """
    allowed_since = history_of_account(request.claims.authorization_details, account["id"])
    position = after_seq if page.after is None else int(page.after)
    window = oldest_first(request, account["id"], filters, allowed_since=allowed_since, position=position)
    entries = _examined(account, window, filters, allowed_since)
    oldest = _values(filters.entries(entries).order_by("account_seq"))[: page.limit + 1]

    def ask(alias: str) -> list[dict[str, Any]] | None:
        """Reads the page from this database; None if the database lacks some of the entries that the page examines,
        because the cursor would then skip them.
        """
        if window.goes_on_at is not None and not _has(account["id"], int(window.goes_on_at), alias):
            return None
        return list(oldest.using(alias))

    rows = replica.read(user_id_of(request.token), ask)
    if rows is None:
        rows = list(oldest)
    return page.envelope([represent(row) for row in rows], key="account_seq", goes_on_at=window.goes_on_at)


def _has(account_id: UUID, account_seq: int, alias: str) -> bool:
    """Numbers have no gaps, so a database that has this entry also has all before it."""
    return LedgerEntry.objects.using(alias).filter(account_id=account_id, account_seq=account_seq).exists()


def _examined(
    account: dict[str, Any], window: Window, filters: Filters, allowed_since: datetime | None
) -> QuerySet[LedgerEntry]:
    since = max(filter(None, (filters.since, allowed_since)), default=None)
    between = booked_of(account["id"], after=window.after, before=window.before)
    return with_times(between, since=since, until=filters.until)


def _history(request: TokenRequest, account: dict[str, Any]) -> QuerySet[LedgerEntry]:
    """The entries of the account, as far back as the user allowed."""
    entries = LedgerEntry.objects.filter(account_id=account["id"])
    since = history_of_account(request.claims.authorization_details, account["id"])
    return booked_in(entries, account["id"], since=since)


def _values(entries: QuerySet[LedgerEntry]) -> QuerySet[LedgerEntry, dict[str, Any]]:
    found: QuerySet[LedgerEntry, dict[str, Any]] = with_merchant(entries).values(*COLUMNS)
    return found


def _position(row: Transaction) -> str:
    """The position of the next page: pending transfers come first, by id; then booked ones, by account_seq. Both newest
    first.
    """
    return str(row["account_seq"] or row["id"])


def _pending(
    request: TokenRequest,
    account: dict[str, Any],
    filters: Filters,
    *,
    before: str | None = None,
    only: UUID | None = None,
    using: str = DEFAULT_DB_ALIAS,
) -> list[Transaction]:
    """Money held for transfers to other banks. It has no entry yet, so it has no number and no balance. Until it is
    booked, its id is the id of the transfer.
    """
    held = Transfer.objects.using(using).filter(source_id=account["id"], status=Transfer.Status.PENDING)
    transfers = filters.pending(held)
    if allowed_from := history_of_account(request.claims.authorization_details, account["id"]):
        transfers = transfers.filter(created_at__gte=allowed_from)
    if before is not None:
        transfers = transfers.filter(pk__lt=UUID(before))
    if only is not None:
        transfers = transfers.filter(pk=only)
    fields = (
        "id", "source_id", "currency", "amount_minor", "reference", "payee_name", "payee_iban", "end_to_end_id",
        "scheduled_id", "scheduled__frequency", "merchant",
    )  # fmt: skip
    rows = with_merchant(transfers).order_by("-pk").values(*fields)
    return [_represent_pending(row) for row in rows[: MAX_LIMIT + 1]]


def _represent_pending(row: dict[str, Any]) -> Transaction:
    return {
        "id": row["id"],
        "account_id": row["source_id"],
        "account_seq": None,
        "status": "pending",
        "kind": "transfer",
        "bank_transaction_code": bank_transaction_codes.code_of(
            "transfer",
            is_in=False,
            currency=row["currency"],
            counterparty_iban=row["payee_iban"],
            is_standing=is_standing(row["scheduled__frequency"]),
        ),
        "direction": "out",
        "amount": money(row["currency"], row["amount_minor"]),
        "balance_after": None,
        "description": row["reference"],
        "counterparty": {"name": row["payee_name"], "identifier_masked": iban.masked(row["payee_iban"])},
        "end_to_end_id": row["end_to_end_id"] or None,
        "transfer_id": row["id"],
        "exchange_id": None,
        "scheduled_transfer_id": row["scheduled_id"],
        "reverses": None,
        "reversed_by": None,
        "booked_at": None,
        "value_date": None,
        **_merchant(row["merchant"]),
    }


def represent(row: dict[str, Any]) -> Transaction:
    """`row` has the columns of `history.FIELDS`, and `merchant`."""
    return {
        **represent_in_statement(row),
        "account_id": row["account_id"],
        "reversed_by": row["transaction__reversed_by__id"],
        **_merchant(row["merchant"]),
    }


def represent_in_statement(row: dict[str, Any]) -> StatementTransaction:
    """A closed month never changes, so the row neither names a later reversal nor the merchant, whose name may
    change.
    """
    amount_minor = row["amount_minor"]
    return {
        "id": row["transaction_id"],
        "account_seq": row["account_seq"],
        "status": "booked",
        "kind": row["transaction__kind"],
        "bank_transaction_code": code_of_row(row),
        "direction": "in" if amount_minor > 0 else "out",
        "amount": money(row["currency"], abs(amount_minor)),
        "balance_after": money(row["currency"], row["balance_after_minor"]),
        "description": row["transaction__description"],
        "counterparty": {
            "name": row["counterparty_name"],
            "identifier_masked": iban.masked(row["counterparty_iban"]) if row["counterparty_iban"] else None,
        },
        "end_to_end_id": end_to_end_id_of(row) or None,
        "transfer_id": row["transaction__transfer__id"],
        "exchange_id": row["transaction__exchange_id"],
        # The payee must not learn whether the payer has a standing order.
        "scheduled_transfer_id": row["transaction__transfer__scheduled_id"] if amount_minor < 0 else None,
        "reverses": row["transaction__reverses_id"],
        "booked_at": timestamp(row["booked_at"]),
        "value_date": (row["value_date"] or bank_day.day_of(row["booked_at"])).isoformat(),
    }


class _OfMerchant(TypedDict):
    category: Category | None
    merchant: Merchant | None


def _merchant(found: dict[str, str] | None) -> _OfMerchant:
    if found is None:
        return {"category": None, "merchant": None}
    merchant: Merchant = {"name": found["name"], "category_code": found["category_code"] or None}
    return {"category": Category(found["category"]), "merchant": merchant}
