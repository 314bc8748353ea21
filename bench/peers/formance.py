"""The Formance ledger with its defaults: transfers between accounts that already have money, without authentication."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import cycle, islice
from pathlib import Path
from uuid import uuid4

from bench import servers
from bench.cases import PAYERS, TRANSFER, TRANSFER_SAME, TRANSFER_TO_ONE, Case
from bench.load import Request
from bench.peers import SECRET, proof
from bench.peers.database import over_tcp
from bench.peers.programs import Program, run
from bench.servers import Server

PROGRAM = Program("Formance ledger", "BENCH_FORMANCE", "ledger", "https://github.com/formancehq/ledger/releases")
FUNDS_MINOR = 1_000_000
_TRANSACTIONS = "/v2/bench/transactions"


def version() -> str:
    """The version of the program. A build that does not come from Formance says "develop"."""
    assert PROGRAM.path
    return run(PROGRAM.path, "version").split()[1]


@contextmanager
def serving(directory: Path) -> Iterator[tuple[Server, list[Case]]]:
    """Runs the server. The first call creates the tables and the ledger."""
    assert PROGRAM.path
    port = servers.free_port()
    with over_tcp(directory, "formance") as (database, address):
        environment = {"POSTGRES_URI": f"postgres://formance:{SECRET}@{address}?sslmode=disable"}
        command = [
            str(PROGRAM.path), "serve", f"--bind=127.0.0.1:{port}", "--auto-upgrade",
            "--postgres-max-open-conns=20", "--postgres-max-idle-conns=20",
        ]  # fmt: skip
        made = directory / "made"
        if not made.exists():
            with servers.started(command, Request("GET", "/_healthcheck"), environment, port) as start:
                proof.status(port, Request("POST", "/v2/bench", "{}", _headers(), expect=204))
            made.touch()
        first = _posted("world", _destination(0), FUNDS_MINOR)
        with servers.started(command, first, environment, port) as start:
            server = Server(port, start, database)
            yield server, _cases(server)


def _cases(server: Server) -> list[Case]:
    payers = range(1, PAYERS)
    for payer in range(PAYERS):
        proof.answer(server, _posted("world", _source(payer), FUNDS_MINOR))
    proof.answer(server, _posted(_source(1), _destination(1), 1))
    before = _balance(server, _destination(1))
    proof.answer(server, _posted(_source(1), _destination(1), 7))
    assert _balance(server, _destination(1)) == before + 7
    overdrawn = _posted(_source(1), _destination(1), 10**12)
    proof.status(server.port, Request("POST", overdrawn.path, overdrawn.body, _headers(), expect=400))
    return [
        Case(TRANSFER, lambda n: [_posted(_source(one), _destination(one), 1) for one in islice(cycle(payers), n)]),
        Case(
            TRANSFER_TO_ONE, lambda n: [_posted(_source(one), _destination(0), 1) for one in islice(cycle(payers), n)]
        ),
        Case(TRANSFER_SAME, lambda n: [_posted(_source(0), _destination(0), 1) for _ in range(n)]),
    ]


def _posted(source: str, destination: str, amount_minor: int) -> Request:
    posting = {"source": source, "destination": destination, "amount": amount_minor, "asset": "GBP/2"}
    return Request("POST", _TRANSACTIONS, json.dumps({"postings": [posting], "metadata": {}}), _headers())


def _headers() -> dict[str, str]:
    return {"Content-Type": "application/json", "Idempotency-Key": str(uuid4())}


def _source(payer: int) -> str:
    return f"users:{payer}:from"


def _destination(payer: int) -> str:
    return f"users:{payer}:to"


def _balance(server: Server, account: str) -> int:
    found = proof.answer(server, Request("GET", f"/v2/bench/accounts/{account}?expand=volumes"))
    balance: int = found["data"].get("volumes", {}).get("GBP/2", {}).get("balance", 0)
    return balance
