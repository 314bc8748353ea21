"""`make rolling`: runs the tests of the last release on the tables of this one, as its servers run during an upgrade
and after a rollback of the code (docs/upgrading.md).

The release is the commit that .ci/last_release names. Its tests run in a copy of it in .cache/last-release, on a
database that this release's `migrate` made. Failures that .ci/rolling_failures.toml explains are expected. `ARGS`
selects some tests, `FLOWS=1` those for CI.
"""

import os
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
from psycopg import sql

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
from demo import postgres  # noqa: E402

CACHE = ROOT / ".cache"
NAME = "rolling"
SECONDS_TO_MIGRATE = 600
# These tests do not test a server beside a newer one: they test documents, or servers with separate databases.
LEFT_OUT = ("tests/config", "tests/fuzz", "tests/simulation", "tests/flows", "tests/test_documents.py")
# FLOWS=1 selects the tests of the most frequent actions of users and apps, which take some minutes. For CI.
FLOWS = (
    "tests/accounts/test_sign_up_and_log_in.py",
    "tests/banking/test_api.py",
    "tests/banking/test_scheduled_transfers.py",
    "tests/banking/test_transfers.py",
    "tests/banking/test_webhooks.py",
    "tests/oauth/test_authorization_code.py",
    "tests/oauth/test_authorize.py",
    "tests/oauth/test_ciba.py",
    "tests/oauth/test_consent.py",
    "tests/oauth/test_device.py",
    "tests/oauth/test_logout.py",
    "tests/oauth/test_par.py",
    "tests/oauth/test_refresh_token.py",
    "tests/oauth/test_token.py",
    "tests/oauth/test_token_exchange.py",
    "tests/oauth/test_tokens_end.py",
)


def main() -> int:
    commit = (ROOT / ".ci/last_release").read_text().split()[0]
    release = _copy(commit)
    if release is None:
        print(f"skipped: this clone does not have the commit {commit} of the last release (a shallow clone?)")
        return 0
    with postgres.running(CACHE / NAME, durable=False) as url:
        url = urlsplit(url)._replace(path=f"/{NAME}").geturl()
        _make(url, f"test_{NAME}")
        arguments = [
            sys.executable,
            "-m",
            "pytest",
            "--reuse-db",
            "-q",
            "-p",
            "no:randomly",
            "-p",
            "no:schemathesis",
            "-p",
            "rolling_plugin",
        ]
        arguments += [f"--ignore={one}" for one in LEFT_OUT]
        arguments += shlex.split(os.environ.get("ARGS", "")) or ["-k", _not_left_out(), *_paths()]
        return subprocess.run(arguments, cwd=release, env=_environment(url), check=False).returncode


def _paths() -> tuple[str, ...]:
    return FLOWS if os.environ.get("FLOWS") else ("tests",)


def _not_left_out() -> str:
    listed = tomllib.loads((ROOT / ".ci/rolling_failures.toml").read_text())["left_out"]
    return f"not ({' or '.join(keyword for one in listed for keyword in one['keywords'])})"


def _copy(commit: str) -> Path | None:
    folder = CACHE / f"last-release-{commit[:12]}"
    if not folder.exists():
        archive = subprocess.run(["/usr/bin/env", "git", "archive", commit], cwd=ROOT, capture_output=True, check=False)
        if archive.returncode:
            return None
        folder.mkdir(parents=True)
        subprocess.run(["/usr/bin/env", "tar", "x"], cwd=folder, input=archive.stdout, check=True)
    return folder


def _make(url: str, name: str) -> None:
    """An empty database of that name with the tables of this release."""
    with psycopg.connect(urlsplit(url)._replace(path="/postgres").geturl(), autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    environment = _environment(urlsplit(url)._replace(path=f"/{name}").geturl())
    for command in (["migrate", "--verbosity", "0"], ["createcachetable"]):
        subprocess.run([sys.executable, "manage.py", *command], cwd=ROOT, env=environment, check=True,
                       timeout=SECONDS_TO_MIGRATE)  # fmt: skip


def _environment(url: str) -> dict[str, str]:
    return {
        **os.environ, "PYTHONPATH": str(ROOT / ".ci"), "MODE": "test", "DATABASE_URL": url,
        "SECRET_KEY": "the key of the tests, which signs nothing of value",
        "KEY_ENCRYPTION_KEYS": "YSBGZXJuZXQga2V5IGhhcyAzMiBieXRlczogdGVzdHM=",
    }  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
