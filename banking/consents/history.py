"""How far back an app may read: `history_from` in details of type `account_information` (RFC 9396)."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from django.utils.dateparse import parse_date

from banking.notation import bank_day

Details = Iterable[Mapping[str, Any]]


def histories(details: Details) -> Iterator[tuple[list[str], datetime]]:
    """(accounts, since) for each consent that limits the history. An empty list means all accounts."""
    for detail in details:
        if day := parse_date(detail.get("history_from", "")):
            yield detail.get("accounts", []), bank_day.begins_at(day)


def history_of_account(details: Details, account_id: object) -> datetime | None:
    """Since when the app may read the account's history. If there are several consents, the shortest history
    applies.
    """
    limits = [since for accounts, since in histories(details) if not accounts or str(account_id) in accounts]
    return max(limits, default=None)
