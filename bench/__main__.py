"""Runs the cases and prints a table and JSON. `python -m bench [--rounds N] [--requests N]`."""

import argparse
import json
import secrets
import statistics
import tempfile
from pathlib import Path

from bench import cases, cpu, load, servers
from bench.cases import Case
from bench.servers import Server
from bench.signing import Key

FLOOR, OURS, NODE = "floor", "countersign", "node-oidc-provider"
Figures = dict[str, float]


def measure(server: Server, case: Case, requests: int) -> Figures:
    """One case on a warm server: CPU in µs per request, of the server's and of the database's processes."""
    requests = min(requests, case.most or requests)
    load.run(server.port, case.make(max(requests // 10, load.CONNECTIONS)))
    batch = case.make(requests)
    server_before = cpu.of_tree(server.process)
    database_before = cpu.of_tree(server.database) if server.database else 0.0
    result = load.run(server.port, batch)
    used = cpu.of_tree(server.process) - server_before
    used_by_database = cpu.of_tree(server.database) - database_before if server.database else 0.0
    return {
        "requests_per_second": result.per_second,
        "p50_ms": result.percentile_milliseconds(0.5),
        "p99_ms": result.percentile_milliseconds(0.99),
        "server_us": used / result.requests * 1e6,
        "database_us": used_by_database / result.requests * 1e6,
    }


def one_round(directory: Path, requests: int, *, peers: bool) -> dict[tuple[str, str], Figures]:
    """(server, case) -> figures; each server alone."""
    figures = {}
    with servers.floor() as server:
        figures |= {(FLOOR, case.name): measure(server, case, requests) for case in cases.bare_view()}
    ours = directory / "countersign"
    with servers.countersign(ours) as server:
        figures |= {(OURS, case.name): measure(server, case, requests) for case in cases.countersign(server, ours)}
    if peers:
        key, secret = Key(), secrets.token_urlsafe(32)
        with servers.node_oidc_provider(directory / "node", key, secret) as server:
            for case in cases.node_oidc_provider(server, key, secret):
                figures[NODE, case.name] = measure(server, case, requests)
    return figures


def main() -> None:
    arguments = argparse.ArgumentParser(prog="make bench", description=__doc__)
    arguments.add_argument("--rounds", type=int, default=3)
    arguments.add_argument("--requests", type=int, default=2000, help="per case and round")
    options = arguments.parse_args()
    peers = servers.node_is_here()
    if not peers:
        print("node and npm are not on this machine: node-oidc-provider is left out.")
    with tempfile.TemporaryDirectory(prefix="bench-") as directory:
        Path(directory).chmod(0o711)
        rounds = [one_round(Path(directory), options.requests, peers=peers) for _ in range(options.rounds)]
    medians = {
        key: {figure: statistics.median(one[key][figure] for one in rounds) for figure in rounds[0][key]}
        for key in rounds[0]
    }
    (floor,) = (figures["server_us"] for (server, _), figures in medians.items() if server == FLOOR)
    for (_, name), figures in medians.items():
        cost = figures["server_us"] + figures["database_us"]
        figures["ratio"] = cost / floor
        if peer := medians.get((NODE, name)):
            figures["ratio_to_node"] = cost / (peer["server_us"] + peer["database_us"])
    print_table(medians)
    print(json.dumps({f"{server}: {name}": figures for (server, name), figures in medians.items()}))


def print_table(medians: dict[tuple[str, str], Figures]) -> None:
    print("CPU in µs per request. x floor: server and database to the server of the bare view; x node: to the same of")
    print("node-oidc-provider. Median of the rounds.")
    print(
        f"{'server':20}{'case':26}{'server':>9}{'database':>10}{'x floor':>9}{'x node':>8}"
        f"{'req/s':>8}{'p50 ms':>9}{'p99 ms':>9}"
    )
    for (server, name), f in medians.items():
        to_node = f"{f['ratio_to_node']:8.1f}" if "ratio_to_node" in f else " " * 8
        print(
            f"{server:20}{name:26}{f['server_us']:9.0f}{f['database_us']:10.0f}{f['ratio']:9.1f}{to_node}"
            f"{f['requests_per_second']:8.0f}{f['p50_ms']:9.2f}{f['p99_ms']:9.2f}"
        )


if __name__ == "__main__":
    main()
