"""The filters of GET /accounts/{id}/transactions."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar
from uuid import UUID

from django.db.models import QuerySet
from rest_framework.request import Request

from banking.accounts.spans import booked_in
from banking.api.query import Choice, Choices, Moment, Parameter
from banking.models import LedgerEntry, Transfer

_FROM = Moment("from", "A day or time of RFC 3339, inclusive.")
_TO = Moment("to", "A day or time of RFC 3339, exclusive.")
_DIRECTION = Choice("direction", "Money in, or out.", ("in", "out"))
_STATUS = Choices("status", "Booked by default. Pending is held for a transfer to another bank.", ("booked", "pending"))
BOOKED = frozenset({"booked"})
_SIGN = {"in": {"amount_minor__gt": 0}, "out": {"amount_minor__lt": 0}}


@dataclass(frozen=True, slots=True)
class Filters:
    """`since` is inclusive, `until` exclusive."""

    PARAMETERS: ClassVar[tuple[Parameter, ...]] = (_FROM, _TO, _DIRECTION, _STATUS)

    since: datetime | None = None
    until: datetime | None = None
    direction: str | None = None
    statuses: frozenset[str] = BOOKED

    @classmethod
    def from_request(cls, request: Request) -> "Filters":
        """Raises BadRequest."""
        return cls(
            since=_FROM.value(request),
            until=_TO.value(request),
            direction=_DIRECTION.value(request),
            statuses=_STATUS.value(request) or BOOKED,
        )

    @classmethod
    def named_in(cls, request: Request) -> str:
        """The filters as they were sent. A cursor is valid only with the same filters."""
        given = {parameter.name: parameter.text(request) for parameter in cls.PARAMETERS}
        return str(sorted((name, value) for name, value in given.items() if value))

    def entries(self, entries: QuerySet[LedgerEntry], account_id: UUID) -> QuerySet[LedgerEntry]:
        """`entries` are of this account."""
        if self.direction is not None:
            entries = entries.filter(**_SIGN[self.direction])
        return booked_in(entries, account_id, since=self.since, until=self.until)

    def transfers(self, transfers: QuerySet[Transfer]) -> QuerySet[Transfer]:
        """Payments to other banks, which go out only."""
        if self.direction == "in":
            return transfers.none()
        if self.since is not None:
            transfers = transfers.filter(created_at__gte=self.since)
        if self.until is not None:
            transfers = transfers.filter(created_at__lt=self.until)
        return transfers
