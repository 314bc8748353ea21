"""Reads that may be a second old. A site with a replica does these reads there (`config/database/replica`).

Data for decisions is never read here: who may see an account, grants, revocation, and whether money may move.
"""

from collections.abc import Callable
from typing import Any, Protocol, TypeVar

from django.db import DEFAULT_DB_ALIAS

T = TypeVar("T")


class Reading(Protocol):
    def read(self, reader: Any, ask: Callable[[str], T]) -> T: ...

    def wrote(self, writer: Any) -> None: ...


class _Primary:
    """A site without a replica."""

    def read(self, reader: Any, ask: Callable[[str], T]) -> T:
        return ask(DEFAULT_DB_ALIAS)

    def wrote(self, writer: Any) -> None:
        """Does nothing, because all reads go to the primary."""


_reading: Reading = _Primary()


def read_by(reading: Reading) -> None:
    global _reading
    _reading = reading


def read(reader: Any, ask: Callable[[str], T]) -> T:
    """The result of `ask` for the alias of a database. It may be called twice, so it must only read, and return rows
    instead of a query. `reader` is the id of the user who asks: they see what they have written.
    """
    return _reading.read(reader, ask)


def wrote(writer: Any) -> None:
    """The user with this id has written something that has been committed."""
    _reading.wrote(writer)
