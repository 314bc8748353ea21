"""Posting a transaction to the ledger."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils import timezone

from banking.ledger.refusals import CurrencyMismatch, SameAccount, from_database
from banking.models import Account, Hold, LedgerEntry, LedgerSeal, LedgerTransaction


def post(
    entries: Sequence[tuple[Account, int]],
    *,
    description: str,
    kind: str,
    created_at: datetime | None = None,
    capturing: Hold | None = None,
    reverses: LedgerTransaction | None = None,
    counterparty: tuple[str, str] | None = None,
) -> LedgerTransaction:
    """One balanced transaction: (account, amount in minor units, + is credit to the holder), at least two.

    `capturing` is a hold that this transaction takes the place of, `reverses` one that it undoes (once). Of a
    customer the `counterparty` (name, IBAN) is the account on the other side, unless somebody beyond this bank is.

    Whole or not at all, also inside a larger transaction. Raises a Refusal; what the database refuses
    beyond that is a bug and stays an IntegrityError.
    """
    amounts = {account.pk: amount_minor for account, amount_minor in entries}
    if len(amounts) < len(entries):
        raise SameAccount
    internal = [account for account, _ in entries if account.kind == Account.Kind.INTERNAL]
    try:
        with transaction.atomic():
            header = LedgerTransaction(
                kind=kind, description=description, created_at=created_at or timezone.now(), reverses=reverses
            )
            return _post(header, amounts, internal, capturing, counterparty)
    except IntegrityError as error:
        if refusal := from_database(error):
            raise refusal from error
        raise


def lock(accounts: Iterable[UUID]) -> list[Account]:
    """One lock order everywhere: customers' accounts by id, then their holds and transfers, then the bank's own by id.
    NO KEY, or it would fight the foreign keys' KEY SHARE locks."""
    return list(
        Account.objects.select_for_update(no_key=True, of=("self",))
        .select_related("holder")
        .filter(pk__in=list(accounts))
        .order_by("pk")
    )


def _post(
    posted: LedgerTransaction,
    amounts: dict[UUID, int],
    internal: list[Account],
    hold: Hold | None,
    outside: tuple[str, str] | None,
) -> LedgerTransaction:
    # The bank's own accounts come last and are locked by their entry alone, the last statement before the seal: every
    # payment touches one, so it is held for as short as can be. Nothing about them needs to be read under the lock.
    accounts = [
        *lock(amounts.keys() - {account.pk for account in internal}),
        *sorted(internal, key=lambda account: account.pk),
    ]
    currencies = {account.currency for account in accounts}
    if len(currencies) != 1:
        raise CurrencyMismatch
    posted.currency = currencies.pop()
    posted.save(force_insert=True)
    if hold:
        # Before the entries: what is held is not there to be spent.
        Hold.objects.filter(pk=hold.pk).update(status=Hold.Status.CAPTURED, captured_by=posted)
    LedgerEntry.objects.bulk_create(
        LedgerEntry(
            transaction=posted,
            account=account,
            currency=posted.currency,
            amount_minor=amounts[account.pk],
            account_seq=0,  # set by the trigger, as is the next
            balance_after_minor=0,
            booked_at=posted.created_at,
            **_counterparty(account, accounts, outside),
        )
        for account in accounts
    )
    LedgerSeal.objects.create(transaction=posted, entries=len(accounts))
    return posted


def _counterparty(account: Account, accounts: Sequence[Account], outside: tuple[str, str] | None) -> dict[str, str]:
    """Who is on the other side, where there is only one other side."""
    if outside and account.kind == Account.Kind.CUSTOMER:
        return {"counterparty_name": outside[0], "counterparty_iban": outside[1]}
    others = [other for other in accounts if other.pk != account.pk]
    if len(others) != 1:
        return {}
    other = others[0]
    if other.holder is None:
        return {"counterparty_name": other.name}
    name = other.name if other.holder_id == account.holder_id else (other.holder.get_full_name() or "")
    return {"counterparty_name": name, "counterparty_iban": other.iban or ""}
