"""Checks the rows. A row that changes code which no longer runs would prove nothing."""

import re
from pathlib import Path

from tests.mutants.mutant import ROOT, read

FOLDERS = [ROOT / app / "migrations" for app in ("banking", "oauth")]
_FUNCTION = re.compile(r"CREATE (?:OR REPLACE )?FUNCTION (\w+)")


def sql_files(folder: Path) -> list[Path]:
    """Returns the SQL files of the migrations in the order in which they run. A later migration may read a file again
    to undo itself.
    """
    sources = [path.read_text() for path in sorted(folder.glob("0*.py"))]
    files = [path for path in folder.glob("*.sql") if not path.stem.endswith("_reverse")]
    return sorted(files, key=lambda path: next(n for n, source in enumerate(sources) if path.name in source))


def test_a_row_changes_the_last_definition_of_its_function() -> None:
    """A later migration may define a function again. The row then has to name the file of that migration."""
    defined_last: dict[str, Path] = {}
    for path in (file for folder in FOLDERS for file in sql_files(folder)):
        defined_last |= dict.fromkeys(_FUNCTION.findall(path.read_text()), path)
    replaced = []
    for mutant in read():
        path = ROOT / mutant.file
        for find in mutant.find if path.suffix == ".sql" else ():
            names = _FUNCTION.findall(path.read_text().partition(find)[0] + find)
            if names and defined_last[names[-1]] != path:
                replaced.append((mutant.title, names[-1], defined_last[names[-1]].name))
    assert replaced == []
