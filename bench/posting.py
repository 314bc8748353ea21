"""`make bench ARGS="--posting"` measures what a transfer costs PostgreSQL: CPU per transaction on 16 connections, with
pgbench.

`writes` inserts the rows of a transfer with plain statements, with all triggers and constraints; it is the lower bound.
`post_transfer` also makes the decisions. Both are measured between distinct accounts, and with all transfers between
the same two.
"""

import subprocess
import sys
import time
from itertools import product
from pathlib import Path
from typing import Any

import psutil
import psycopg

from bench import cpu, servers
from bench.load import CONNECTIONS
from bench.servers import Database

SCRIPTS = Path(__file__).parent / "pgbench"
PAIRS = 200
FLOOR = "writes, distinct accounts"
EACH = 60  # number of transactions on each connection


def run(directory: Path, *, rounds: int) -> dict[str, Any]:
    """(script, accounts) -> the median of `rounds` rounds. A round before them only warms up."""
    with servers.countersign(directory) as server:
        assert server.database
        database = server.database
        with psycopg.connect(database.url) as connection:
            connection.execute((SCRIPTS / "setup.sql").read_text().replace(":pairs", str(PAIRS)).encode())
        cases = list(product(("writes", "post_transfer"), (PAIRS, 1)))
        costs: dict[tuple[str, int], list[float]] = {case: [] for case in cases}
        for _ in range(rounds + 1):
            for case in cases:
                costs[case].append(_cost(database, *case))
                print(f"{case[0]} between {case[1]} pairs: {costs[case][-1]:.0f} µs", file=sys.stderr, flush=True)
    medians = {case: sorted(costs[case][1:])[rounds // 2] for case in cases}
    floor = medians["writes", PAIRS]
    found = {}
    for (script, pairs), cost in medians.items():
        name = f"{script}, {'distinct accounts' if pairs > 1 else 'the same two accounts'}"
        found[name] = {"database_us": cost, "x floor": cost / floor}
        print(f"{name:45} {cost:7.0f} µs {cost / floor:6.2f} x floor", file=sys.stderr)
    return found


def _cost(database: Database, script: str, pairs: int) -> float:
    """CPU of the database's processes per transaction, in µs."""
    pgbench = Path(psutil.Process(database.process).exe()).with_name("pgbench")
    before = cpu.of_tree(database.process)
    options = ["-n", "-M", "prepared", "-c", str(CONNECTIONS), "-t", str(EACH), "-D", f"pairs={pairs}"]
    subprocess.run(
        [str(pgbench), *options, "-f", str(SCRIPTS / f"{script}.sql"), database.url],
        check=True,
        capture_output=True,
        text=True,
    )
    time.sleep(0.5)  # until its backends have ended, because only then their CPU time is part of the postmaster's
    return (cpu.of_tree(database.process) - before) / (CONNECTIONS * EACH) * 1e6
