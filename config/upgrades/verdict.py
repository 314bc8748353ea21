"""The effect of a migration's operation on a running site."""

from dataclasses import dataclass
from enum import IntEnum


class Verdict(IntEnum):
    """The order is from harmless to harmful."""

    SAFE = 0  #: only a short lock, also on a large table
    SLOW = 1  #: takes longer the more rows the table has, but blocks nobody
    UNKNOWN = 2  #: code or SQL that nobody has judged
    LOCKS = 3  #: blocks writes or reads for a time that grows with the rows of the table
    BREAKS = 4  #: the previous release fails with the new schema


@dataclass(frozen=True, slots=True)
class Finding:
    verdict: Verdict
    table: str
    what: str
