"""Runs the cases and prints a table and JSON. `make bench ARGS="--rounds 1 --only refresh"`."""

import argparse
import json
import secrets
import signal
import statistics
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import jwt

from bench import cases, endurance, growth, load, posting, report, servers
from bench.cases import Case
from bench.report import BARE, COUNTERSIGN, DOT, DRF, NODE, SIMPLEJWT, Figures
from bench.servers import Server
from bench.signing import VERIFIER, Key, s256

COUNTED = 40
# What costs little is asked more often: CPU time comes in steps of 10 ms.
CHEAP = {"metadata", "JWKS", "a bare Django view", "a bare DRF view", "client_credentials"}


def measure(server: Server, case: Case, number: int, *, counts: bool) -> Figures:
    """One case on a warm server: CPU in µs per request, of the server's and of the database's processes."""
    number = min(3 * number if case.name in CHEAP else number, case.most or 3 * number)
    # node compiles what it has run a thousand times: asked too early, it would cost twice as much.
    load.run(server.port, case.make(max(number // (10 if case.most else 1), load.CONNECTIONS)))
    statements = _statements(server, case) if counts else 0.0
    result, server_us, database_us = server.asked(case.make(number))
    return {
        "requests_per_second": result.per_second,
        "p50_ms": result.percentile_milliseconds(0.5),
        "p99_ms": result.percentile_milliseconds(0.99),
        "server_us": server_us,
        "database_us": database_us,
        "statements": statements,
    }


def _statements(server: Server, case: Case) -> float:
    if server.database is None:
        return 0.0
    batch = case.make(COUNTED)
    with server.database.counting() as so_far:
        before = so_far()
        load.run(server.port, batch)
        return round((so_far() - before) / COUNTED, 1)


def one_round(
    directory: Path, number: int, *, peers: set[str], only: str, counts: bool
) -> dict[tuple[str, str], Figures]:
    """(server, case) -> figures; each server alone, one after the other. Statements are counted where asked for."""
    figures = {}
    for name, server, found in _servers(directory, peers):
        for case in found:
            if only in case.name or case.name.startswith("a bare"):
                measured = figures[name, case.name] = measure(server, case, number, counts=counts)
                print(f"{name}: {case.name}: {report.cost(measured):.0f} µs", file=sys.stderr, flush=True)
    return figures


def _servers(directory: Path, peers: set[str]) -> Iterator[tuple[str, Server, list[Case]]]:
    with servers.bare_view() as server:
        yield BARE, server, cases.bare_view()
    ours = directory / "countersign"
    with servers.countersign(ours) as server:
        user = _alice(server, ours)
        yield COUNTERSIGN, server, cases.countersign(server, ours)
    with servers.drf(ours, user, middleware=False) as server:
        yield DRF, server, cases.bare_drf()
    if SIMPLEJWT in peers:
        with servers.drf(ours, user, middleware=True) as server:
            yield SIMPLEJWT, server, cases.simplejwt(user, servers.environment_of(ours)["SECRET_KEY"])
    if DOT in peers:
        made = 2 * cases.MOST_CODES
        with servers.django_oauth_toolkit(directory / "dot", made, s256(VERIFIER)) as (server, given):
            yield DOT, server, cases.django_oauth_toolkit(given)
    if NODE in peers:
        key, secret = Key(), secrets.token_urlsafe(32)
        with servers.node_oidc_provider(directory / "node", key, secret) as server:
            yield NODE, server, cases.node_oidc_provider(server, key, secret)


def _alice(server: Server, data_dir: Path) -> str:
    """Her primary key: the `sub` of her tokens."""
    token = cases.app_of_alice(server, data_dir).tokens()["access_token"]
    subject: str = jwt.decode(token, options={"verify_signature": False})["sub"]
    return subject


def main() -> None:
    arguments = argparse.ArgumentParser(prog="make bench", description=__doc__)
    arguments.add_argument("--rounds", type=int, default=3)
    arguments.add_argument("--requests", type=int, default=1200, help="per case and round")
    arguments.add_argument("--without", nargs="*", default=[], choices=[SIMPLEJWT, DOT, NODE])
    arguments.add_argument("--only", default="", help="cases whose name holds this")
    arguments.add_argument("--growth", action="store_true", help="a million rows of each kind against a thousand")
    arguments.add_argument("--memory", action="store_true", help="of the workers over 200,000 requests")
    arguments.add_argument("--cleanup", action="store_true", help="tokens while a million expired rows are removed")
    arguments.add_argument("--posting", action="store_true", help="a transfer in the database alone, beside its floor")
    arguments.add_argument("--json", type=Path, help="file for the figures; printed where none is given")
    options = arguments.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # what was started is stopped
    peers = {SIMPLEJWT, DOT, NODE} - set(options.without)
    if not servers.node_is_here():
        print("node and npm are not on this machine: node-oidc-provider is left out.")
        peers -= {NODE}
    with tempfile.TemporaryDirectory(prefix="bench-") as directory:
        Path(directory).chmod(0o711)
        for wanted, measured in ((options.memory, endurance.memory), (options.cleanup, endurance.cleanup)):
            if wanted:
                _write(measured(Path(directory) / "countersign"), options.json)
                return
        if options.posting:
            _write(posting.run(Path(directory), rounds=options.rounds), options.json)
            return
        if options.growth:
            grown = growth.run(Path(directory), rounds=options.rounds, number=options.requests, only=options.only)
            growth.print_table(grown)
            _write(grown, options.json)
            return
        rounds = [
            one_round(Path(directory), options.requests, peers=peers, only=options.only, counts=number == 0)
            for number in range(options.rounds)
        ]
    figures = report.compared(
        {
            key: {
                **{name: statistics.median(one[key][name] for one in rounds) for name in rounds[0][key]},
                "statements": rounds[0][key]["statements"],
            }
            for key in rounds[0]
        }
    )
    report.print_table(figures)
    _write({f"{server}: {case}": values for (server, case), values in figures.items()}, options.json)


def _write(figures: Mapping[str, object], file: Path | None) -> None:
    text = json.dumps(figures, indent=1)
    if file:
        file.write_text(text)
    else:
        print(text)


if __name__ == "__main__":
    main()
