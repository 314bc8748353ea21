"""Writes the figures of `make bench ARGS="--targets --json FILE"` into docs/performance.md.

`python -m bench.document FILE` does it. In the document, a comment with the name of a table is before each table, and
another comment after it.
"""

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from bench.report import BARE, COLUMNS, COUNTERSIGN, Figures, cost
from bench.servers import ROOT
from bench.targets import DOCUMENT, Results, table

RUN = "run"
START = "start and memory"
_BEGIN, _END = "<!-- measured: {name} -->\n", "<!-- end -->"


def written(text: str, measured: dict[str, Figures]) -> str:
    """The document with the tables of this run. `measured` is the JSON of a run. Raises ValueError for a table without
    a place."""
    for name, lines in _tables(measured).items():
        begin = _BEGIN.format(name=name)
        before, there, rest = text.partition(begin)
        if not there or _END not in rest:
            raise ValueError(f"{DOCUMENT} has no place for the table of {name}.")
        text = "".join([before, begin, *(f"{line}\n" for line in lines), _END, rest.partition(_END)[2]])
    return text


def _tables(measured: dict[str, Figures]) -> dict[str, list[str]]:
    run = measured[RUN]
    figures = {
        (server, case): values
        for server, case, values in ((*name.partition(": ")[::2], values) for name, values in measured.items())
        if case and case != START
    }
    footprints = {
        name.removesuffix(f": {START}"): values for name, values in measured.items() if name.endswith(f": {START}")
    }
    goals = {}
    if "flood" in run:
        results = Results(figures, writes_us=run["writes_us"], flood=run["flood"])
        goals["goals"] = [re.sub(rf"{DOCUMENT}(#\S+)", r"[why](\1)", line) for line in table(results)]
    bare = next(cost(values) for (server, _), values in figures.items() if server == BARE)
    return {
        "run": [
            f"Rounds: {run['rounds']:.0f}. Requests of each case in a round: {run['requests']:.0f}, and three times as"
            f" many of cheap cases. The bare view took {bare:.0f} µs in this run."
        ],
        "cases": list(_cases(figures)),
        "servers": list(_servers(footprints)),
        **goals,
    }


def _cases(figures: dict[tuple[str, str], Figures]) -> Iterator[str]:
    ours = {case: values for (server, case), values in figures.items() if server == COUNTERSIGN}
    columns = [name for name in COLUMNS if any(name in values for values in ours.values())]
    yield f"| case | CPU µs, server + database | statements | {' | '.join(columns)} |"
    yield "| --- " * (3 + len(columns)) + "|"
    for case, values in ours.items():
        ratios = (f"{values[name]:.2f}" if name in values else "" for name in columns)
        yield (
            f"| {case} | {values['server_us']:,.0f} + {values['database_us']:,.0f} | {values['statements']:g} |"
            f" {' | '.join(ratios)} |"
        )


def _servers(footprints: dict[str, Figures]) -> Iterator[str]:
    yield "| server | seconds until its first token | CPU seconds until then | MB then | MB after its cases |"
    yield "| --- " * 5 + "|"
    for name, values in footprints.items():
        yield (
            f"| {name} | {values['start_seconds']:.2f} | {values['start_cpu_seconds']:.2f} |"
            f" {values['idle_mb']:,.0f} | {values['loaded_mb']:,.0f} |"
        )


if __name__ == "__main__":
    path = ROOT / DOCUMENT
    path.write_text(written(path.read_text(), json.loads(Path(sys.argv[1]).read_text())))
