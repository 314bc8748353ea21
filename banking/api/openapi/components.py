"""Schemas of what is sent both ways: closed, so that a checker finds what is not described."""

from typing import Any

from banking.api.json import UNSEEN
from banking.api.problem_types import PROBLEMS
from banking.models import Event
from banking.models.ledger import MAX_AMOUNT_MINOR

Schema = dict[str, Any]
UUID: Schema = {"type": "string", "format": "uuid"}
MONTH: Schema = {"type": "string", "pattern": "^20[0-9]{2}-(0[1-9]|1[0-2])$", "examples": ["2026-10"]}
_TIME: Schema = {"type": "string", "format": "date-time", "examples": ["2026-11-24T09:30:00Z"]}
_DAY: Schema = {"type": "string", "format": "date", "pattern": r"^\d{4}-\d{2}-\d{2}$"}
_CURRENCY: Schema = {"type": "string", "pattern": "^[A-Z]{3}$", "description": "ISO 4217", "examples": ["GBP"]}


_WORDS = rf"^[^\s{UNSEEN}]+( [^\s{UNSEEN}]+)*$"


def ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def _object(optional: tuple[str, ...] = (), description: str = "", /, **properties: Schema) -> Schema:
    schema: Schema = {
        "type": "object",
        "properties": properties,
        "required": [name for name in properties if name not in optional],
        "additionalProperties": False,
    }
    return schema | ({"description": description} if description else {})


def _text(most: int, *examples: str) -> Schema:
    """What people write: no control characters, not empty or blank."""
    schema: Schema = {"type": "string", "minLength": 1, "maxLength": most, "pattern": _WORDS}
    return schema | ({"examples": list(examples)} if examples else {})


def _enum(*values: str) -> Schema:
    return {"type": "string", "enum": list(values)}


def _nullable(schema: Schema) -> Schema:
    return {"anyOf": [schema, {"type": "null"}]}


def _list(name: str) -> Schema:
    return _object(
        data={"type": "array", "items": ref(name)},
        next_cursor=_nullable({"type": "string", "description": "Send it as `cursor` to go on."}),
    )


_IBAN: Schema = {
    "type": "string",
    "format": "iban",
    "minLength": 15,
    "maxLength": 42,
    "examples": ["DE89 3704 0044 0532 0130 00"],
}
_STATUS_OF_TRANSFER = _enum("pending", "posted", "rejected", "cancelled", "expired")
_TO_AN_IBAN = _object(scheme=_enum("iban"), identifier=_IBAN, name=_text(140, "Dora Demir"))
_OWN_ACCOUNT = _object(account_id=UUID)
_DESTINATION = {"oneOf": [_OWN_ACCOUNT, _object(payee_id=UUID), _TO_AN_IBAN]}
_ANSWERED_DESTINATION = {
    "oneOf": [
        _OWN_ACCOUNT,
        _object(scheme=_enum("iban"), identifier_masked={"type": "string"}, name=_nullable({"type": "string"})),
    ]
}
_NEW_TRANSFER = {
    "source_account_id": UUID,
    "destination": ref("Destination"),
    "amount": ref("AmountToPay"),
    "reference": _text(140, "INV 7"),
}

