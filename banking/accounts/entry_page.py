"""Reads the most requested page of an account's history with SQL that is compiled once. The ORM would take ten times as
long to build and compile the query as PostgreSQL takes to answer it.
"""

import json
from functools import cache
from typing import Any
from uuid import UUID

from django.db import DEFAULT_DB_ALIAS

from banking.accounts.history import FIELDS
from banking.accounts.merchants import with_merchant
from banking.models import LedgerEntry
from banking.models.ledger import MAX_SEQ
from oauth.fast_path.compiled_query import CompiledQuery

COLUMNS = (*FIELDS, "merchant")
#: Placeholders for the values of a request while the SQL is compiled.
_AN_ACCOUNT, _A_NUMBER = UUID(int=1), MAX_SEQ - 1


def newest_entries(
    account_id: UUID, *, before: int | None, limit: int, using: str = DEFAULT_DB_ALIAS
) -> list[dict[str, Any]]:
    """At most `limit` entries whose number is less than `before`, with COLUMNS, the newest first. The caller must apply
    consents and filters, which may leave out some of them.
    """
    number = MAX_SEQ if before is None else before
    rows = _compiled().rows({_AN_ACCOUNT: account_id, _A_NUMBER: number}, limit, using)
    return [_named(row) for row in rows]


def _named(row: tuple[Any, ...]) -> dict[str, Any]:
    """The row as a dict, like a row of `.values()`."""
    named = dict(zip(COLUMNS, row, strict=True))
    if named["merchant"] is not None:
        named["merchant"] = json.loads(named["merchant"])
    return named


@cache
def _compiled() -> CompiledQuery:
    def build() -> Any:
        entries = LedgerEntry.objects.filter(account_id=_AN_ACCOUNT, account_seq__lt=_A_NUMBER)
        return with_merchant(entries).order_by("-account_seq").values_list(*COLUMNS)

    return CompiledQuery(build, (_AN_ACCOUNT, _A_NUMBER))
