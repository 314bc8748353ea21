"""The filters of GET /accounts/{id}/transactions."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from django.db.models import QuerySet
from rest_framework.request import Request

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

    def entries(self, entries: QuerySet[LedgerEntry]) -> QuerySet[LedgerEntry]:
        if self.direction is not None:
            entries = entries.filter(**_SIGN[self.direction])
        found: QuerySet[LedgerEntry] = self._in_time(entries, "booked_at")
        return found

    def transfers(self, transfers: QuerySet[Transfer]) -> QuerySet[Transfer]:
        """Payments to other banks, which go out only."""
        return transfers.none() if self.direction == "in" else self._in_time(transfers, "created_at")

    def _in_time(self, rows: Any, at: str) -> Any:
        if self.since is not None:
            rows = rows.filter(**{f"{at}__gte": self.since})
        if self.until is not None:
            rows = rows.filter(**{f"{at}__lt": self.until})
        return rows