SCHEMAS: dict[str, Schema] = {
    "Money": _object(currency=_CURRENCY, minor_units={"type": "integer", "description": "1234 is 12.34 in GBP"}),
    "AmountToPay": _object(
        currency=_CURRENCY, minor_units={"type": "integer", "minimum": 1, "maximum": MAX_AMOUNT_MINOR}
    ),
    "Problem": _object(
        ("errors", "duplicate_of"),
        "RFC 9457. `code` is what a program reads; `type` is a page for people.",
        type={"type": "string", "format": "uri"},
        title={"type": "string"},
        status={"type": "integer"},
        detail={"type": "string"},
        instance={"type": "string", "description": "The id of the request, as in X-Request-Id."},
        code=_enum(*sorted(PROBLEMS)),
        duplicate_of=UUID,
        errors={
            "type": "array",
            "items": _object(pointer={"type": "string"}, code={"type": "string"}, detail={"type": "string"}),
        },
    ),
    "Account": _object(
        id=UUID,
        type=_enum("current", "savings"),
        currency=_CURRENCY,
        name={"type": "string"},
        status=_enum("open", "frozen", "closed"),
        identifiers={
            "type": "array",
            "items": _object(scheme=_enum("iban"), value=_nullable({"type": "string"})),
            "description": "Whole with the scope accounts:detail, else partly hidden.",
        },
        opened_at=_TIME,
    ),
    "AccountList": _list("Account"),
    "Balances": _object(
        account_id=UUID,
        booked=ref("Money"),
        held=ref("Money"),
        available=ref("Money"),
        overdraft_limit=ref("Money"),
        as_of=_TIME,
        last_seq={"type": "integer", "description": "Of the newest transaction; the same number, the same balance."},
    ),
    "Transaction": _object(
        id=UUID,
        account_seq=_nullable({"type": "integer", "minimum": 1, "description": "Strictly rising, without gaps."}),
        status=_enum("booked", "pending"),
        kind={"type": "string"},
        direction=_enum("in", "out"),
        amount=ref("Money"),
        balance_after=_nullable(ref("Money")),
        description={"type": "string"},
        counterparty=_object(name={"type": "string"}, identifier_masked=_nullable({"type": "string"})),
        transfer_id=_nullable(UUID),
        booked_at=_nullable(_TIME),
    ),
    "TransactionList": _list("Transaction"),
    "StatementSummary": _object(id=MONTH, **{"from": _TIME, "to": _TIME}),
    "StatementList": _list("StatementSummary"),
    "Statement": _object(
        id=MONTH,
        account_id=UUID,
        **{"from": _TIME, "to": _TIME},
        opening_balance=ref("Money"),
        closing_balance=ref("Money"),
        transactions={"type": "array", "items": ref("Transaction")},
    ),
    "Consent": _object(
        client=_object(id={"type": "string"}, name={"type": "string"}),
        scopes={"type": "array", "items": {"type": "string"}},
        authorization_details={"type": "array", "items": {"type": "object"}, "description": "RFC 9396"},
        accounts={"type": "array", "items": UUID},
        limits=_object(fresh_log_in_from_minor_units={"type": "integer"}, new_payee_minor_units={"type": "integer"}),
        granted_at=_nullable(_TIME),
        expires_at=_nullable(_TIME),
        confirm_by=_nullable(
            {**_TIME, "description": "The person has to allow it anew until then; `consent.confirm_due` comes before."}
        ),
    ),
    "NewPayee": _TO_AN_IBAN,
    "Payee": _object(
        id=UUID,
        name={"type": "string"},
        scheme=_enum("iban"),
        identifier_masked={"type": "string"},
        created_at=_TIME,
    ),
    "PayeeList": _list("Payee"),
    "PayeeCheck": _object(
        result=_enum("match", "close_match", "no_match", "not_available"),
        name=_nullable({"type": "string", "description": "With close_match: the name as the bank knows it."}),
    ),
    "Destination": _DESTINATION,
    "NewTransfer": _object(("end_to_end_id",), **_NEW_TRANSFER, end_to_end_id=_text(35)),
    "Transfer": _object(
        id=UUID,
        status=_STATUS_OF_TRANSFER,
        status_reason=_nullable({"type": "string"}),
        amount=ref("Money"),
        source=_OWN_ACCOUNT,
        destination=_ANSWERED_DESTINATION,
        reference={"type": "string"},
        end_to_end_id=_nullable({"type": "string"}),
        scheduled_transfer_id=_nullable(UUID),
        created_at=_TIME,
        settled_at=_nullable(_TIME),
        transaction_ids={"type": "array", "items": UUID},
    ),
    "TransferList": _list("Transfer"),
    "Rehearsal": _object(
        status=_STATUS_OF_TRANSFER,
        amount=ref("Money"),
        source=_OWN_ACCOUNT,
        destination=_ANSWERED_DESTINATION,
        reference={"type": "string"},
        available_after=ref("Money"),
    ),
    "NewScheduledTransfer": _object(
        ("last_on",),
        **_NEW_TRANSFER,
        first_on=_DAY,
        frequency=_enum("once", "weekly", "monthly"),
        last_on=_DAY,
    ),
    "ScheduledTransfer": _object(
        id=UUID,
        status=_enum("active", "held", "completed", "cancelled"),
        held_reason=_nullable(_enum("app_removed", "app_disabled", "staff")),
        frequency=_enum("once", "weekly", "monthly"),
        first_on=_DAY,
        last_on=_nullable(_DAY),
        next_on=_nullable(_DAY),
        amount=ref("Money"),
        source=_OWN_ACCOUNT,
        destination=_ANSWERED_DESTINATION,
        reference={"type": "string"},
        created_at=_TIME,
    ),
    "ScheduledTransferList": _list("ScheduledTransfer"),
    "NewWebhook": _object(
        url={"type": "string", "format": "https-url", "maxLength": 2000, "description": "https, of a public host."},
        events={
            "type": "array",
            "items": _enum(*(event.value for event in Event if event != Event.PING)),
            "minItems": 1,
            "maxItems": 4,
        },
    ),
    "Webhook": _object(
        id=UUID, url={"type": "string"}, events={"type": "array", "items": {"type": "string"}}, created_at=_TIME
    ),
    "WebhookList": _list("Webhook"),
    "Delivery": _object(
        id=UUID,
        event=_enum(*(event.value for event in Event)),
        status=_enum("pending", "delivered", "failed", "dropped"),
        attempts={"type": "integer"},
        last_answer=_nullable({"type": "string"}),
        created_at=_TIME,
        delivered_at=_nullable(_TIME),
    ),
    "DeliveryList": _list("Delivery"),
    "Nothing": _object(),
}
