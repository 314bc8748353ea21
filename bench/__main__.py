"""Runs the cases and prints a table and JSON. `python -m bench [--rounds N] [--requests N]`."""

import argparse
import base64
import hashlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit

from bench import cpu, load
from bench.load import Request
from config.ports import is_free
from tests.flows import person

ROOT = Path(__file__).resolve().parent.parent
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
WORKERS = 2


@contextmanager
def started(command: list[str], port: int, path: str, environment: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """The command, once `path` answers."""
    process = subprocess.Popen(
        command, cwd=ROOT, env={**os.environ, **environment}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        for _ in range(600):
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=1).close()
                break
            except OSError:
                if process.poll() is not None:
                    raise RuntimeError(f"{command} did not start") from None
                time.sleep(0.1)
        yield process
    finally:
        process.terminate()
        process.wait(40)


def free_port() -> int:
    return next(port for port in range(8700, 8800) if is_free(port, "127.0.0.1", "::1"))


def cases(port: int, data_dir: Path) -> dict[str, Callable[[], Request]]:
    """Name -> maker of requests, against a running demo."""
    clients = json.loads((data_dir / "clients.json").read_text())

    def basic(client_id: str) -> dict[str, str]:
        credentials = f"{client_id}:{clients[client_id]['client_secret']}".encode()
        return {**FORM, "Authorization": f"Basic {base64.b64encode(credentials).decode()}"}

    tokens = sign_in(port, basic("demo-web"))
    service = Request("POST", "/oauth/token", "grant_type=client_credentials", basic("demo-service"))
    refresh = urlencode({"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]})
    bearer = {"Authorization": f"Bearer {tokens['access_token']}"}
    return {
        "metadata": lambda: Request("GET", "/.well-known/oauth-authorization-server"),
        "JWKS": lambda: Request("GET", "/oauth/jwks"),
        "client_credentials": lambda: service,
        "refresh, not rotating": lambda: Request("POST", "/oauth/token", refresh, basic("demo-web")),
        "API: list of 3 accounts": lambda: Request("GET", "/api/v1/accounts", headers=bearer),
    }


def sign_in(port: int, headers: dict[str, str]) -> dict[str, str]:
    """Alice allows the web app; its tokens."""
    redirect_uri, verifier = "http://localhost:3000/callback", "v" * 43
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    query = {
        "client_id": "demo-web", "redirect_uri": redirect_uri, "response_type": "code", "scope": "accounts:read",
        "code_challenge": challenge, "code_challenge_method": "S256",
    }  # fmt: skip
    url = f"http://localhost:{port}/oauth/authorize?{urlencode(query)}"
    code = parse_qs(urlsplit(person.answer(url, returns_to=redirect_uri)).query)["code"][0]
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": redirect_uri, "code_verifier": verifier}
    request = urllib.request.Request(f"http://127.0.0.1:{port}/oauth/token", urlencode(form).encode(), headers)
    with urllib.request.urlopen(request) as response:
        tokens: dict[str, str] = json.load(response)
        return tokens


def measure(
    port: int, server: int, database: int | None, make: Callable[[], Request], requests: int
) -> dict[str, float]:
    """One case on a warm server: CPU in µs per request, of the server's and of the database's processes."""
    load.run(port, make, max(requests // 10, load.CONNECTIONS))
    server_before = cpu.of_tree(server)
    database_before = cpu.of_tree(database) if database else 0.0
    result = load.run(port, make, requests)
    used = cpu.of_tree(server) - server_before
    used_by_database = cpu.of_tree(database) - database_before if database else 0.0
    return {
        "requests_per_second": result.per_second,
        "p50_ms": result.percentile_milliseconds(0.5),
        "p99_ms": result.percentile_milliseconds(0.99),
        "server_us": used / result.requests * 1e6,
        "database_us": used_by_database / result.requests * 1e6,
    }


def one_round(data_dir: Path, requests: int) -> dict[str, dict[str, float]]:
    """Each server alone."""
    port = free_port()
    granian = [sys.executable, "-m", "granian", "--interface", "wsgi", "--workers", str(WORKERS), "--port", str(port)]
    with started([*granian, "--no-ws", "bench.floor:application"], port, "/", {}) as process:
        figures = {"a bare Django view": measure(port, process.pid, None, lambda: Request("GET", "/"), requests)}
    port = free_port()
    environment = {
        "MODE": "demo", "PORT": str(port), "DATA_DIR": str(data_dir), "THROTTLE_SCALE": "1000000", "LOG_LEVEL": "ERROR",
    }  # fmt: skip
    with started([sys.executable, "manage.py", "demo"], port, "/health/ready", environment) as process:
        database = cpu.postmaster_of(str(data_dir))
        for name, make in cases(port, data_dir).items():
            figures[name] = measure(port, process.pid, database, make, requests)
    return figures


def main() -> None:
    arguments = argparse.ArgumentParser(prog="make bench", description=__doc__)
    arguments.add_argument("--rounds", type=int, default=3)
    arguments.add_argument("--requests", type=int, default=2000, help="per case and round")
    options = arguments.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-") as directory:
        Path(directory).chmod(0o711)
        rounds = [one_round(Path(directory), options.requests) for _ in range(options.rounds)]
    medians = {
        name: {figure: statistics.median(one[name][figure] for one in rounds) for figure in rounds[0][name]}
        for name in rounds[0]
    }
    floor = medians["a bare Django view"]["server_us"]
    for figures in medians.values():
        figures["ratio"] = (figures["server_us"] + figures["database_us"]) / floor
    print_table(medians)
    print(json.dumps(medians))


def print_table(medians: dict[str, dict[str, float]]) -> None:
    print("CPU in µs per request; ratio: server and database to the server of the bare view. Median of the rounds.")
    print(f"{'case':28}{'server':>9}{'database':>10}{'ratio':>8}{'req/s':>9}{'p50 ms':>9}{'p99 ms':>9}")
    for name, f in medians.items():
        print(
            f"{name:28}{f['server_us']:9.0f}{f['database_us']:10.0f}{f['ratio']:8.1f}"
            f"{f['requests_per_second']:9.0f}{f['p50_ms']:9.2f}{f['p99_ms']:9.2f}"
        )


if __name__ == "__main__":
    main()
