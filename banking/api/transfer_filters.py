"""The filters of GET /transfers."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from django.db.models import Q, QuerySet
from rest_framework.request import Request

from banking.api.content_filters import AMOUNTS, FROM, TEXT, TO, amounts_of, named_in
from banking.api.query import Choices, Parameter
from banking.models import Transfer

_STATUS = Choices("status", "One value, or several separated by commas.", tuple(Transfer.Status.values))


@dataclass(frozen=True, slots=True)
class TransferFilters:
    """`since` (inclusive) and `until` (exclusive) apply to the time at which the transfer was made. Amounts are in
    minor units.
    """

    PARAMETERS: ClassVar[tuple[Parameter, ...]] = (FROM, TO, _STATUS, *AMOUNTS, TEXT)

    since: datetime | None = None
    until: datetime | None = None
    statuses: frozenset[str] = frozenset()
    min_amount: int | None = None
    max_amount: int | None = None
    text: str | None = None

    @classmethod
    def from_request(cls, request: Request) -> "TransferFilters":
        """Raises BadRequest."""
        min_amount, max_amount = amounts_of(request)
        return cls(
            since=FROM.value(request),
            until=TO.value(request),
            statuses=_STATUS.value(request),
            min_amount=min_amount,
            max_amount=max_amount,
            text=TEXT.value(request),
        )

    @classmethod
    def named_in(cls, request: Request) -> str:
        return named_in(request, cls.PARAMETERS)

    @property
    def is_by_content(self) -> bool:
        """Whether the filters may exclude a transfer within the span of time."""
        return bool(self.statuses) or self.is_searched

    @property
    def is_searched(self) -> bool:
        """Whether no index supports the filters. Transfers that were not posted have an index."""
        wanted = (self.min_amount, self.max_amount, self.text)
        return Transfer.Status.POSTED in self.statuses or any(one is not None for one in wanted)

    def of(self, transfers: QuerySet[Transfer]) -> QuerySet[Transfer]:
        """The rows that match all filters except those of time."""
        if self.statuses:
            transfers = transfers.filter(status__in=sorted(self.statuses))
        if self.min_amount is not None:
            transfers = transfers.filter(amount_minor__gte=self.min_amount)
        if self.max_amount is not None:
            transfers = transfers.filter(amount_minor__lte=self.max_amount)
        if self.text is not None:
            transfers = transfers.filter(Q(reference__icontains=self.text) | Q(payee_name__icontains=self.text))
        return transfers
