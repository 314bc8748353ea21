"""How long rows of a table are kept: for the retention schedule, docs/retention.md."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Kept:
    """`until` says how long in words, `why` the reason. `job` is the background task that deletes them; empty if
    nothing does, or if they are deleted with another row."""

    until: str
    why: str
    job: str = ""
