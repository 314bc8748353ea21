"""The tests of the last release against the tables of this one: what its servers meet during an upgrade, and after a
roll-back of the code (docs/upgrading.md). Run by `make rolling`.

The release is the commit that .ci/last_release names. Its tests run in a copy of it in .cache/last-release, on a
database that this release's `migrate` made. `ARGS` selects some.
"""

import os
import shlex
import subprocess
import sys
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
# What they test is not what a server does beside a newer one: the text of documents, and the form of the database.
LEFT_OUT = ("tests/config", "tests/fuzz", "tests/simulation", "tests/flows", "tests/test_documents.py")
# These read sentences of scopes that have changed, or pages of a newer allauth; or they compare all rights and checks
# with those of their release, or migrate back.
DESELECTED = (
    "database_role or guarantee or migration or audit or rights or test_numbers_objects_and_lists or test_upstream "
    "or test_claims_asked_for_by_name or test_without_database"
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
        arguments += shlex.split(os.environ.get("ARGS", "")) or ["-k", f"not ({DESELECTED})", "tests"]
        return subprocess.run(arguments, cwd=release, env=_environment(url), check=False).returncode


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
