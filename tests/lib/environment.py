"""What the settings need before pytest-django reads them, so it is a plugin (`-p` in pyproject.toml), not a conftest.

The tests run on a real PostgreSQL: DATABASE_URL where it is set, else one of their own in .cache, started for
the run and stopped after it.
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
# A developer's shell does not change what the tests see.
FORGOTTEN = ("OAUTH_ISSUER", "ALLOWED_HOSTS", "TRUSTED_PROXIES", "PROXY_SECRETS",
             "PROXIES_DROP_UNDERSCORES", "MUTUAL_TLS", "EMAIL_URL", "CACHE_URL", "PORT", "DATA_DIR",
             "THROTTLE_SCALE", "OUTBOUND_ALLOWED_HOSTS", "SIGNING_ALGORITHM", "LOG_LEVEL")  # fmt: skip

# The markers of long tests, those of the longest files first. Most of them leave the processor to others for most of
# their time.
LONG = ("sdk", "packaged", "browser", "served", "node", "simulation", "large")


@pytest.hookimpl(tryfirst=True)  # before pytest-django
def pytest_load_initial_conftests() -> None:
    gc.disable()  # until all is imported and collected, which makes much and throws nothing away
    # Images and sessions often set it. Each process of the tests, and each server that they start, would compile the
    # site again, which takes a third of its start.
    sys.dont_write_bytecode = False
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    # A job in a shell's background ignores it, and so would each server whose end by Ctrl-C is tested.
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, signal.default_int_handler)
    for name in FORGOTTEN:
        os.environ.pop(name, None)
    os.environ["MODE"] = "test"
    os.environ["REFUSED_REQUESTS_SECONDS"] = "0"
    os.environ["BANK_JOURNAL_SECONDS"] = "0"  # no thread writes beside the transaction of a test
    os.environ["SECRET_KEY"] = "the key of the tests, which signs nothing of value"
    os.environ["KEY_ENCRYPTION_KEYS"] = base64.urlsafe_b64encode(b"a Fernet key has 32 bytes: tests").decode()
    os.environ["PAIRWISE_SUBJECT_KEY"] = "the key of the tests' pairwise subjects"
    os.environ.setdefault("DB_POOL_MAX", "24")  # tests ask with up to 20 threads at once, on machines that are busy
    os.environ.setdefault("DB_POOL_TIMEOUT", "3")  # and take long to connect
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
    """The processes of the run are busy with collecting tests at first. One that comes too early waits for the
    template.
    """
    making = subprocess.Popen([sys.executable, "-m", "tests.lib.template_database"], cwd=ROOT)
    atexit.register(making.wait)


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop() -> None:
    gc.freeze()  # what was imported is never looked through again
    gc.set_threshold(20_000, 10, 10)  # and what a test leaves, seldom: memory is there
    gc.enable()


def _own_directory(database_url: str) -> str:
    """For temporary files. Runs side by side must not share it: each run closes it to other users when it begins, also
    to those as whom PostgreSQL and nginx of another run work in it. The path is short, because it holds sockets."""
    run = hashlib.sha256(f"{ROOT} {database_url}".encode()).hexdigest()[:8]
    directory = Path(tempfile.gettempdir(), f"countersign-{run}")
    directory.mkdir(mode=0o700, exist_ok=True)
    return str(directory)


def _own_database() -> str:
    """Runs side by side share the server but not the database; what a killed run left is taken over."""
    resources = ExitStack()
    atexit.register(resources.close)  # however far pytest comes
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
    return urlsplit(url)._replace(path=f"/run_{number}").geturl()  # pytest-django puts test_ before the name
