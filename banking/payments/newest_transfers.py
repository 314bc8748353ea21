"""The newest transfers of several accounts, each account read in the order of its index.

Without that, the database would read and sort all transfers of the accounts, or walk through those of the whole bank.
Ids of transfers sort by time, so a time is a bound of ids as well.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import (
    Case,
    DateTimeField,
    Exists,
    F,
    Func,
    OuterRef,
    QuerySet,
    Subquery,
    UUIDField,
    Value,
    When,
)

from banking.models import Account, Transfer
from banking.models.expressions import IsOneOf
from banking.models.transfer import TransferQuerySet

#: The largest difference between the clock that made an id and the clock that wrote `created_at`.
MOST_APART = timedelta(minutes=10)
_LONG_AGO = datetime(1900, 1, 1, tzinfo=UTC)
#: (accounts, since): from when on the transfers of these accounts may be read. Without accounts, it applies to all.
Histories = tuple[tuple[list[str], datetime], ...]


class _Unnest(Func):
    function = "unnest"
    set_returning = True
    output_field = UUIDField()


@dataclass(frozen=True, slots=True)
class Span:
    """The transfers of accounts that were made since a time, inclusive, until a time, exclusive, and that have an id
    from `first`, inclusive, to `before`, exclusive. `since` holds for all accounts, `histories` for some."""

    accounts: QuerySet[Account]
    histories: Histories = ()
    since: datetime | None = None
    until: datetime | None = None
    first: UUID | None = None
    before: UUID | None = None

    def newest(self, fits: Callable[[QuerySet[Transfer]], QuerySet[Transfer]], number: int) -> TransferQuerySet:
        """Returns at most `number` transfers of each account: the newest ones in the span that `fits` keeps."""
        of_each = ArraySubquery(fits(self._of_account()).values("pk")[:number])
        # The ids are an array that is made once, so that the plan looks up each id, whatever the statistics say.
        ids = ArraySubquery(self._accounts().values(one=_Unnest(of_each)))
        return Transfer.objects.filter(IsOneOf(F("pk"), ids))

    def id_at(self, number: int) -> UUID | None:
        """Takes the `number`-th newest transfer of each account, and returns the newest of their ids: every account has
        fewer than `number` transfers above it. None if no account has that many."""
        nth = self._of_account().values("pk")[number - 1 : number]
        deepest = self._accounts().annotate(nth=Subquery(nth)).filter(nth__isnull=False).order_by("-nth")
        return deepest.values_list("nth", flat=True).first()

    def has_any(self) -> bool:
        return self._accounts().filter(Exists(self._of_account())).exists()

    def narrowed(self, transfers: QuerySet[Transfer]) -> QuerySet[Transfer]:
        """The `transfers` in the span, whatever their account."""
        return self._in_time(self._among_ids(transfers))

    def _of_account(self) -> QuerySet[Transfer]:
        """The account's transfers, newest first. Selects the account as a range and sorts by it first, because only the
        index of account and id has this order. With `source = account ORDER BY id`, the database might read the
        transfers of all accounts."""
        transfers = Transfer.objects.filter(
            source_id__gte=OuterRef("pk"), source_id__lte=OuterRef("pk"), created_at__gte=OuterRef("since"),
            pk__gte=OuterRef("first_id"),
        )  # fmt: skip
        return self._in_time(self._among_ids(transfers)).order_by("source_id", "-pk")

    def _accounts(self) -> QuerySet[Account]:
        """The accounts, each with `since` and with `first_id`, the lowest id that a transfer since then can have."""
        sinces, ids = [], []
        # If several histories are about an account, the shortest one counts.
        for named, since in sorted(self.histories, key=lambda history: history[1], reverse=True):
            is_meant = {"pk__in": [UUID(one) for one in named]} if named else {"pk__isnull": False}
            sinces.append(When(**is_meant, then=Value(since)))
            ids.append(When(**is_meant, then=Value(_id_at(since, -MOST_APART))))
        return self.accounts.order_by().annotate(
            since=Case(*sinces, default=Value(_LONG_AGO), output_field=DateTimeField()),
            first_id=Case(*ids, default=Value(UUID(int=0)), output_field=UUIDField()),
        )

    def _among_ids(self, transfers: QuerySet[Transfer]) -> QuerySet[Transfer]:
        if self.first is not None:
            transfers = transfers.filter(pk__gte=self.first)
        return transfers if self.before is None else transfers.filter(pk__lt=self.before)

    def _in_time(self, transfers: QuerySet[Transfer]) -> QuerySet[Transfer]:
        if self.since is not None:
            transfers = transfers.filter(created_at__gte=self.since, pk__gte=_id_at(self.since, -MOST_APART))
        if self.until is not None:
            transfers = transfers.filter(created_at__lt=self.until, pk__lt=_id_at(self.until, MOST_APART))
        return transfers


def first_id_of(at: datetime) -> UUID:
    return _id_at(at, timedelta())


def _id_at(at: datetime, apart: timedelta) -> UUID:
    """The least UUID of version 7 (RFC 9562 §5.7) of that time."""
    milliseconds = int((at.timestamp() + apart.total_seconds()) * 1000)
    return UUID(int=min(max(milliseconds, 0), 2**48 - 1) << 80)
