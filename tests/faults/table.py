"""Writes the table of docs/faults.md anew, where FAULTS_TABLE names that file."""

import os
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

BEGIN, END = "<!-- measured -->", "<!-- end of measured -->"
HEAD = (
    "fault", "requests", "errors", "seconds", "errors without database", "p95 without database, ms", "lost", "doubled",
    "families ended",
)  # fmt: skip


def write(rows: Sequence[Sequence[str]]) -> None:
    lines = [_line(HEAD), _line(["---"] * len(HEAD)), *map(_line, rows)]
    print("\n" + "\n".join(lines))  # noqa: T201  (what `make faults` is for)
    if name := os.environ.get("FAULTS_TABLE"):
        file = Path(name)
        today = f"Measured on {datetime.now(UTC).date()}.\n\n"
        text = re.sub(
            f"{BEGIN}.*{END}",
            lambda _: f"{BEGIN}\n{today}" + "\n".join(lines) + f"\n{END}",
            file.read_text(),
            flags=re.S,
        )
        file.write_text(text)


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
