"""What the bank keeps about a person, for settings.PERSONAL_DATA: their own accounts, and what happened in them."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from banking.models import Account, LedgerEntry, Payee

Section = tuple[str, Iterable[Mapping[str, object]]]


def of(user: Any) -> Iterator[Section]:
    theirs = Account.objects.of(user.pk)
    yield (
        "accounts",
        theirs.values("id", "name", "iban", "currency", "status", "posted_minor", "held_minor", "opened_at"),
    )
    entries = LedgerEntry.objects.filter(account__in=theirs).order_by("account_id", "account_seq")
    yield "transactions", entries.values(
        "account_id", "account_seq", "booked_at", "currency", "amount_minor", "balance_after_minor",
        "counterparty_name", "counterparty_iban", "transaction__description",
    ).iterator()  # fmt: skip
    yield "payees", Payee.objects.filter(user=user).values("name", "iban", "created_at", "removed_at")
