"""The table of faults (docs/faults.md): `make faults`.

Each fault happens to the same site under load, one after another. Then: no acknowledged transfer is missing, none was
made twice, no family of refresh tokens has ended, and everybody is served again soon after the cause is gone.
"""

import os
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

import psycopg
import pytest

from tests.faults import site as sites
from tests.faults import table
from tests.faults.load import INDEPENDENT, Answer, Load
from tests.faults.site import Site
from tests.lib.servers import wait_until

pytestmark = pytest.mark.faults

#: From the end of the cause until the last error. On a machine that does nothing else.
RECOVERY_SECONDS = float(os.environ.get("RECOVERY_SECONDS") or 3)
#: An answer that needs no database, at the 95th percentile, while the database is away.
INDEPENDENT_SECONDS = float(os.environ.get("INDEPENDENT_SECONDS") or 0.05)
SECONDS = 6.0


@dataclass(frozen=True)
class Fault:
    name: str
    begin: Callable[[Site], object]
    end: Callable[[Site], object]
    needs_cache: bool = False
    #: Whether what needs no database must go on all the time.
    spares_independent: bool = False
    seconds: float = SECONDS


def _nothing(_: Site) -> None:
    """It ends by itself."""


def _kill_worker_process(site: Site) -> None:
    site.servers[0].workers()[0].kill()


def _pause_worker_process(site: Site) -> None:
    site.servers[0].workers()[0].suspend()


def _resume_worker_processes(site: Site) -> None:
    for worker in site.servers[0].workers():
        worker.resume()


def _restart_database(site: Site) -> None:
    site.database.stop()
    site.database.start(max_connections="60")


def _start_database(site: Site) -> None:
    site.database.start(max_connections="60")


_taken: list[psycopg.Connection[object]] = []


def _take_all_connections(site: Site) -> None:
    while True:
        try:
            _taken.append(psycopg.connect(site.database.url, connect_timeout=2))
        except psycopg.OperationalError:
            return


def _give_connections_back(_: Site) -> None:
    while _taken:
        _taken.pop().close()


_sockets = ExitStack()
SLOW = {
    "headers": "POST /oauth/token HTTP/1.1\r\nHost: bank.example\r\nX-Slow: ",
    "bodies": "POST /oauth/token HTTP/1.1\r\nHost: bank.example\r\nContent-Length: 1000\r\n\r\ngrant_type=",
    "readers": "GET /static/drf_spectacular_sidecar/swagger-ui-dist/swagger-ui-bundle.js HTTP/1.1\r\n"
    "Host: bank.example\r\n\r\n",
}


def _slow(kind: str) -> Callable[[Site], None]:
    """60 sockets to the servers themselves, past nginx."""

    def begin(site: Site) -> None:
        for number in range(60):
            one = _sockets.enter_context(socket.socket())
            one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            one.connect(("127.0.0.1", site.servers[number % 2].port))
            one.sendall(SLOW[kind].encode())

    return begin


def _close_sockets(_: Site) -> None:
    _sockets.close()


def _large_bodies(site: Site) -> None:
    """20 connections that post 900 kB through nginx with its default limit."""
    port = urlsplit(site.url).port
    head = (
        "POST /oauth/token HTTP/1.1\r\nHost: bank.example\r\nContent-Type: text/plain\r\nContent-Length: 900000\r\n\r\n"
    )
    for _ in range(20):
        one = _sockets.enter_context(socket.create_connection(("127.0.0.1", port)))
        one.sendall(head.encode() + b"x" * 900_000)


