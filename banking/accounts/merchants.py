"""Reads the merchants of transactions and transfers in the same query as their rows, with one index lookup for each
row.
"""

from typing import Any, TypeVar

from django.db.models import Case, CharField, F, OuterRef, QuerySet, Subquery, Value, When
from django.db.models.functions import JSONObject, NullIf, Upper

from banking.models import LedgerEntry, Merchant, Transfer

_Q = TypeVar("_Q", bound="QuerySet[Any]")

#: The column of the counterparty's IBAN, and the texts that identify the counterparty if there is no IBAN.
_COLUMNS: dict[Any, tuple[str, tuple[str, ...]]] = {
    LedgerEntry: ("counterparty_iban", ("counterparty_name", "transaction__description")),
    Transfer: ("payee_iban", ()),
}
#: The kinds of transactions whose texts the bank's own systems write. The texts of all other kinds are written by the
#: payer.
_WRITTEN_BY_THE_BANK = ("card", "direct_debit")


def with_merchant(rows: _Q) -> _Q:
    """Annotates each row with `merchant`: None or `{"name", "category", "category_code"}`."""
    member = JSONObject(name="name", category="category", category_code="category_code")
    keyed, merchants = _keyed(rows)
    found: _Q = keyed.annotate(merchant=Subquery(merchants.annotate(member=member).values("member")[:1]))
    return found


def of_category(rows: _Q, category: str) -> _Q:
    """The entries whose merchant has the category."""
    keyed, merchants = _keyed(rows)
    found: _Q = keyed.alias(category=Subquery(merchants.values("category")[:1])).filter(category=category)
    return found


def _keyed(rows: _Q) -> tuple[_Q, QuerySet[Merchant]]:
    """The rows, and a query of the merchants of one row, for use as a subquery."""
    iban, texts = _COLUMNS[rows.model]
    keys: dict[str, Any] = {"key_of_iban": NullIf(F(iban), Value(""))}
    for number, text in enumerate(texts):
        is_trusted = When(**{iban: ""}, transaction__kind__in=_WRITTEN_BY_THE_BANK, then=Upper(text))
        keys[f"key_of_text_{number}"] = Case(is_trusted, output_field=CharField())
    keyed: _Q = rows.alias(**keys)
    # Compared with expressions that contain no column of `merchant`, so that its index can be used.
    merchants = Merchant.objects.alias(key=Upper("counterparty")).filter(key__in=[OuterRef(name) for name in keys])
    return keyed, merchants.order_by("pk")
