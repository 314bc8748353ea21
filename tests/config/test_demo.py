"""`make demo` runs `manage.py demo`, which makes a running bank from an empty directory. The test starts and stops
it.
"""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import requests

from tests.lib.servers import PATIENCE_SECONDS, ROOT, Server, open_to_passers_by, run

pytestmark = pytest.mark.served

OWN_POSTGRES = {"MODE": "demo", "DATABASE_URL": None, "SECRET_KEY": None, "KEY_ENCRYPTION_KEYS": None}


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    """A directory that the user of PostgreSQL can enter if root runs the tests, unlike pytest's own directories of mode
    0700.
    """
    if os.geteuid() == 0:
        open_to_passers_by(tmp_path)
    return tmp_path


def test_make_demo_runs_the_command_that_is_tested_here() -> None:
    command = ["make", "--no-print-directory", "--dry-run", "demo"]
    said = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert said.splitlines()[-1] == "MODE=demo exec .venv/bin/python manage.py demo"


def test_it_stops_cleanly_with_its_postgresql_and_keeps_the_data(data_dir: Path) -> None:
    with run("demo", data_dir=data_dir, environment=OWN_POSTGRES, patience_seconds=3 * PATIENCE_SECONDS) as demo:
        keys = requests.get(f"{demo.url}/oauth/jwks", timeout=60).json()
        assert (
            requests.get(f"{demo.url}/.well-known/oauth-authorization-server", timeout=60).json()["issuer"] == demo.url
        )
        assert _postmasters(data_dir)
        demo.process.send_signal(signal.SIGINT)
        assert demo.process.wait(PATIENCE_SECONDS) == 0
        assert not _postmasters(data_dir)
        assert demo.url in demo.log  # the output names the URL
        assert "WARNING" not in demo.log.partition(demo.url)[0]  # without warnings before it
    clients = json.loads((data_dir / "clients.json").read_text())
    assert f"demo-service:{clients['demo-service']['client_secret']}" in demo.log

    with run("demo", data_dir=data_dir, environment=OWN_POSTGRES) as again:
        # The background worker may have published the next ones meanwhile.
        kept = requests.get(f"{again.url}/oauth/jwks", timeout=60).json()["keys"]
        assert [key for key in keys["keys"] if key not in kept] == []
        assert json.loads((data_dir / "clients.json").read_text()) == clients
        assert _second_demo(again) == (1, f"The demo in {data_dir} runs already.")
        assert again.stop() == 0
        assert not _postmasters(data_dir)


def _postmasters(data_dir: Path) -> list[Path]:
    return list(data_dir.rglob("postmaster.pid"))


def _second_demo(first: Server) -> tuple[int, str]:
    environment = {**os.environ, "MODE": "demo", "DATA_DIR": str(first.data_dir)}
    for name in ("DATABASE_URL", "SECRET_KEY", "KEY_ENCRYPTION_KEYS", "PORT"):
        environment.pop(name, None)
    command = [sys.executable, "manage.py", "demo"]
    result = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=200, check=False
    )
    return result.returncode, result.stderr.removeprefix("CommandError: ").partition(" Stop it")[0]
