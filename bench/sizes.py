"""The size of a row of each large table in bytes, in a database that `demo_seed --scale` has filled. The figures are
for docs/scaling.md.
"""

import sys
from pathlib import Path

import psycopg
from psycopg import sql

from bench import servers

#: The tables in which each object has rows, and how many rows it has there.
ROWS = (
    ("user", {"accounts_user": 1, "account_emailaddress": 1}),
    ("client", {"oauth_client": 1}),
    ("authorization", {"oauth_authorization": 1, "oauth_refreshtoken": 1}),
    ("payment between accounts", {"ledger_transaction": 1, "ledger_seal": 1, "ledger_entry": 2}),
)


def run(directory: Path, *, scale: float) -> dict[str, dict[str, float]]:
    """Object -> the bytes of its rows in tables and in indexes."""
    with servers.countersign(directory, scale=scale) as server:
        assert server.database
        with psycopg.connect(server.database.url) as connection:
            return {name: _of(connection, tables) for name, tables in ROWS}


def print_table(figures: dict[str, dict[str, float]]) -> None:
    print("Bytes of the rows of each, in tables and in indexes.")
    for name, one in figures.items():
        print(f"{name:34}{one['table_bytes']:10.0f}{one['index_bytes']:10.0f}")


def _of(connection: psycopg.Connection[tuple[int, ...]], tables: dict[str, int]) -> dict[str, float]:
    sums = {"table_bytes": 0.0, "index_bytes": 0.0}
    for table, number in tables.items():
        counted = sql.SQL("SELECT count(*), pg_table_size({0}), pg_indexes_size({0}) FROM {1}").format(
            table, sql.Identifier(table)
        )
        [(rows, table_bytes, index_bytes)] = connection.execute(counted).fetchall()
        print(f"{table}: {rows} rows", file=sys.stderr)
        sums["table_bytes"] += number * table_bytes / rows
        sums["index_bytes"] += number * index_bytes / rows
    return sums
