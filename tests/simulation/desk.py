"""Data that all actors of the simulation share: the bank's day, and everything that the bank has acknowledged to them.

An actor records an acknowledgement when the answer arrives. If an action can take effect although its answer is lost,
the actor also records the attempt before it sends the request.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from uuid import UUID

from django.utils import timezone

from banking.notation import bank_day

Interval = tuple[datetime, datetime | None]


@dataclass
class Start:
    """The start of an attempt to resume an order. Without an answer, the order may have been resumed at any later
    time.
    """

    began_at: datetime
    ended_at: datetime | None = None
    is_refused: bool = False


@dataclass
class Collection:
    """The request of a creditor, with the message and status of the answer."""

    iban: str
    reference: str
    amount_minor: int
    received: tuple[UUID, str] | None = None


@dataclass
class Desk:
    #: The date of the simulation, which advances faster than the real one; standing orders follow it.
    today: date = field(default_factory=bank_day.today)
    told: Counter[str] = field(default_factory=Counter)
    #: Violations, as text.
    violations: list[str] = field(default_factory=list)
    #: Acknowledged orders by user and client.
    orders: defaultdict[tuple[UUID, str], set[str]] = field(default_factory=lambda: defaultdict(set))
    #: By order: the times at which a pause, hold or cancellation began and was acknowledged.
    stops: defaultdict[str, list[tuple[datetime, datetime]]] = field(default_factory=lambda: defaultdict(list))
    starts: defaultdict[str, list[Start]] = field(default_factory=lambda: defaultdict(list))
    #: By user and client: the time from the removal of the app until the user allowed it again.
    removed: defaultdict[tuple[UUID, str], list[Interval]] = field(default_factory=lambda: defaultdict(list))
    #: Requests for reversals and captures, with the transaction from the answer to the second officer, or "declined".
    approved: dict[UUID, UUID] = field(default_factory=dict)
    declined: set[UUID] = field(default_factory=set)
    #: The number of freezes and unfreezes that were acknowledged to officers, by account.
    frozen: Counter[UUID] = field(default_factory=Counter)
    unfrozen: Counter[UUID] = field(default_factory=Counter)
    #: Holds of shops, with the transaction that took their money.
    captured: dict[UUID, UUID] = field(default_factory=dict)
    released: set[UUID] = field(default_factory=set)

    #: By the scheme's id: the payee and amount of the second bank's payment, and the transaction of its message here.
    paid_in: dict[str, tuple[str, int]] = field(default_factory=dict)
    received: dict[str, UUID] = field(default_factory=dict)

    #: Collections by direct debit, by the scheme's id.
    collections: dict[str, Collection] = field(default_factory=dict)
    #: Mandates, and when it was acknowledged that they have ended.
    ended: dict[UUID, datetime] = field(default_factory=dict)
    #: Collections for which a refund was requested, and those whose refund was acknowledged.
    refund_asked: set[UUID] = field(default_factory=set)
    refunded: dict[UUID, UUID] = field(default_factory=dict)

    def stop(self, order_id: str, began_at: datetime) -> None:
        self.stops[order_id].append((began_at, timezone.now()))

    @contextmanager
    def starting(self, order_id: str) -> Iterator[Start]:
        start = Start(timezone.now())
        self.starts[order_id].append(start)
        yield start
        start.ended_at = timezone.now()

    def quiet(self, order_id: str) -> list[Interval]:
        """Returns the periods in which the order must not pay, from a stop to the next start. If a start runs at the
        same time, either result is allowed.
        """
        starts = [one for one in self.starts[order_id] if not one.is_refused]
        found: list[Interval] = []
        for began_at, stopped_at in self.stops[order_id]:
            if not any(one.began_at <= stopped_at and (one.ended_at or stopped_at) >= began_at for one in starts):
                later = [one.began_at for one in starts if one.began_at > stopped_at]
                found.append((stopped_at, min(later, default=None)))
        return found
