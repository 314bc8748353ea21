"""`python -m tests.mutants.document`: writes the tables of docs/security.md and docs/conformance.md, and the list of
enforced rules that `manage.py conformance_report` reads.

docs/security.md has a table for each file of tests/mutants/, with a row for each rule: the file that enforces it, and
the test that fails without it. In docs/conformance.md the last column names the file with the rule that `make mutants`
removes. The rest of both pages is written by hand.
"""

import json
import re
import tomllib
from pathlib import Path

from tests.mutants.mutant import ROOT, ROWS, Mutant, read

SECURITY = ROOT / "docs" / "security.md"
CONFORMANCE = ROOT / "docs" / "conformance.md"
ENFORCED = ROOT / "oauth" / "conformance_report" / "enforced.json"
# The tables with the rules of a standard that the report checks.
_OF_STANDARDS = ("asvs_9", "asvs_10", "rfc_9700", "fapi")
# New tables go before the sections that are not tables of rules.
_AFTER_THE_TABLES = "## What this server does not protect against"
_NOTHING_REMOVED = "—"


def security(text: str) -> str:
    """Returns the page with up-to-date tables."""
    for path in sorted((ROOT / ROWS).glob("*.toml")):
        begin, end = f"<!-- rows of {ROWS}/{path.name} -->\n", "<!-- end of rows -->\n"
        table = f"{begin}\n{_table(path)}\n{end}"
        if begin in text:
            before, _, after = text.partition(begin)
            text = before + table + after.partition(end)[2]
        else:
            before, _, after = text.partition(_AFTER_THE_TABLES)
            text = f"{before}## {_heading(path)}\n\n{table}\n{_AFTER_THE_TABLES}{after}"
    return text


def conformance(text: str) -> str:
    """Returns the page with an up-to-date last column."""
    places: dict[str, set[str]] = {}
    for mutant in read():
        places.setdefault(mutant.test_name, set()).add(mutant.file)
    return "\n".join(_with_places(line, places) for line in text.split("\n"))


def enforced() -> str:
    """Returns the rules of the standards, with their code and test, in the form that the installed package reads."""
    paths = [ROOT / ROWS / f"{name}.toml" for name in _OF_STANDARDS]
    mutants = [Mutant(**row) for path in paths for row in tomllib.loads(path.read_text())["mutant"]]
    rows = [{"id": one.rule, "title": one.title, "file": one.file, "test": one.test_name} for one in mutants]
    return json.dumps(rows, indent=1, ensure_ascii=False) + "\n"


def _with_places(line: str, places: dict[str, set[str]]) -> str:
    cells = [cell.strip() for cell in line.strip("|").split("|")] if line.startswith("| ") else []
    if len(cells) != 3 or cells[0] in ("module", "---"):
        return line
    found = {place for test in re.findall(r"`(test_\w+)`", cells[1]) for place in places.get(test, ())}
    cells[2] = ", ".join(f"`{place}`" for place in sorted(found)) or _NOTHING_REMOVED
    return f"| {' | '.join(cells)} |"


def _table(path: Path) -> str:
    lines = ["| rule | enforced in | test |", "| --- | --- | --- |"]
    rows = tomllib.loads(path.read_text()).get("mutant", [])
    lines.extend(_row(Mutant(**row)) for row in rows)
    return "\n".join(dict.fromkeys(lines)) + "\n"


def _row(mutant: Mutant) -> str:
    is_of_a_specification = not re.fullmatch(r"[AB]\d+", mutant.rule)
    rule = f"{mutant.rule}: {mutant.title}" if is_of_a_specification else mutant.title
    return f"| {rule} | `{mutant.file}` | `{mutant.test_name}` |"


def _heading(path: Path) -> str:
    heading: str = tomllib.loads(path.read_text()).get("heading", path.stem.capitalize())
    return heading


if __name__ == "__main__":
    SECURITY.write_text(security(SECURITY.read_text()))
    CONFORMANCE.write_text(conformance(CONFORMANCE.read_text()))
    ENFORCED.write_text(enforced())
