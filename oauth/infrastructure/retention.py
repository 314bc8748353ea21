"""The type of entries in the retention schedule, docs/retention.md."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Kept:
    """How long rows of a table are kept (`until`, in words) and the reason (`why`). `job` is the background task that
    deletes them; empty if none does, or if they are deleted together with another row.
    """

    until: str
    why: str
    job: str = ""
