"""Refusals of the bank as problem documents (RFC 9457)."""

from typing import Any, cast

from banking.api.problems import problem
from banking.api.representations import Problem, ProblemPointer
from banking.ledger.refusals import NotAllowed, Refusal, WrongState

#: The field of a refusal -> the JSON Pointer (RFC 6901) to it in the body of a payment or exchange.
_POINTERS = {
    "amount": "/amount/minor_units",
    "currency": "/amount/currency",
    "destination": "/destination",
    "payee": "/destination/payee_id",
    "end_to_end_id": "/end_to_end_id",
    "destination_account": "/destination_account_id",
    "quote": "/quote_id",
}


def status_of(refusal: Refusal) -> int:
    match refusal:
        case NotAllowed():
            return 403
        case WrongState():
            return 409
        case _:
            return 422


def problem_of(refusal: Refusal) -> Problem:
    """The facts of the refusal become members beside the usual ones (RFC 9457 §3.2)."""
    errors: list[ProblemPointer] | None = None
    if refusal.field:
        errors = [{"pointer": _POINTERS[refusal.field], "code": refusal.code, "detail": refusal.detail}]
    made: Any = problem(refusal.code, status=status_of(refusal), detail=refusal.detail, errors=errors) | refusal.facts
    return cast(Problem, made)
