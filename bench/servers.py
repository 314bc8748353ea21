"""What is measured, each as a process of its own: the floor, a demo of ours, a peer."""

import json
import os
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench import cpu
from bench.signing import Key
from config.ports import is_free
from demo import postgres

ROOT = Path(__file__).resolve().parent.parent
NODE = ROOT / "bench/node_oidc_provider"
WORKERS = 2


@dataclass(frozen=True, slots=True)
class Server:
    """`database` is None where there is none; both are pids, whose trees are measured."""

    port: int
    process: int
    database: int | None = None

    @property
    def url(self) -> str:
        return f"http://localhost:{self.port}"


@contextmanager
def _started(command: list[str], path: str, environment: dict[str, str], port: int) -> Iterator[int]:
    """The pid, once `path` answers."""
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
        yield process.pid
    finally:
        process.terminate()
        process.wait(40)


def _free_port() -> int:
    return next(port for port in range(8700, 8800) if is_free(port, "127.0.0.1", "::1"))


@contextmanager
def floor() -> Iterator[Server]:
    port = _free_port()
    granian = [sys.executable, "-m", "granian", "--interface", "wsgi", "--workers", str(WORKERS), "--port", str(port)]
    with _started([*granian, "--no-ws", "bench.floor:application"], "/", {}, port) as pid:
        yield Server(port, pid)


@contextmanager
def countersign(data_dir: Path) -> Iterator[Server]:
    """A demo without limits on how often one may ask."""
    port = _free_port()
    environment = {
        "MODE": "demo", "PORT": str(port), "DATA_DIR": str(data_dir), "THROTTLE_SCALE": "1000000", "LOG_LEVEL": "ERROR",
    }  # fmt: skip
    with _started([sys.executable, "manage.py", "demo"], "/health/ready", environment, port) as pid:
        yield Server(port, pid, cpu.postmaster_of(str(data_dir)))


def registration_token(data_dir: Path) -> str:
    """For one client more at the demo that runs on `data_dir`."""
    command = [sys.executable, "manage.py", "registration_token"]
    environment = {**os.environ, "MODE": "demo", "DATA_DIR": str(data_dir)}
    done = subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True, text=True)
    return done.stdout.split()[-1]


def node_is_here() -> bool:
    return bool(shutil.which("node") and shutil.which("npm"))


@contextmanager
def node_oidc_provider(data_dir: Path, client: Key, service_secret: str) -> Iterator[Server]:
    """The peer, with the clients `fapi` (whose key is `client`) and `service`; its packages are fetched once."""
    if not (NODE / "node_modules").is_dir():
        subprocess.run(["npm", "ci", "--no-audit", "--no-fund", "--silent"], cwd=NODE, check=True, timeout=300)
    port = _free_port()
    signing = {**Key().private_jwk, "alg": "ES256", "use": "sig", "kid": "signing"}
    with postgres.running(data_dir) as url:
        environment = {
            "PORT": str(port), "DATABASE_URL": url, "WORKERS": str(WORKERS), "SERVICE_SECRET": service_secret,
            "CLIENT_JWKS": _jwks(client.public_jwk), "JWKS": _jwks(signing), "NODE_ENV": "production",
        }  # fmt: skip
        command = ["node", str(NODE / "server.mjs")]
        with _started(command, "/.well-known/openid-configuration", environment, port) as pid:
            yield Server(port, pid, cpu.postmaster_of(str(data_dir)))


def _jwks(key: dict[str, Any]) -> str:
    return json.dumps({"keys": [key]})
