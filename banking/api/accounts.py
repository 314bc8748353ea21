"""GET /accounts, /accounts/{id}, /accounts/{id}/balances."""

from typing import Any
from uuid import UUID

from django.utils import timezone

from banking.api.cursors import PAGE, Page
from banking.api.money import money
from banking.api.operation import operation
from banking.api.representations import Account, Balances, PageOf
from banking.api.responses import Ok
from banking.api.views import BankView, account_or_404
from banking.models import Account as AccountRow
from banking.notation import iban
from banking.notation.timestamps import timestamp
from oauth.resource_server import TokenRequest

_FIELDS = ("id", "type", "currency", "name", "status", "iban", "opened_at", "dormant_since")


class AccountList(BankView):
    tag = "Accounts"
    required_scopes = {"GET": ["accounts:read"]}
    query_parameters = {"GET": PAGE}

    @operation("List accounts")
    def get(self, request: TokenRequest) -> Ok[PageOf[Account]]:
        page = Page(request, "accounts")
        after = None if page.after is None else UUID(page.after)
        rows = AccountRow.objects.rows_visible_to(
            request.token, "accounts", *_FIELDS, after=after, limit=page.limit + 1
        )
        return Ok(page.envelope([_represent(row, request) for row in rows], key="id"))


class AccountDetail(BankView):
    tag = "Accounts"
    required_scopes = {"GET": ["accounts:read"]}

    @operation("Read an account")
    def get(self, request: TokenRequest, account_id: str) -> Ok[Account]:
        return Ok(_represent(account_or_404(request, account_id, *_FIELDS, action="accounts"), request))


class BalanceDetail(BankView):
    tag = "Accounts"
    required_scopes = {"GET": ["balances:read"]}

    @operation("Read balances")
    def get(self, request: TokenRequest, account_id: str) -> Ok[Balances]:
        fields = ("posted_minor", "held_minor", "overdraft_minor", "last_seq")
        account = account_or_404(request, account_id, *fields, action="balances")
        posted, held, overdraft, last_seq = (account[field] for field in fields)
        currency = account["currency"]
        answer: Ok[Balances] = Ok(
            {
                "account_id": account["id"],
                "booked": money(currency, posted),
                "held": money(currency, held),
                "available": money(currency, posted - held + overdraft),
                "overdraft_limit": money(currency, overdraft),
                "as_of": timestamp(timezone.now()),
                "last_seq": last_seq,
            }
        )
        # Weak, because `as_of` differs even if no money has moved.
        answer["ETag"] = f'W/"{last_seq}.{held}.{overdraft}"'
        return answer


def _represent(row: dict[str, Any], request: TokenRequest) -> Account:
    number: str | None = row["iban"]
    sees_detail = "accounts:detail" in request.claims.scopes
    return {
        "id": row["id"],
        "type": row["type"],
        "currency": row["currency"],
        "name": row["name"],
        "status": row["status"],
        "identifiers": [{"scheme": "iban", "value": number if sees_detail or not number else iban.masked(number)}],
        "opened_at": timestamp(row["opened_at"]),
        "dormant_since": timestamp(row["dormant_since"]) if row["dormant_since"] else None,
    }
