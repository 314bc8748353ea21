"""Reads of data that may be a second old, which a site can send to a replica (`config/database/replica`).

Never use this for decisions: access to accounts, grants, revocation, payments.
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
    """Calls `ask` with a database alias and returns its result. `ask` may be called twice, so it must only read, and
    must return rows instead of a query set. The user with the ID `reader` sees their own writes.
    """
    return _reading.read(reader, ask)


def wrote(writer: Any) -> None:
    """Call this after a write by the user with this ID was committed."""
    _reading.wrote(writer)
