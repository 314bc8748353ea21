"""The family of a rotated refresh token (RFC 9700 §4.14.2), as far as it can still be used.

Within the retry window a superseded token can be used again, and gets a further successor: two tabs refresh at the same
time, an answer is lost, or a proxy sends a request twice. So the family forks. All of its branches continue until the
window is over. From then on, the first branch that is used continues alone, and the other ones are given up. If a
branch that was given up is used, two parties hold tokens of the family, and the authorization ends.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta

from django.db.models import Q

from oauth.infrastructure import clock
from oauth.models import RefreshToken


@dataclass(frozen=True, slots=True)
class Fork:
    """The effects of using one token on the other branches of its family."""

    #: The rows that must not be used from now on.
    given_up: tuple[int, ...] = ()
    #: The rows of other branches that continue beside this one.
    going_on: tuple[int, ...] = ()
    #: The value of `fork` in `going_on` and in the successor; None if this branch is alone.
    number: int | None = None


#: The effects in a family with one branch.
NO_FORK = Fork()


class Family:
    """The rows that can still be used: the newest of each branch, and those superseded within the window.

    Read it while the authorization is locked.
    """

    def __init__(self, token: RefreshToken, *, window: timedelta) -> None:
        rows = RefreshToken.objects.filter(authorization_id=token.authorization_id, revoked_at=None)
        usable = Q(superseded_at=None) | Q(superseded_at__gt=clock.now() - window)
        self._token = token
        self._rows = {row.pk: row for row in rows.filter(usable)}
        line = [row.pk for row in self._line(token)]
        self._ancestors, self._oldest = frozenset(line), line[-1]

    def bound_descendants(self) -> list[RefreshToken]:
        """The successors, and their successors, to which the client moved when it began to prove a key."""
        return [row for row in self._descendants() if row.confirmation]

    def fork(self, *, proves_key: bool) -> Fork:
        """The effects of this use. As soon as the client proves a key, its tokens without a key are given up."""
        branches = list(self._other_branches())
        given_up = [row for row in branches if not self._is_young(row) or (proves_key and self._is_bearer(row))]
        going_on = [row.pk for row in branches if row not in given_up]
        number = (self._token.fork or self._token.pk) if going_on else None
        return Fork(tuple(row.pk for row in given_up), tuple(going_on), number)

    def _other_branches(self) -> Iterable[RefreshToken]:
        in_fork = {pk for pk, row in self._rows.items() if self._token.fork and row.fork == self._token.fork}
        found = in_fork | {row.pk for row in self._descendants()}
        return [self._rows[pk] for pk in sorted(found - self._ancestors)]

    def _descendants(self) -> Iterable[RefreshToken]:
        own = self._token.pk
        return [row for row in self._rows.values() if row.pk != own and any(one.pk == own for one in self._line(row))]

    def _is_young(self, row: RefreshToken) -> bool:
        """Whether the branches parted within the window: then their oldest usable ancestor is the same."""
        *_, oldest = self._line(row)
        return oldest.pk == self._oldest

    def _is_bearer(self, row: RefreshToken) -> bool:
        return not row.confirmation and row.superseded_at is None

    def _line(self, row: RefreshToken) -> Iterator[RefreshToken]:
        """The row and its ancestors that can still be used, upwards."""
        line: RefreshToken | None = row
        while line is not None:
            yield line
            line = self._rows.get(line.replaces_id) if line.replaces_id else None
