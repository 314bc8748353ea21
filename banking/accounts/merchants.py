"""The merchants of transactions and transfers: read with their rows, by one look into an index for each."""

from typing import Any, TypeVar

from django.db.models import OuterRef, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce, JSONObject, NullIf, Upper

from banking.models import LedgerEntry, Merchant, Transfer

_Q = TypeVar("_Q", bound="QuerySet[Any]")

#: The columns of the counterparty: its IBAN, and what stands for it without one. A transfer has an IBAN, unless it is
#: between the user's own accounts.
_COLUMNS: dict[Any, tuple[str, tuple[str, ...]]] = {
    LedgerEntry: ("counterparty_iban", ("counterparty_name", "transaction__description")),
    Transfer: ("payee_iban", ("payee_iban",)),
}


def with_merchant(rows: _Q) -> _Q:
    """Each with `merchant`: None or `{"name", "category", "category_code"}`."""
    member = JSONObject(name="name", category="category", category_code="category_code")
    found: _Q = rows.annotate(merchant=Subquery(_of(rows).annotate(member=member).values("member")[:1]))
    return found


def of_category(rows: _Q, category: str) -> _Q:
    """Those whose merchant has the category."""
    found: _Q = rows.alias(category=Subquery(_of(rows).values("category")[:1])).filter(category=category)
    return found


def _of(rows: QuerySet[Any]) -> QuerySet[Merchant]:
    iban, others = _COLUMNS[rows.model]
    # As expressions that refer to no column of `merchant`, so that its index finds them.
    keys = [Coalesce(NullIf(OuterRef(iban), Value("")), Upper(OuterRef(other))) for other in others]
    return Merchant.objects.alias(key=Upper("counterparty")).filter(key__in=keys).order_by("pk")
