"""Why the bank refuses something: one class per reason.

A refusal does not depend on HTTP. The API maps it to a problem document, the web bank to a message on a page. Texts are
English, for programs and logs; pages translate them.
"""

from typing import ClassVar

from django.db import IntegrityError
from django.utils.translation import gettext_noop as _


class Refusal(Exception):
    """The request can never be carried out as it is.

    `code` is the reason for programs, `title` a sentence about it. `field` is the part of a payment order that the
    refusal is about, such as `currency`; `facts` are further values for the caller.
    """

    code: ClassVar[str]
    title: ClassVar[str]
    #: Whether the refusal is stored under the idempotency key, so that a retry gets it again. Otherwise the key stays
    #: unused.
    is_final: ClassVar[bool] = True

    def __init__(self, detail: str = "", *, field: str | None = None, **facts: str) -> None:
        super().__init__(detail or self.title)
        self.detail = detail or self.title
        self.field = field
        self.facts = facts


class WrongState(Refusal):
    """The state of the account, transfer or order does not allow the request."""


class NotAllowed(Refusal):
    """This user or this client may not do it."""


class InsufficientFunds(Refusal):
    code = "insufficient_funds"
    title = _("The account does not have enough money for this.")


class AccountNotOpen(WrongState):
    code = "account_not_open"
    title = _("The account is frozen or closed.")


class CurrencyMismatch(Refusal):
    code = "currency_mismatch"
    title = _("Both accounts and the amount must have the same currency.")


class SameAccount(Refusal):
    code = "same_account"
    title = _("Source and destination are the same account.")


class AmountOutOfRange(Refusal):
    code = "amount_out_of_range"
    title = _("The amount must be between 1 and 10^15 minor units.")


class BalanceOutOfRange(Refusal):
    """JSON parsers do not keep larger numbers exact."""

    code = "balance_out_of_range"
    title = _("An account cannot hold 2^53 minor units or more.")


class AlreadyReversed(WrongState):
    code = "already_reversed"
    title = _("The transaction has already been reversed.")


class NotReversible(WrongState):
    code = "not_reversible"
    title = _("A reversal cannot be reversed. Make a new transfer instead.")


class HalfOfExchange(WrongState):
    code = "half_of_exchange"
    title = _("One half of an exchange cannot be reversed alone. Exchange the money back instead.")


_BY_CONSTRAINT: dict[str, type[Refusal]] = {
    "no_overdraft": InsufficientFunds,
    "balance_in_range": BalanceOutOfRange,
    "account_not_open": AccountNotOpen,
    "entry_account_currency": CurrencyMismatch,
    "entry_transaction_currency": CurrencyMismatch,
    "entry_amount_in_range": AmountOutOfRange,
    "entry_once_per_account": SameAccount,
    "ledger_transaction_reverses_id_key": AlreadyReversed,
    "exchange_not_reversible": HalfOfExchange,
}


def from_database(error: IntegrityError) -> Refusal | None:
    """The refusal for a violated constraint; None if only a bug can violate it."""
    diagnostics = getattr(error.__cause__, "diag", None)
    return from_constraint(getattr(diagnostics, "constraint_name", None))


def from_constraint(name: str | None) -> Refusal | None:
    """The refusal for a constraint; None if only a bug can violate it."""
    refusal = _BY_CONSTRAINT.get(name or "")
    return refusal() if refusal else None
