"""Writes the measured tables of docs/faults.md, one for each test module, to the file that FAULTS_TABLE names."""

import fcntl
import os
import re
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

HEAD = (
    "fault", "requests", "errors", "seconds of errors", "seconds to recover", "errors without database", "p95 without database, ms", "p95 undisturbed, ms", "lost", "doubled",
    "families ended",
)  # fmt: skip


def write(name: str, rows: Sequence[Sequence[str]], limits: str, *, is_whole: bool) -> None:
    """Writes the table between the marks `<!-- measured: NAME -->` and `<!-- end of NAME -->`. `limits` are those of
    the tests. An incomplete table is only printed.
    """
    lines = [_line(HEAD), _line(["---"] * len(HEAD)), *map(_line, rows)]
    print("\n" + "\n".join(lines))  # noqa: T201  (what `make faults` is for)
    if not is_whole:
        print(f"Not written: a test of {name} failed or was left out.")  # noqa: T201
    elif file := os.environ.get("FAULTS_TABLE"):
        begin, end = f"<!-- measured: {name} -->", f"<!-- end of {name} -->"
        where = f"{os.cpu_count()} cores with a load average of {os.getloadavg()[1]:.0f}"
        head = f"Measured on {datetime.now(UTC).date()}, on {where}. {limits}"
        found = "\n".join([begin, head, "", *lines, end])
        document = Path(file)
        with Path(tempfile.gettempdir(), "countersign-table-of-faults.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # modules may run in several processes
            text = document.read_text()
            assert begin in text, f"{file} has no place for {name}"
            new = document.with_name(f".{document.name}.new")
            new.write_text(re.sub(f"{re.escape(begin)}.*{re.escape(end)}", lambda _: found, text, flags=re.S))
            new.replace(document)


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
