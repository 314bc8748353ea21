"""One example for each schema of a request or response; a test validates them against the schemas."""

from typing import Any

from banking.api.problem_types import PROBLEMS

_ACCOUNT = "01a9b3a4-6f1e-7c3a-9d55-2f1f8e0c1d21"
_OTHER = "01a9b3a4-6f1e-7c3a-9d55-2f1f8e0c1d22"
_TRANSFER = "01a9b3a4-7a10-7d6b-8a55-0b6c1f9e3a10"
_TRANSACTION = "01a9b3a4-7a11-7b20-9c1a-5d2e7f4a6b11"
_HOOK = "01a9b3a4-8c00-7aa0-8b7e-3c5d9e1f2a44"
_AT = "2026-11-24T09:30:00Z"
_TO_DORA = {"scheme": "iban", "identifier": "DE89370400440532013000", "name": "Dora Demir"}
_DORA_SHOWN = {"scheme": "iban", "identifier_masked": "DE•• •••• 3000", "name": "Dora Demir"}


def _gbp(minor_units: int) -> dict[str, Any]:
    return {"currency": "GBP", "minor_units": minor_units}


def _page(of: dict[str, Any]) -> dict[str, Any]:
    return {"data": [of], "next_cursor": None}


_ORDER = {
    "source_account_id": _ACCOUNT, "destination": _TO_DORA, "amount": _gbp(12_500), "reference": "INV 7",
}  # fmt: skip
_ACCOUNT_SHOWN = {
    "id": _ACCOUNT, "type": "current", "currency": "GBP", "name": "Everyday", "status": "open",
    "identifiers": [{"scheme": "iban", "value": "GB•• •••• 8162"}], "opened_at": _AT,
    "dormant_since": None,
}  # fmt: skip
_IN_STATEMENT = {
    "id": _TRANSACTION, "account_seq": 42, "status": "booked", "kind": "transfer",
    "bank_transaction_code": "PMNT-ICDT-XBCT", "direction": "out",
    "amount": _gbp(12_500), "balance_after": _gbp(87_500), "description": "INV 7",
    "counterparty": {"name": "Dora Demir", "identifier_masked": "DE•• •••• 3000"}, "end_to_end_id": "INV-7-2026",
    "transfer_id": _TRANSFER, "exchange_id": None, "scheduled_transfer_id": None, "reverses": None, "booked_at": _AT,
    "value_date": "2026-11-24",
}  # fmt: skip
_TRANSACTION_SHOWN = {
    **_IN_STATEMENT, "account_id": _ACCOUNT, "reversed_by": None, "category": "shopping",
    "merchant": {"name": "Dora's Bookshop", "category_code": "5942"},
}  # fmt: skip
_MONTH = {"id": "2026-10", "from": "2026-10-01T00:00:00Z", "to": "2026-11-01T00:00:00Z"}
_EXCHANGED = {
    "source_account_id": _ACCOUNT, "destination_account_id": _OTHER, "sell": _gbp(10_000),
    "buy": {"currency": "EUR", "minor_units": 11_641}, "rate": "1.16415", "created_at": _AT,
}  # fmt: skip
_EXCHANGE_SHOWN = {
    "id": _TRANSFER, "quote_id": _HOOK, **_EXCHANGED, "transaction_ids": [_TRANSACTION, _OTHER],
}  # fmt: skip
_PAYEE = {
    "id": _OTHER, "name": "Dora Demir", "scheme": "iban", "identifier_masked": "DE•• •••• 3000", "created_at": _AT,
}  # fmt: skip
_TRANSFER_SHOWN: dict[str, Any] = {
    "id": _TRANSFER, "status": "pending", "status_reason": None, "status_reason_code": None, "amount": _gbp(12_500),
    "source_account_id": _ACCOUNT, "source": {"account_id": _ACCOUNT}, "destination": _DORA_SHOWN,
    "reference": "INV 7", "end_to_end_id": None,
    "scheduled_transfer_id": None, "created_at": _AT, "updated_at": _AT, "settled_at": None,
    "transaction_ids": [],
    "reversed_by": None,
}  # fmt: skip
_SCHEDULED = {
    "id": _OTHER, "status": "active", "held_reason": None, "end_reason": None, "frequency": "monthly", "interval": 1,
    "first_on": "2027-01-31", "last_on": None, "next_on": "2027-02-01", "execution_rule": "following",
    "refusal": None, "retry_at": None, "amount": _gbp(12_500), "source_account_id": _ACCOUNT,
    "source": {"account_id": _ACCOUNT},
    "destination": _DORA_SHOWN, "reference": "INV 7", "created_at": _AT,
}  # fmt: skip
_DIRECT_DEBIT = {
    "id": _OTHER, "account_id": _ACCOUNT, "creditor": {"name": "City Power", "identifier_masked": "DE•• •••• 3000"},
    "creditor_id": "DE98ZZZ09999999999", "reference": "CP-2026-1", "sequence": "recurring", "status": "active",
    "last_collected": _gbp(4_500), "last_collected_at": _AT, "created_at": _AT, "cancelled_at": None,
}  # fmt: skip
_COLLECTION = {
    "id": _OTHER, "account_id": _ACCOUNT, "status": "collected", "status_reason": None, "status_reason_code": None,
    "transaction_id": _TRANSACTION, "amount": _gbp(4_500), "reference": "November", "received_at": _AT,
    "refundable_until": "2027-01-19", "refundable_if_unauthorized_until": "2027-12-24", "refund": None,
}  # fmt: skip
_WEBHOOK = {"id": _HOOK, "url": "https://app.example/hook", "events": ["transfer.updated"], "created_at": _AT}
_DELIVERY = {
    "id": _OTHER, "event": "transfer.updated", "status": "delivered", "attempts": 1, "last_answer": "200",
    "created_at": _AT, "delivered_at": _AT,
}  # fmt: skip

