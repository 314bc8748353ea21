"""How a server behaves after many requests, during cleanup and under a flood of logins: `make bench ARGS="--memory"`,
`ARGS="--cleanup"` and `ARGS="--logins"`.
"""

import json
import os
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import psutil
import psycopg

from bench import cases, load, servers
from bench.cases import FORM
from bench.load import Request
from bench.servers import Server, basic

REQUESTS, STEP = 200_000, 20_000
EXPIRED = 1_000_000
LOG_INS_PER_SECOND = 200
PER_SECOND, SECONDS = 40, 20  # below the server's capacity, as in production

_EXPIRE = """
INSERT INTO oauth_usedproof (proof_digest, expires_at)
SELECT sha256(('proof ' || n)::bytea), now() - interval '1 day' FROM generate_series(1, %(half)s) n;
INSERT INTO oauth_pushedrequest (reference_digest, client_id, request, expires_at)
SELECT sha256(('pushed ' || n)::bytea), (SELECT min(id) FROM oauth_client), '{}', now() - interval '40 days'
  FROM generate_series(1, %(quarter)s) n;
UPDATE oauth_authorization SET expires_at = now() - interval '40 days' WHERE id::text LIKE '5ca1e000%%'
"""


def memory(directory: Path) -> dict[str, Any]:
    """Resident memory of each worker in MB, after every STEP requests of four kinds."""
    with servers.countersign(directory) as server:
        mix = _mix(server, directory)
        found: list[dict[str, Any]] = []
        for done in range(STEP, REQUESTS + 1, STEP):
            alice = cases.app_of_alice(server, directory)  # her access token expires after five minutes
            bearer = {"Authorization": f"Bearer {alice.tokens()['access_token']}"}
            listing = Request("GET", "/api/v1/accounts", headers=bearer)
            load.run(server.port, [*mix, listing] * (STEP // (len(mix) + 1)))
            found.append({"requests": done, "workers_mb": _workers_mb(server)})
            print(f"{done:7} requests: {found[-1]['workers_mb']} MB", file=sys.stderr)
        first, last = (max(one["workers_mb"]) for one in (found[0], found[-1]))
        print(
            f"The largest worker after {STEP:,} and {REQUESTS:,} requests: {first} and {last} MB, {last / first:.2f} x"
        )
        return {"steps": found, "ratio": last / first}


def cleanup(directory: Path) -> dict[str, float]:
    """p95 of token requests in ms, at a steady rate: before and while a million expired rows are deleted."""
    quarter = EXPIRED // 4
    with servers.countersign(directory, scale=quarter / 1_000_000) as server:
        assert server.database
        with psycopg.connect(server.database.url) as connection:
            # Deleting an authorization also deletes its refresh token.
            for statement in _EXPIRE.split(";"):
                connection.execute(statement, {"half": EXPIRED // 2, "quarter": quarter})
        with psycopg.connect(server.database.url, autocommit=True) as connection:
            connection.execute("VACUUM ANALYZE")
            connection.execute("CHECKPOINT")
        batch = [request for _ in range(PER_SECOND * SECONDS // 2) for request in _mix(server, directory)[:2]]
        load.run(server.port, batch[: len(batch) // 4], per_second=PER_SECOND)
        before = load.run(server.port, batch, per_second=PER_SECOND).percentile_milliseconds(0.95)
        began = time.monotonic()
        environment = {**os.environ, "MODE": "demo", "DATA_DIR": str(directory)}
        command = [sys.executable, "manage.py", "cleanup"]
        latencies = []
        with subprocess.Popen(command, cwd=servers.ROOT, env=environment, stdout=subprocess.PIPE, text=True) as process:
            while process.poll() is None:
                latencies += load.run(server.port, batch[: 2 * PER_SECOND], per_second=PER_SECOND).latencies_seconds
            removed = (process.stdout.read() if process.stdout else "").splitlines()
        with psycopg.connect(server.database.url) as connection:
            left = connection.execute(
                "SELECT count(*) FROM oauth_usedproof WHERE expires_at < now() - interval '1 hour'"
            )
            assert left.fetchone() == (0,)  # the server's background worker may have deleted some
        meanwhile = load.Result(len(latencies), 1, latencies).percentile_milliseconds(0.95)
        print("\n".join(removed))
        seconds = time.monotonic() - began
        deleted = f"{EXPIRED:,} rows were deleted in {seconds:.0f} s"
        print(f"p95 of tokens: {before:.1f} ms, {meanwhile:.1f} ms while {deleted}")
        return {"before_ms": before, "meanwhile_ms": meanwhile, "ratio": meanwhile / before}


def log_ins(directory: Path) -> dict[str, float]:
    """p95 of client_credentials in ms, at a steady rate: alone, and during LOG_INS_PER_SECOND login attempts a second.
    The server answers 503 to a login for which it cannot compute a hash. A separate process sends the logins.
    """
    with servers.countersign(directory) as server:
        tokens = [_mix(server, directory)[0]] * (PER_SECOND * SECONDS)
        flood = cases.log_ins(server, LOG_INS_PER_SECOND * SECONDS, or_busy=503)
        load.run(server.port, tokens[: len(tokens) // 4], per_second=PER_SECOND)
        before = load.run(server.port, tokens, per_second=PER_SECOND).percentile_milliseconds(0.95)
        with ProcessPoolExecutor(1) as pool:
            flooding = pool.submit(load.run, server.port, flood, per_second=LOG_INS_PER_SECOND)
            meanwhile = load.run(server.port, tokens, per_second=PER_SECOND).percentile_milliseconds(0.95)
            asked = flooding.result()
        done = (asked.requests - asked.busy) / asked.seconds
    print(
        f"p95 of client_credentials: {before:.1f} ms, {meanwhile:.1f} ms while {asked.per_second:.0f} logins a second"
        f" were asked for: {meanwhile / before:.2f} x. {done:.0f} a second were done, the others were answered 503."
    )
    return {"before_ms": before, "meanwhile_ms": meanwhile, "ratio": meanwhile / before, "logins_per_second": done}


def _mix(server: Server, directory: Path) -> list[Request]:
    known = json.loads((directory / "clients.json").read_text())
    service = {**FORM, **basic("demo-service", known["demo-service"]["client_secret"])}
    alice = cases.app_of_alice(server, directory)
    tokens = alice.tokens()
    return [
        Request("POST", "/oauth/token", f"grant_type=client_credentials&scope={cases.SCOPE}", service),
        alice.refresh(tokens["refresh_token"]),
        Request("POST", "/oauth/introspect", urlencode({"token": tokens["refresh_token"]}), alice.headers),
    ]


def _workers_mb(server: Server) -> list[int]:
    """The memory of the worker processes in MB, the largest first."""
    children = psutil.Process(server.process).children(recursive=True)
    serving = [one for one in children if "granian" in one.name() or "multiprocessing" in " ".join(one.cmdline())]
    return sorted((one.memory_info().rss // 1_000_000 for one in serving), reverse=True)[: servers.WORKERS]
