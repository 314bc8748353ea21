"""The filters of GET /scheduled-transfers. A user has few orders, so the number of examined rows needs no limit."""

from dataclasses import dataclass
from typing import ClassVar

from django.db.models import Q, QuerySet
from rest_framework.request import Request

from banking.api.content_filters import AMOUNTS, TEXT, amounts_of
from banking.api.query import Choices, Parameter
from banking.models import ScheduledTransfer

_STATUS = Choices("status", "One value, or several separated by commas.", tuple(ScheduledTransfer.Status.values))


@dataclass(frozen=True, slots=True)
class OrderFilters:
    """Amounts are in minor units."""

    PARAMETERS: ClassVar[tuple[Parameter, ...]] = (_STATUS, *AMOUNTS, TEXT)

    statuses: frozenset[str] = frozenset()
    min_amount: int | None = None
    max_amount: int | None = None
    text: str | None = None

    @classmethod
    def from_request(cls, request: Request) -> "OrderFilters":
        """Raises BadRequest."""
        min_amount, max_amount = amounts_of(request)
        return cls(_STATUS.value(request), min_amount, max_amount, TEXT.value(request))

    def of(self, orders: QuerySet[ScheduledTransfer]) -> QuerySet[ScheduledTransfer]:
        """The orders that match."""
        if self.statuses:
            orders = orders.filter(status__in=sorted(self.statuses))
        if self.min_amount is not None:
            orders = orders.filter(amount_minor__gte=self.min_amount)
        if self.max_amount is not None:
            orders = orders.filter(amount_minor__lte=self.max_amount)
        if self.text is not None:
            orders = orders.filter(Q(reference__icontains=self.text) | Q(payee_name__icontains=self.text))
        return orders
