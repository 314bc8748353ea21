"""A question of the audit."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Question:
    statement: str
    whole: str
    #: Empty if `whole` is cheap because it reads no entries; then `whole` is always used.
    since: str = ""
