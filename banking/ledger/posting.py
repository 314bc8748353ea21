"""Posting a transaction to the ledger."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils import timezone

from banking.ledger.refusals import CurrencyMismatch, SameAccount, from_database
from banking.models import Account, Hold, LedgerEntry, LedgerSeal, LedgerTransaction
from banking.notation import bank_day


def post(
    entries: Sequence[tuple[Account, int]],
    *,
    description: str,
    kind: str,
    created_at: datetime | None = None,
    capturing: Hold | None = None,
    reverses: LedgerTransaction | None = None,
    counterparty: tuple[str, str] | None = None,
    approve: Callable[[LedgerTransaction], None] | None = None,
) -> LedgerTransaction:
    """Posts one balanced transaction. Each entry is (account, amount in minor units); + is credit to the holder.

    `capturing` is a hold that this transaction replaces, `reverses` a transaction that it undoes, which works once.
    `counterparty` (name, IBAN) is the other side if it is at another bank; otherwise it is the other account.
    `approve` stores that two officers approved this transaction, before its first entry: the database then lets it
    debit a frozen account.

    All or nothing, also inside a larger database transaction. Raises a Refusal. An IntegrityError is a bug.
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
            return _post(header, amounts, internal, capturing, counterparty, approve)
    except IntegrityError as error:
        if refusal := from_database(error):
            raise refusal from error
        raise


def lock(accounts: Iterable[UUID]) -> list[Account]:
    """Locks accounts in the one order: customers' accounts by id, then their holds and transfers, then the bank's own
    accounts by id. NO KEY, because a full lock would conflict with the KEY SHARE locks of foreign keys."""
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
    approve: Callable[[LedgerTransaction], None] | None,
) -> LedgerTransaction:
    # The bank's own accounts come last, and only their entries lock them, just before the seal. Every payment touches
    # one, so the lock must be short. Nothing about these accounts is read under the lock.
    accounts = [
        *lock(amounts.keys() - {account.pk for account in internal}),
        *sorted(internal, key=lambda account: account.pk),
    ]
    value_date = bank_day.day_of(posted.created_at)
    currencies = {account.currency for account in accounts}
    if len(currencies) != 1:
        raise CurrencyMismatch
    posted.currency = currencies.pop()
    posted.save(force_insert=True)
    if approve:
        approve(posted)
    if hold:
        # Before the entries: money on hold cannot be spent.
        Hold.objects.filter(pk=hold.pk).update(status=Hold.Status.CAPTURED, captured_by=posted)
    LedgerEntry.objects.bulk_create(
        LedgerEntry(
            transaction=posted,
            account=account,
            currency=posted.currency,
            amount_minor=amounts[account.pk],
            account_seq=0,  # the trigger sets this and the balance
            balance_after_minor=0,
            booked_at=posted.created_at,  # from the site's role, the trigger takes its own clock
            value_date=value_date,
            **_counterparty(account, accounts, outside),
        )
        for account in accounts
    )
    LedgerSeal.objects.create(transaction=posted, entries=len(accounts))
    return posted


def _counterparty(account: Account, accounts: Sequence[Account], outside: tuple[str, str] | None) -> dict[str, str]:
    """The name and IBAN on the other side; empty if there is more than one."""
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
