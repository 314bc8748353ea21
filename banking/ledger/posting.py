"""Posting a transaction to the ledger: one call of the database function `ledger_post`."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils import timezone
from uuid_utils.compat import uuid7

from banking.ledger.refusals import from_database
from banking.models import Account, Hold, LedgerTransaction
from banking.notation import bank_day
from oauth.infrastructure.rows import changed, rows

_POST = (
    "SELECT ledger_post(%s::uuid, %s::text, %s::text, %s::timestamptz, %s::date, %s::uuid, %s::uuid, %s::uuid[],"
    " %s::bigint[], %s::text, %s::text)"
)
_HEADER = "SELECT write_header(%s::uuid, %s::text, %s::text, %s::timestamptz, %s::uuid, %s::uuid[])"
_HALF = (
    "INSERT INTO ledger_transaction (id, currency, kind, description, created_at, exchange_id)"
    " VALUES (%s::uuid, %s::text, %s::text, %s::text, %s::timestamptz, %s::uuid)"
)
_ENTRIES = (
    "SELECT write_entries(%s::uuid, %s::timestamptz, %s::date, %s::uuid, %s::uuid[], %s::bigint[], %s::text, %s::text)"
)


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
    exchange_id: UUID | None = None,
) -> LedgerTransaction:
    """Posts one balanced transaction. Each entry is (account, amount in minor units); + is credit to the holder.

    `capturing` is a hold that this transaction replaces, `reverses` a transaction that it reverses, which is possible
    once. `counterparty` (name, IBAN) is the other side if it is at another bank; otherwise it is the other account.
    `approve` stores that two officers approved this transaction, before its first entry: the database then lets it
    debit a frozen account. `exchange_id` is the exchange of which this is one half; the caller has locked its accounts.

    All or nothing, also inside a larger database transaction. Raises a Refusal. An IntegrityError is a bug.
    """
    posted = LedgerTransaction(
        id=uuid7(),
        kind=kind,
        description=description,
        created_at=created_at or timezone.now(),
        reverses=reverses,
        currency=entries[0][0].currency,
        exchange_id=exchange_id,
    )
    accounts = [account.pk for account, _ in entries]
    header = [posted.pk, kind, description, posted.created_at]
    undone = reverses.pk if reverses else None
    value_day = bank_day.day_of(posted.created_at)
    sides: list[Any] = [
        capturing.pk if capturing else None,
        accounts,
        [amount for _, amount in entries],
        *(counterparty or (None, None)),
    ]
    try:
        with transaction.atomic():
            if exchange_id is not None:
                changed(_HALF, [posted.pk, posted.currency, kind, description, posted.created_at, exchange_id])
                rows(_ENTRIES, [posted.pk, posted.created_at, value_day, *sides])
            elif approve is None:
                rows(_POST, [*header, value_day, undone, *sides])
            else:
                rows(_HEADER, [*header, undone, accounts])
                posted._state.adding = False
                approve(posted)
                rows(_ENTRIES, [posted.pk, posted.created_at, value_day, *sides])
    except IntegrityError as error:
        if refusal := from_database(error):
            raise refusal from error
        raise
    posted._state.adding = False
    return posted


def lock(accounts: Iterable[UUID]) -> list[Account]:
    """Locks accounts in the common order: customers' accounts by id, then their holds and transfers, then the bank's
    own accounts by id. With FOR NO KEY UPDATE, because FOR UPDATE would conflict with the KEY SHARE locks of foreign
    keys.
    """
    return list(
        Account.objects.select_for_update(no_key=True, of=("self",))
        .select_related("holder")
        .filter(pk__in=list(accounts))
        .order_by("pk")
    )