FAULTS = [
    Fault("PostgreSQL: kill -9, then start", lambda site: site.database.kill(), _start_database, spares_independent=True),
    Fault("PostgreSQL: SIGSTOP", lambda site: site.database.pause(), lambda site: site.database.resume()),
    Fault("PostgreSQL: restart", _restart_database, _nothing, seconds=0, spares_independent=True),
    Fault("PostgreSQL: no connection left", _take_all_connections, _give_connections_back, spares_independent=True),
    Fault("server: kill -9, then start", lambda site: site.servers[0].kill(), lambda site: site.servers[0].start()),
    Fault("server: SIGSTOP", lambda site: site.servers[0].pause(), lambda site: site.servers[0].resume()),
    Fault("worker process of a server: kill -9", _kill_worker_process, _nothing),
    Fault("worker process of a server: SIGSTOP", _pause_worker_process, _resume_worker_processes),
    Fault("background worker: kill -9, then start", lambda site: site.worker.kill(), lambda site: site.worker.start()),
    Fault("background worker: SIGSTOP", lambda site: site.worker.pause(), lambda site: site.worker.resume()),
    Fault("cache: kill -9, then start", lambda site: site.cache.kill(), lambda site: site.cache.start(), needs_cache=True,  # type: ignore[union-attr]
          spares_independent=True),
    Fault("cache: SIGSTOP", lambda site: site.cache.pause(), lambda site: site.cache.resume(), needs_cache=True,  # type: ignore[union-attr]
          spares_independent=True),
    Fault("cache: emptied", lambda site: site.cache.flush(), _nothing, needs_cache=True, spares_independent=True),  # type: ignore[union-attr]
    Fault("60 slow headers", _slow("headers"), _close_sockets, spares_independent=True),
    Fault("60 slow bodies", _slow("bodies"), _close_sockets, spares_independent=True),
    Fault("60 slow readers", _slow("readers"), _close_sockets, spares_independent=True),
    Fault("20 bodies of 900 kB through nginx", _large_bodies, _close_sockets, spares_independent=True),
]  # fmt: skip


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with sites.running(tmp_path_factory.mktemp("faults")) as site:
        yield site
        table.write(site.rows)


@pytest.fixture(scope="module")
def load(site: Site) -> Iterator[Load]:
    """From the first fault to the last: what one left behind must not stop what comes next."""
    with Load(site) as load:
        wait_until(lambda: len({answer.kind for answer in load.answers if not answer.is_error}) == 4)
        yield load


@contextmanager
def happening(site: Site, fault: Fault) -> Iterator[None]:
    try:
        fault.begin(site)
        yield
    finally:
        fault.end(site)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_nothing_is_lost_or_doubled_and_all_are_served_again(site: Site, load: Load, fault: Fault) -> None:
    if fault.needs_cache and site.cache is None:
        pytest.skip("neither valkey-server nor redis-server is on this machine")
    wait_until(site.is_well)
    time.sleep(2)
    began = time.monotonic()
    with happening(site, fault):
        time.sleep(fault.seconds)
        over = time.monotonic()  # a program that is started again needs its own time, too
    ended = time.monotonic()
    wait_until(lambda: _is_quiet(load, since=ended))
    answers = [answer for answer in list(load.answers) if began <= answer.began]
    result = _result(site, load, fault, answers, ended=ended)
    site.rows.append(result.row())
    assert (result.lost, result.doubled, result.families_ended) == (0, 0, 0)
    assert not load.refused, load.refused[:5]
    assert result.seconds <= RECOVERY_SECONDS
    if fault.spares_independent:
        assert result.independent_errors == 0
        assert result.independent_seconds <= INDEPENDENT_SECONDS, over


def _is_quiet(load: Load, *, since: float, seconds: float = 3.0) -> bool:
    """Whether all have been served for some time."""
    now = time.monotonic()
    late = [answer for answer in list(load.answers) if answer.ended > now - seconds]
    return now - since > seconds and bool(late) and not any(answer.is_error for answer in late)


@dataclass(frozen=True)
class Result:
    fault: str
    requests: int
    errors: int
    seconds: float
    independent_errors: int
    independent_seconds: float
    lost: int
    doubled: int
    families_ended: int

    def row(self) -> tuple[str, ...]:
        return (
            self.fault, str(self.requests), str(self.errors), f"{self.seconds:.1f}",
            f"{self.independent_errors}", f"{self.independent_seconds * 1000:.0f}",
            str(self.lost), str(self.doubled), str(self.families_ended),
        )  # fmt: skip


def _result(site: Site, load: Load, fault: Fault, answers: list[Answer], *, ended: float) -> Result:
    errors = [answer for answer in answers if answer.is_error]
    independent = [answer for answer in answers if answer.kind in INDEPENDENT]
    took = sorted(answer.ended - answer.began for answer in independent)
    acknowledged = set(load.acknowledged)
    made = dict(site.ask("SELECT reference, count(*) FROM transfer GROUP BY reference"))
    [(revoked,)] = site.ask("SELECT count(*) FROM oauth_authorization WHERE revoked_at IS NOT NULL")
    return Result(
        fault=fault.name,
        requests=len(answers),
        errors=len(errors),
        seconds=max([0.0, *(answer.ended - ended for answer in errors)]),
        independent_errors=sum(answer.is_error for answer in independent),
        independent_seconds=took[int(len(took) * 0.95)] if took else 0.0,
        lost=sum(made.get(key, 0) == 0 for key in acknowledged),
        doubled=sum(number > 1 for number in made.values()),
        families_ended=revoked,
    )
