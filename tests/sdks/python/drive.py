"""Uses the client that openapi-python-client generates, as an app does: a token, accounts, history, a payment, a
problem.
"""

import json
import os
from http import HTTPStatus

import httpx
from bank_api_client import AuthenticatedClient
from bank_api_client.api.accounts import get_accounts, get_transactions, post_funds_confirmations
from bank_api_client.api.direct_debits import get_direct_debits, post_direct_debit_cancel
from bank_api_client.api.transfers import post_transfer_rehearsals, post_transfers
from bank_api_client.models import (
    AccountDestination,
    AccountDestinationScheme,
    AmountToPay,
    DirectDebitStatus,
    NewFundsConfirmation,
    NewTransfer,
    Problem,
)

grant = json.loads(os.environ["GRANT"])
token = httpx.post(grant.pop("token_endpoint"), data=grant).raise_for_status().json()["access_token"]

with AuthenticatedClient(base_url=os.environ["API"], token=token) as client:
    accounts = get_accounts.sync(client=client)
    source, destination = [one for one in accounts.data if one.currency == "GBP"][:2]

    seen, pages, cursor = 0, 0, {}
    while cursor is not None:
        page = get_transactions.sync(source.id, client=client, limit=10, **cursor)
        seen, pages = seen + len(page.data), pages + 1
        cursor = {"cursor": page.next_cursor} if page.next_cursor else None

    to_own = AccountDestination(scheme=AccountDestinationScheme.ACCOUNT, account_id=destination.id)
    order = NewTransfer(
        source_account_id=source.id,
        destination=to_own,
        amount=AmountToPay(currency="GBP", minor_units=101),
        reference=os.environ["REFERENCE"],
    )
    rehearsed = post_transfer_rehearsals.sync(client=client, body=order)
    first = post_transfers.sync_detailed(client=client, body=order, idempotency_key=os.environ["KEY"])
    again = post_transfers.sync_detailed(client=client, body=order, idempotency_key=os.environ["KEY"])
    assert first.status_code == again.status_code == HTTPStatus.CREATED
    assert isinstance(first.parsed.destination, AccountDestination)

    order.amount.minor_units = 900_000_000_000_000
    refused = post_transfers.sync(client=client, body=order, idempotency_key=f"{os.environ['KEY']}-too-much")
    assert isinstance(refused, Problem)

    amount = AmountToPay(currency="GBP", minor_units=101)
    confirmed = post_funds_confirmations.sync(
        client=client, body=NewFundsConfirmation(account_id=source.id, amount=amount)
    )
    active = get_direct_debits.sync(client=client, status="active").data
    cancelled = post_direct_debit_cancel.sync(active[-1].id, client=client)

print(
    json.dumps(
        {
            "accounts": len(accounts.data),
            "transactions": seen,
            "pages": pages,
            "rehearsed": rehearsed.status.value,
            "transfer": str(first.parsed.id),
            "again": str(again.parsed.id),
            "replayed": again.headers.get("Idempotent-Replayed"),
            "paid_to": str(first.parsed.destination.account_id) == str(destination.id),
            "is_available": confirmed.is_available,
            "cancelled": str(cancelled.id) if cancelled.status == DirectDebitStatus.CANCELLED else None,
            "problem": refused.code.value,
        }
    )
)
