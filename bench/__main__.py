"""Runs the cases and prints a table and JSON. `make bench ARGS="--rounds 1 --only refresh"`."""

import argparse
import json
import secrets
import signal
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import jwt

from bench import blocks, cases, cpu, document, endurance, growth, load, posting, report, servers, sizes, targets
from bench.cases import Case
from bench.peers import SECRET, formance, hydra, keycloak, rauthy
from bench.report import (
    BARE,
    COUNTERSIGN,
    DOT,
    DRF,
    FORMANCE,
    HYDRA,
    KEYCLOAK,
    NODE,
    RAUTHY,
    SIMPLEJWT,
    Figures,
)  # fmt: skip
from bench.servers import Server, client_credentials
from bench.signing import VERIFIER, Key, s256
from bench.targets import Results

# The servers of other vendors that are installed on this machine.
PROGRAMS = {KEYCLOAK: keycloak, HYDRA: hydra, RAUTHY: rauthy, FORMANCE: formance}
PEERS = [SIMPLEJWT, DOT, NODE, *PROGRAMS]
COUNTED = 40
# Cheap cases get more requests, so that disturbances matter less.
CHEAP = {"metadata", "JWKS", "a bare Django view", "a bare DRF view", "client_credentials"}


def measure(server: Server, case: Case, number: int, *, counts: bool) -> Figures:
    """Measures one case on a warmed-up server: CPU in µs per request, of the server's and of the database's
    processes.
    """
    number = min(3 * number if case.name in CHEAP else number, case.most or 3 * number)
    # node compiles code after it has run about a thousand times. Before that, a request costs twice as much.
    warm_up = server.warm_up * number // (10 if case.most else 1)
    load.run(case.port or server.port, case.make(max(warm_up, case.connections)), connections=case.connections)
    statements = _statements(server, case) if counts else 0.0
    result, server_us, database_us = server.asked(case.make(number), case.port, case.connections)
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
        load.run(case.port or server.port, batch, connections=case.connections)
        return round((so_far() - before) / COUNTED, 1)


@dataclass(frozen=True, slots=True)
class Round:
    """The figures of each server: its cases, its start-up time and its memory."""

    figures: dict[tuple[str, str], Figures]
    footprints: dict[str, Figures]


def one_round(directory: Path, number: int, *, peers: set[str], only: Sequence[str], counts: bool) -> Round:
    """Measures each server alone, one after the other. Counts SQL statements if asked to."""
    done = Round({}, {})
    for name, server, found in _servers(directory, peers):
        for case in found:
            if any(one in case.name for one in only) or case.name.startswith("a bare"):
                measured = done.figures[name, case.name] = measure(server, case, number, counts=counts)
                print(f"{name}: {case.name}: {report.cost(measured):.0f} µs", file=sys.stderr, flush=True)
        start = server.start
        done.footprints[name] = {
            "start_seconds": start.seconds, "start_cpu_seconds": start.cpu_seconds, "idle_mb": start.memory_mb,
            "loaded_mb": cpu.memory_mb_of_tree(server.process),
        }  # fmt: skip
    return done


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
        made, token = 2 * cases.MOST_CODES, client_credentials("/o/token/", "client-credentials", SECRET)
        with servers.django_oauth_toolkit(directory / "dot", made, s256(VERIFIER), token) as (server, given):
            yield DOT, server, cases.django_oauth_toolkit(server, given)
    if NODE in peers:
        key, secret = Key(), secrets.token_urlsafe(32)
        with servers.node_oidc_provider(directory / "node", key, secret) as server:
            yield NODE, server, cases.node_oidc_provider(server, key, secret)
    for name, peer in PROGRAMS.items():
        if name in peers:
            # Created again in each round, so that no data of the previous round is left.
            with tempfile.TemporaryDirectory(dir=directory, prefix="peer-") as fresh:
                Path(fresh).chmod(0o711)
                with peer.serving(Path(fresh) / peer.__name__.split(".")[-1]) as (server, found):
                    yield name, server, found


def _alice(server: Server, data_dir: Path) -> str:
    """The primary key of Alice: the `sub` of her tokens."""
    token = cases.app_of_alice(server, data_dir).tokens()["access_token"]
    subject: str = jwt.decode(token, options={"verify_signature": False})["sub"]
    return subject


