"""Posting a transaction to the ledger."""

from collections.abc import Sequence
from datetime import datetime

from django.db import IntegrityError, transaction
from django.utils import timezone

from banking.ledger.refusals import CurrencyMismatch, SameAccount, from_database
from banking.models import Account, LedgerEntry, LedgerSeal, LedgerTransaction


def post(
    entries: Sequence[tuple[Account, int]],
    *,
    description: str,
    kind: str,
    created_at: datetime | None = None,
) -> LedgerTransaction:
    """One balanced transaction: (account, amount in minor units, + is credit to the holder), at least two.

    Whole or not at all, also inside a larger transaction. Raises a LedgerRefusal; what the database refuses
    beyond that is a bug and stays an IntegrityError.
    """
    amounts = {account.pk: amount_minor for account, amount_minor in entries}
    if len(amounts) < len(entries):
        raise SameAccount
    try:
        with transaction.atomic():
            return _post(amounts, description=description, kind=kind, at=created_at or timezone.now())
    except IntegrityError as error:
        if refusal := from_database(error):
            raise refusal from error
        raise


def _post(amounts: dict, *, description: str, kind: str, at: datetime) -> LedgerTransaction:
    # One lock order everywhere: accounts by id. NO KEY, or it would fight the foreign keys' KEY SHARE locks.
    accounts = list(
        Account.objects.select_for_update(no_key=True, of=("self",))
        .select_related("holder")
        .filter(pk__in=amounts)
        .order_by("pk")
    )
    currencies = {account.currency for account in accounts}
    if len(currencies) != 1:
        raise CurrencyMismatch
    posted = LedgerTransaction.objects.create(
        currency=currencies.pop(), kind=kind, description=description, created_at=at
    )
    LedgerEntry.objects.bulk_create(
        LedgerEntry(
            transaction=posted,
            account=account,
            currency=posted.currency,
            amount_minor=amounts[account.pk],
            account_seq=0,  # set by the trigger, as is the next
            balance_after_minor=0,
            booked_at=at,
            **_counterparty(account, accounts),
        )
        for account in accounts
    )
    LedgerSeal.objects.create(transaction=posted, entries=len(accounts))
    return posted


def _counterparty(account: Account, accounts: Sequence[Account]) -> dict[str, str]:
    """Who is on the other side, where there is only one other side."""
    others = [other for other in accounts if other.pk != account.pk]
    if len(others) != 1:
        return {}
    other = others[0]
    if other.holder is None:
        return {"counterparty_name": other.name}
    name = other.name if other.holder_id == account.holder_id else (other.holder.get_full_name() or "")
    return {"counterparty_name": name, "counterparty_iban": other.iban or ""}
