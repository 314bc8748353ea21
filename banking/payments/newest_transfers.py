"""The newest transfers of several accounts. Each account is read separately, in the order of an index; otherwise
PostgreSQL might read and sort all transfers of the accounts, or scan those of the whole bank. Ids of transfers sort by
time, so a time can be turned into a bound of ids.
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
#: (accounts, since): the time since which transfers of these accounts may be read, or of all accounts if none are
#: named.
Histories = tuple[tuple[list[str], datetime], ...]


class _Unnest(Func):
    function = "unnest"
    set_returning = True
    output_field = UUIDField()


@dataclass(frozen=True, slots=True)
class Span:
    """Limits of the transfers to read: times from `since` (inclusive) to `until` (exclusive), and ids from `first`
    (inclusive) to `before` (exclusive). `histories` are further limits for some accounts.
    """

    accounts: QuerySet[Account]
    histories: Histories = ()
    since: datetime | None = None
    until: datetime | None = None
    first: UUID | None = None
    before: UUID | None = None

    def newest(self, fits: Callable[[QuerySet[Transfer]], QuerySet[Transfer]], number: int) -> TransferQuerySet:
        """Returns at most `number` transfers of each account: the newest ones in the span that match `fits`."""
        of_each = ArraySubquery(fits(self._of_account()).values("pk")[:number])
        # The ids are an array that is made once, so that the plan looks up each id, independently of the statistics.
        ids = ArraySubquery(self._accounts().values(one=_Unnest(of_each)))
        return Transfer.objects.filter(IsOneOf(F("pk"), ids))

    def id_at(self, number: int) -> UUID | None:
        """Takes the id of the `number`-th newest transfer of each account, and returns the highest of these ids: every
        account has fewer than `number` transfers with a higher id. None if no account has that many.
        """
        nth = self._of_account().values("pk")[number - 1 : number]
        deepest = self._accounts().annotate(nth=Subquery(nth)).filter(nth__isnull=False).order_by("-nth")
        return deepest.values_list("nth", flat=True).first()

    def has_any(self) -> bool:
        return self._accounts().filter(Exists(self._of_account())).exists()

    def narrowed(self, transfers: QuerySet[Transfer]) -> QuerySet[Transfer]:
        """Filters `transfers` by the span, except for its `histories`."""
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
        # If several histories include an account, the shortest one applies.
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
    """The lowest UUID of version 7 (RFC 9562 §5.7) with that time."""
    milliseconds = int((at.timestamp() + apart.total_seconds()) * 1000)
    return UUID(int=min(max(milliseconds, 0), 2**48 - 1) << 80)
