"""Reverses a transaction by a second one, because rows of the ledger never change."""

from collections.abc import Callable

from banking.ledger.posting import post
from banking.ledger.refusals import HalfOfExchange, NotReversible
from banking.models import Account, LedgerTransaction

_LONGEST = LedgerTransaction._meta.get_field("description").max_length


def reverse(
    original: LedgerTransaction,
    *,
    kind: str = "",
    suspense: Account | None = None,
    approve: Callable[[LedgerTransaction], None] | None = None,
) -> LedgerTransaction:
    """Posts the opposite entries, once per transaction: the database refuses a second reversal, and a reversal of a
    reversal. Raises a Refusal, for example if the money has been spent since.

    `suspense` replaces the bank's own account of the original transaction, because money that has left the bank
    cannot come from there. `approve` is as in `post`. `kind` is `reversal`, `return` if the money comes from another
    bank, or `refund` of a direct debit. Users see the counterparty of the original transaction, never one of the bank's
    own accounts.
    """
    if original.reverses_id is not None:
        raise NotReversible
    if original.exchange_id is not None:
        raise HalfOfExchange
    kind = kind or ("reversal" if suspense is None else "return")
    undone = list(original.entries.select_related("account"))
    of_customers = [entry for entry in undone if entry.account.kind == Account.Kind.CUSTOMER]
    entries = [
        (entry.account if suspense is None or entry in of_customers else suspense, -entry.amount_minor)
        for entry in undone
    ]
    counterparty = None
    if len(of_customers) == 1:
        counterparty = (of_customers[0].counterparty_name, of_customers[0].counterparty_iban)
    return post(
        entries,
        description=f"{kind.capitalize()}: {original.description}"[:_LONGEST],
        kind=kind,
        reverses=original,
        counterparty=counterparty,
        approve=approve,
    )
