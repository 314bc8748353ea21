"""The filters of lists of transactions."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from django.db.models import Q, QuerySet
from rest_framework.request import Request

from banking.accounts.merchants import of_category
from banking.api.content_filters import CATEGORY, CONTENT, DIRECTION, FROM, TEXT, TO, amounts_of, named_in
from banking.api.problems import BadRequest
from banking.api.query import Choices, OptionalNumber, Parameter
from banking.models import LedgerEntry, Transfer
from banking.models.ledger import MAX_SEQ

AFTER_SEQ = OptionalNumber(
    "after_seq", "Only transactions with a higher account_seq, oldest first. Use it to fetch what is new.", 0, MAX_SEQ
)
_STATUS = Choices(
    "status",
    "Booked by default. Pending transactions are money held for a transfer to another bank.",
    ("booked", "pending"),
)
BOOKED = frozenset({"booked"})


@dataclass(frozen=True, slots=True)
class Filters:
    """`since` is inclusive, `until` exclusive. Amounts are in minor units, without a sign."""

    PARAMETERS: ClassVar[tuple[Parameter, ...]] = (AFTER_SEQ, FROM, TO, _STATUS, *CONTENT)

    since: datetime | None = None
    until: datetime | None = None
    direction: str | None = None
    statuses: frozenset[str] = BOOKED
    after_seq: int | None = None
    min_amount: int | None = None
    max_amount: int | None = None
    text: str | None = None
    category: str | None = None

    @classmethod
    def from_request(cls, request: Request) -> "Filters":
        """Raises BadRequest."""
        min_amount, max_amount = amounts_of(request)
        filters = cls(
            since=FROM.value(request),
            until=TO.value(request),
            direction=DIRECTION.value(request),
            statuses=_STATUS.value(request) or BOOKED,
            after_seq=AFTER_SEQ.value(request),
            min_amount=min_amount,
            max_amount=max_amount,
            text=TEXT.value(request),
            category=CATEGORY.value(request),
        )
        if filters.after_seq is not None and "pending" in filters.statuses:
            raise BadRequest(
                "malformed_request", "Pending transactions have no account_seq. Send no status.", parameter="after_seq"
            )
        return filters

    @classmethod
    def named_in(cls, request: Request) -> str:
        return named_in(request, cls.PARAMETERS)

    @property
    def are_none(self) -> bool:
        """Whether every booked entry matches."""
        return self.since is None and self.until is None and not self.is_by_content

    @property
    def is_by_content(self) -> bool:
        """Whether the filters may exclude an entry within the span of time."""
        return self.direction is not None or self.is_searched

    @property
    def is_searched(self) -> bool:
        """Whether no index supports the filters."""
        wanted = (self.min_amount, self.max_amount, self.text, self.category)
        return any(one is not None for one in wanted)

    def entries(self, entries: QuerySet[LedgerEntry]) -> QuerySet[LedgerEntry]:
        """The rows that match all filters except those of time."""
        if self.direction == "in":
            entries = entries.filter(amount_minor__gt=0)
        elif self.direction == "out":
            entries = entries.filter(amount_minor__lt=0)
        if self.min_amount is not None:
            entries = entries.filter(Q(amount_minor__gte=self.min_amount) | Q(amount_minor__lte=-self.min_amount))
        if self.max_amount is not None:
            entries = entries.filter(amount_minor__range=(-self.max_amount, self.max_amount))
        if self.text is not None:
            words = Q(transaction__description__icontains=self.text) | Q(counterparty_name__icontains=self.text)
            entries = entries.filter(words)
        return entries if self.category is None else of_category(entries, self.category)

    def pending(self, transfers: QuerySet[Transfer]) -> QuerySet[Transfer]:
        """For pending payments to other banks, which are always outgoing."""
        if self.direction == "in":
            return transfers.none()
        if self.since is not None:
            transfers = transfers.filter(created_at__gte=self.since)
        if self.until is not None:
            transfers = transfers.filter(created_at__lt=self.until)
        if self.min_amount is not None:
            transfers = transfers.filter(amount_minor__gte=self.min_amount)
        if self.max_amount is not None:
            transfers = transfers.filter(amount_minor__lte=self.max_amount)
        if self.text is not None:
            transfers = transfers.filter(Q(reference__icontains=self.text) | Q(payee_name__icontains=self.text))
        return transfers if self.category is None else of_category(transfers, self.category)


def booked_of(account_id: UUID, *, after: int, before: int) -> QuerySet[LedgerEntry]:
    """The entries of an account with numbers between these, both exclusive."""
    between: dict[str, Any] = {"account_seq__gt": after, "account_seq__lt": before}
    return LedgerEntry.objects.filter(account_id=account_id, **between)