def main() -> None:
    options = _options()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # stops the servers that were started
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        directory = Path(name)
        directory.chmod(0o711)
        ours = directory / "countersign"
        if options.memory:
            _write(endurance.memory(ours), options.json)
        elif options.cleanup:
            _write(endurance.cleanup(ours), options.json)
        elif options.logins:
            _write(endurance.log_ins(ours), options.json)
        elif options.posting:
            _write(posting.run(directory, rounds=options.rounds), options.json)
        elif options.blocks:
            looked_at = blocks.run(directory)
            blocks.print_table(looked_at)
            _write(looked_at, options.json)
        elif options.sizes:
            of_rows = sizes.run(directory, scale=1)
            sizes.print_table(of_rows)
            _write(of_rows, options.json)
        elif options.growth:
            grown = growth.run(
                directory, large=options.scale, rounds=options.rounds, number=options.requests, only=options.only
            )
            growth.print_table(grown, large=options.scale)
            _write(grown, options.json)
        else:
            _compare(directory, options)


def _options() -> argparse.Namespace:
    arguments = argparse.ArgumentParser(prog="make bench", description=__doc__)
    arguments.add_argument("--rounds", type=int, default=3)
    arguments.add_argument("--requests", type=int, default=1200, help="per case and round")
    arguments.add_argument("--peers", nargs="*", default=PEERS, choices=PEERS, help="only these")
    arguments.add_argument("--without", nargs="*", default=[], choices=PEERS, help="all but these")
    arguments.add_argument("--only", nargs="+", default=[""], help="cases whose name contains one of these")
    arguments.add_argument("--targets", action="store_true", help="the table of targets, with all that it needs")
    arguments.add_argument("--growth", action="store_true", help="a million rows of each kind against a thousand")
    arguments.add_argument("--scale", type=float, default=1.0, help="the million rows of --growth, times this")
    arguments.add_argument("--blocks", action="store_true", help="blocks that a request reads, by the number of rows")
    arguments.add_argument("--sizes", action="store_true", help="bytes of a row, with a million of each kind")
    arguments.add_argument("--memory", action="store_true", help="memory of the workers over 200,000 requests")
    arguments.add_argument("--cleanup", action="store_true", help="tokens while a million expired rows are removed")
    arguments.add_argument("--logins", action="store_true", help="tokens while 200 logins a second are asked for")
    arguments.add_argument("--posting", action="store_true", help="a transfer in the database alone, and plain INSERTs")
    arguments.add_argument("--json", type=Path, help="file for the figures; printed where none is given")
    return arguments.parse_args()


def _compare(directory: Path, options: argparse.Namespace) -> None:
    """Compares Countersign with the other servers that are installed."""
    began = time.monotonic()
    peers = set(_found(set(options.peers) - set(options.without)))
    rounds = [
        one_round(directory, options.requests, peers=peers, only=options.only, counts=number == 0)
        for number in range(options.rounds)
    ]
    figures = report.compared(
        {
            key: {**_medians([one.figures[key] for one in rounds]), "statements": first["statements"]}
            for key, first in rounds[0].figures.items()
        }
    )
    footprints = {name: _medians([one.footprints[name] for one in rounds]) for name in rounds[0].footprints}
    report.print_table(figures)
    report.print_footprints(footprints)
    run = {"rounds": options.rounds, "requests": options.requests}
    if options.targets:
        ours = directory / "countersign"
        floor = posting.run(ours, rounds=options.rounds)[posting.FLOOR]["database_us"]
        flood = endurance.log_ins(ours)["ratio"]
        print("\n".join(targets.table(Results(figures, writes_us=floor, flood=flood))))
        run |= {"writes_us": floor, "flood": flood}
    print(f"{options.rounds} rounds took {(time.monotonic() - began) / 60:.0f} minutes. Others: {_versions(peers)}.")
    _write(
        {
            **{f"{server}: {case}": values for (server, case), values in figures.items()},
            **{f"{server}: {document.START}": values for server, values in footprints.items()},
            document.RUN: run,
        },
        options.json,
    )


def _found(wanted: set[str]) -> Iterator[str]:
    """Returns the servers of other vendors that are installed on this machine. For each missing one, it prints why it
    is left out.
    """
    for name in PEERS:
        if name not in wanted:
            continue
        missing = ""
        if name == NODE and not servers.node_is_here():
            missing = "node and npm are not on this machine: node-oidc-provider is left out."
        elif name in PROGRAMS:
            missing = PROGRAMS[name].PROGRAM.missing()
        if missing:
            print(missing, flush=True)
        else:
            yield name


def _versions(peers: set[str]) -> str:
    return ", ".join(f"{name} {PROGRAMS[name].version()}" for name in PROGRAMS if name in peers) or "none"


def _medians(rounds: list[Figures]) -> Figures:
    return {name: statistics.median(one[name] for one in rounds) for name in rounds[0]}


def _write(figures: Mapping[str, object], file: Path | None) -> None:
    text = json.dumps(figures, indent=1)
    if file:
        file.write_text(text)
    else:
        print(text)


if __name__ == "__main__":
    main()
