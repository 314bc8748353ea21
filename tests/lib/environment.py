"""Sets the environment variables that the settings need before pytest-django reads them. Therefore this is a plugin
(`-p` in pyproject.toml) and not a conftest.

The tests run on a real PostgreSQL: that of DATABASE_URL if it is set, otherwise their own in .cache, which is started
for the run and stopped after it.
"""

import atexit
import base64
import fcntl
import gc
import hashlib
import itertools
import os
import signal
import subprocess
import sys
import tempfile
import threading
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from demo import postgres

ROOT = Path(__file__).resolve().parents[2]
DIRECTORY = ROOT / ".cache" / "test-postgres"
# Removed, so that variables of a developer's shell do not affect the tests.
FORGOTTEN = ("OAUTH_ISSUER", "ALLOWED_HOSTS", "TRUSTED_PROXIES", "PROXY_SECRETS",
             "PROXIES_DROP_UNDERSCORES", "MUTUAL_TLS", "EMAIL_URL", "CACHE_URL", "PORT", "DATA_DIR",
             "THROTTLE_SCALE", "OUTBOUND_ALLOWED_HOSTS", "SIGNING_ALGORITHM", "LOG_LEVEL")  # fmt: skip

# The markers of long tests, those of the longest files first. Most of these tests spend most of their time waiting.
LONG = ("sdk", "packaged", "browser", "served", "node", "simulation", "large", "exhaustive")


@pytest.hookimpl(tryfirst=True)  # before pytest-django
def pytest_load_initial_conftests() -> None:
    gc.disable()  # switched off until all tests are collected, because collecting creates many objects and frees none
    # Container images often set this variable. With it, each process of the tests and each server that they start would
    # compile the site again, which is a third of its start-up time.
    sys.dont_write_bytecode = False
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    # A background job of a shell ignores SIGINT, and the servers that tests stop with SIGINT would inherit this.
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, signal.default_int_handler)
    for name in FORGOTTEN:
        os.environ.pop(name, None)
    os.environ["MODE"] = "test"
    os.environ["REFUSED_REQUESTS_SECONDS"] = "0"
    os.environ["BANK_JOURNAL_SECONDS"] = "0"  # no thread may write outside the transaction of a test
    os.environ["SECRET_KEY"] = "the key of the tests, which signs nothing of value"
    os.environ["KEY_ENCRYPTION_KEYS"] = base64.urlsafe_b64encode(b"a Fernet key has 32 bytes: tests").decode()
    os.environ["PAIRWISE_SUBJECT_KEY"] = "the key of the tests' pairwise subjects"
    os.environ.setdefault("DB_POOL_MAX", "24")  # tests use up to 20 threads at once, and a busy machine
    os.environ.setdefault("DB_POOL_TIMEOUT", "3")  # takes long to connect
    os.environ.setdefault("DB_PROBE_TIMEOUT", "60")  # a busy machine is not an outage
    os.environ.setdefault("DB_STATEMENT_DEADLINE", "120")
    if "DATABASE_URL" not in os.environ:
        os.environ["DATABASE_URL"] = _own_database()
    os.environ["PYTEST_DEBUG_TEMPROOT"] = _own_directory(os.environ["DATABASE_URL"])


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files with long tests come first, so that no worker is left alone with one at the end."""
    places: dict[Path, int] = {}
    for item in items:
        of_item = [LONG.index(mark.name) for mark in item.iter_markers() if mark.name in LONG]
        places[item.path] = min([places.get(item.path, len(LONG)), *of_item])
    items.sort(key=lambda item: places[item.path])


@pytest.hookimpl(optionalhook=True)  # of pytest-xdist
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    if config.getoption("dist") != "loadfile":
        return None
    from tests.lib.both_ends import FromBothEnds

    return FromBothEnds(config, log)


@pytest.hookimpl(optionalhook=True)  # of pytest-xdist
def pytest_xdist_setupnodes() -> None:
    """Makes the template database while the processes of the run collect tests. A process that needs it earlier waits
    for it.
    """
    making = subprocess.Popen([sys.executable, "-m", "tests.lib.template_database"], cwd=ROOT)
    atexit.register(making.wait)


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop() -> None:
    gc.freeze()  # excludes imported objects from garbage collection
    gc.set_threshold(20_000, 10, 10)  # and makes collections rare, because there is enough memory
    gc.enable()


def _own_directory(database_url: str) -> str:
    """The directory for temporary files. Each run has its own directory, because pytest denies access to other users
    when it begins, and a run's PostgreSQL and nginx may run as other users. The path is short, because socket paths
    have a maximum length.
    """
    run = hashlib.sha256(f"{ROOT} {database_url}".encode()).hexdigest()[:8]
    directory = Path(tempfile.gettempdir(), f"countersign-{run}")
    directory.mkdir(mode=0o700, exist_ok=True)
    return str(directory)


def _own_database() -> str:
    """Simultaneous test runs share the database server but not the database. A run reuses the database that a killed
    run left.
    """
    resources = ExitStack()
    atexit.register(resources.close)  # also if pytest fails before the first test
    try:
        url = resources.enter_context(postgres.running(DIRECTORY, durable=False))
    except postgres.PostgresError as error:
        pytest.exit(str(error), returncode=4)
    for number in itertools.count(1):
        slot = resources.enter_context((DIRECTORY / f"slot-{number}").open("w"))
        try:
            fcntl.flock(slot, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            continue
        break
    return urlsplit(url)._replace(path=f"/run_{number}").geturl()  # pytest-django prefixes the name with test_
