"""The usable part of the family of a rotated refresh token (RFC 9700 §4.14.2).

Within the retry window, a superseded token can be used again and gets another successor, because two tabs may refresh
at the same time, a response may be lost, or a proxy may repeat a request. So the family forks, and all branches work
until the window ends. After that, the first branch that is used continues alone, and the others are abandoned. If an
abandoned branch is used, two parties have tokens of the family, and the authorization ends.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta

from django.db.models import Q

from oauth.infrastructure import clock
from oauth.models import RefreshToken


@dataclass(frozen=True, slots=True)
class Fork:
    """The effects of using a token on the other branches of its family."""

    #: The rows that are abandoned.
    given_up: tuple[int, ...] = ()
    #: The rows of other branches that still work.
    going_on: tuple[int, ...] = ()
    #: The value of `fork` of the rows `going_on` and of the successor; None if this is the only branch.
    number: int | None = None


#: For a family with one branch.
NO_FORK = Fork()


class Family:
    """The usable rows of a family: the newest of each branch, and those superseded within the window.

    Create this while the authorization is locked.
    """

    def __init__(self, token: RefreshToken, *, window: timedelta) -> None:
        rows = RefreshToken.objects.filter(authorization_id=token.authorization_id, revoked_at=None)
        usable = Q(superseded_at=None) | Q(superseded_at__gt=clock.now() - window)
        self._token = token
        self._rows = {row.pk: row for row in rows.filter(usable)}
        line = [row.pk for row in self._line(token)]
        self._ancestors, self._oldest = frozenset(line), line[-1]

    def bound_descendants(self) -> list[RefreshToken]:
        """The descendants of the token that are bound to a key."""
        return [row for row in self._descendants() if row.confirmation]

    def fork(self, *, proves_key: bool) -> Fork:
        """The effects of using the token. If the client proves possession of a key, branches without a key are
        abandoned.
        """
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
        """Whether this branch and that of the token forked within the window: then both have the same oldest row."""
        *_, oldest = self._line(row)
        return oldest.pk == self._oldest

    def _is_bearer(self, row: RefreshToken) -> bool:
        return not row.confirmation and row.superseded_at is None

    def _line(self, row: RefreshToken) -> Iterator[RefreshToken]:
        """The row and its usable ancestors, newest first."""
        line: RefreshToken | None = row
        while line is not None:
            yield line
            line = self._rows.get(line.replaces_id) if line.replaces_id else None
