"""A question of the audit."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Question:
    statement: str
    whole: str
    #: Empty if `whole` is cheap: it reads no entries.
    since: str = ""
