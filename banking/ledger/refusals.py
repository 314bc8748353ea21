"""Why the ledger refuses: one class per problem type (RFC 9457), named as the API names it.

In English for programs; pages translate the text."""

from typing import ClassVar

from django.db import IntegrityError
from django.utils.translation import gettext_noop as _


class LedgerRefusal(Exception):
    code: ClassVar[str]
    title: ClassVar[str]
    status: ClassVar[int] = 422

    def __init__(self, detail: str = "", *, pointer: str | None = None, **members: str) -> None:
        """`members` go into the problem document beside the usual ones (RFC 9457 §3.2)."""
        super().__init__(detail or self.title)
        self.members = members
        self.detail = detail or self.title
        self.pointer = pointer


class InsufficientFunds(LedgerRefusal):
    code = "insufficient_funds"
    title = _("The account does not hold enough for this.")


class AccountNotOpen(LedgerRefusal):
    code = "account_not_open"
    title = _("The account is frozen or closed.")
    status = 409


class CurrencyMismatch(LedgerRefusal):
    code = "currency_mismatch"
    title = _("Both accounts and the amount need the same currency.")


class SameAccount(LedgerRefusal):
    code = "same_account"
    title = _("Source and destination are the same account.")


class AmountOutOfRange(LedgerRefusal):
    code = "amount_out_of_range"
    title = _("The amount is not between 1 and 10^15 minor units.")


class PayeeUnreachable(LedgerRefusal):
    code = "payee_unreachable"
    title = _("No payment can be made to this destination.")


class LimitExceeded(LedgerRefusal):
    code = "limit_exceeded"
    title = _("This is more than may go to a new payee.")


class DuplicateTransfer(LedgerRefusal):
    code = "duplicate_transfer"
    title = "The same payment was ordered a moment ago."
    status = 409


class AlreadyReversed(LedgerRefusal):
    code = "already_reversed"
    title = _("The transaction was reversed before.")
    status = 409


_BY_CONSTRAINT: dict[str, type[LedgerRefusal]] = {
    "no_overdraft": InsufficientFunds,
    "account_not_open": AccountNotOpen,
    "entry_account_currency": CurrencyMismatch,
    "entry_transaction_currency": CurrencyMismatch,
    "entry_amount_in_range": AmountOutOfRange,
    "entry_once_per_account": SameAccount,
    "ledger_transaction_reverses_id_key": AlreadyReversed,
}


def from_database(error: IntegrityError) -> LedgerRefusal | None:
    """The refusal that a violated constraint means; None for one that only a bug can violate."""
    diagnostics = getattr(error.__cause__, "diag", None)
    refusal = _BY_CONSTRAINT.get(getattr(diagnostics, "constraint_name", None) or "")
    return refusal() if refusal else None