EXAMPLES: dict[str, dict[str, Any]] = {
    "Account": _ACCOUNT_SHOWN,
    "AccountList": _page(_ACCOUNT_SHOWN),
    "Balances": {
        "account_id": _ACCOUNT, "booked": _gbp(87_500), "held": _gbp(0), "available": _gbp(87_500),
        "overdraft_limit": _gbp(0), "as_of": _AT, "last_seq": 42,
    },
    "Transaction": _TRANSACTION_SHOWN,
    "TransactionList": _page(_TRANSACTION_SHOWN),
    "TransactionFeed": {"data": [_TRANSACTION_SHOWN], "next_cursor": "eyJ2Ijp7fX0:1vQ2:abc", "has_more": False},
    "Party": {"name": "Alice Archer", "email": "alice@example.com"},
    "StatementList": _page(_MONTH),
    "Statement": {
        **_MONTH, "account_id": _ACCOUNT, "opening_balance": _gbp(100_000), "closing_balance": _gbp(87_500),
        "transactions": [_IN_STATEMENT],
    },
    "Consent": {
        "client": {"id": "pocket-ledger", "name": "Pocket Ledger"}, "scopes": ["accounts:read", "balances:read"],
        "authorization_details": [], "accounts": [_ACCOUNT],
        "limits": [
            {
                "currency": "GBP", "fresh_log_in_from_minor_units": 1_000_000,
                "new_payee_minor_units": 1_000_000,
            },
        ],
        "granted_at": _AT, "expires_at": "2027-02-22T09:30:00Z", "confirm_by": "2027-02-22T09:30:00Z",
    },
    "LimitList": {
        "data": [
            {
                "currency": "GBP", "fresh_log_in_from": _gbp(1_000_000), "ordered": _gbp(12_500),
                "own_limit": _gbp(50_000), "paid_to_others": _gbp(12_500), "new_payees_limit": _gbp(1_000_000),
                "new_payee_hours": 24,
            },
        ],
    },
    "NewQuote": {"source_account_id": _ACCOUNT, "destination_account_id": _OTHER, "amount": _gbp(10_000)},
    "ExchangeQuote": {
        "id": _HOOK, **_EXCHANGED, "mid_rate": "1.17", "spread_percent": "0.5", "expires_at": "2026-11-24T09:30:30Z",
        "exchange_id": None,
    },
    "NewExchange": {"quote_id": _HOOK},
    "Exchange": _EXCHANGE_SHOWN,
    "ExchangeList": _page(_EXCHANGE_SHOWN),
    "NewFundsConfirmation": {"account_id": _ACCOUNT, "amount": _gbp(12_500)},
    "FundsConfirmation": {"account_id": _ACCOUNT, "amount": _gbp(12_500), "is_available": True, "confirmed_at": _AT},
    "NewRefund": {"reason": "disputed"},
    "DirectDebitCollection": _COLLECTION,
    "DirectDebitCollectionList": _page(_COLLECTION),
    "DirectDebit": _DIRECT_DEBIT,
    "DirectDebitList": _page(_DIRECT_DEBIT),
    "NewPayee": _TO_DORA,
    "Payee": _PAYEE,
    "PayeeList": _page(_PAYEE),
    "PayeeCheck": {"result": "close_match", "name": "Dora Demir"},
    "NewTransfer": {**_ORDER, "end_to_end_id": "INV-7-2026"},
    "Transfer": _TRANSFER_SHOWN,
    "TransferList": _page(_TRANSFER_SHOWN),
    "Rehearsal": {
        "status": "pending", "amount": _gbp(12_500), "source_account_id": _ACCOUNT, "source": {"account_id": _ACCOUNT},
        "destination": _DORA_SHOWN,
        "reference": "INV 7", "available_after": _gbp(75_000),
    },
    "NewScheduledTransfer": {**_ORDER, "first_on": "2027-01-31", "frequency": "monthly"},
    "ScheduledTransferChanges": {"amount": _gbp(13_000), "last_on": None},
    "ScheduledTransfer": _SCHEDULED,
    "ScheduledTransferList": _page(_SCHEDULED),
    "NewWebhook": {"url": "https://app.example/hook", "events": ["transfer.updated"]},
    "Webhook": _WEBHOOK,
    "WebhookList": _page(_WEBHOOK),
    "DeliveryList": _page(_DELIVERY),
    "Nothing": {},
}  # fmt: skip

#: For each status, the most frequent problem.
_USUAL = {
    400: "malformed_request", 401: "invalid_token", 403: "insufficient_scope", 404: "not_found",
    405: "method_not_allowed", 406: "not_acceptable", 409: "request_in_progress", 413: "too_large",
    415: "unsupported_media_type", 422: "insufficient_funds", 429: "rate_limited", 503: "temporarily_unavailable",
}  # fmt: skip
PROBLEM: dict[int, dict[str, Any]] = {
    status: {
        "type": f"https://bank.example/problems/{code}",
        "title": PROBLEMS[code][0],
        "status": status,
        "detail": PROBLEMS[code][1],
        "instance": "urn:uuid:5f0f2e0c7a1b4c3d8e9f0a1b2c3d4e5f",
        "code": code,
    }
    for status, code in _USUAL.items()
}
