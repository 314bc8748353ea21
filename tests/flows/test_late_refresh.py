"""A refresh waits for the database while its client retries at another server. The first request then runs late or not
at all.
"""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import pytest
import requests
import urllib3
from django.db import connection, transaction
from django.test import Client as Browser

from config.server.connections import LOOK_AFTER_SECONDS
from oauth.conf import conf
from oauth.models import Authorization, Client, RefreshToken
from oauth.models.secret import digest
from tests.lib.database import backends_waiting, url_of
from tests.lib.oauth_client import TokenEndpoint, allow
from tests.lib.servers import Server, free_port, run, wait_until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.served]


@contextmanager
def server_with_one_connection(tmp_path: Path, health_port: int, *, pool_seconds: float) -> Iterator[Server]:
    """A request that waits for the database lends its slot, so the next one waits for the connection."""
    options = ("--workers", "1", "--threads", "1", "--health-port", str(health_port))
    environment = {
        "DATABASE_URL": url_of(),
        "DB_POOL_MIN": "1",
        "DB_POOL_MAX": "1",
        "DB_POOL_TIMEOUT": str(pool_seconds),
        "OAUTH_ISSUER": conf.ISSUER,
        "LOCK_TIMEOUT": "60s",
        "STATEMENT_TIMEOUT": "60s",
    }
    with run("serve", *options, data_dir=tmp_path, environment=environment) as server:
        yield server


@contextmanager
def connection_taken(server: Server, client: Client, refresh_token: str) -> Iterator[None]:
    """A refresh from another address holds the connection, because it waits for a lock of this test.

    If another thread of the server, which reads the clients in use, has the connection at first, the refresh gets 503
    and is sent again.
    """
    form = {"grant_type": "refresh_token", "refresh_token": refresh_token, "client_id": client.client_id}
    others = urllib3.PoolManager(source_address=("127.0.0.2", 0))
    url = f"http://127.0.0.1:{urlsplit(server.url).port}/oauth/token"

    def ask() -> None:
        while others.request("POST", url, fields=form, encode_multipart=False, timeout=120).status == 503:
            pass

    asking = threading.Thread(target=ask)
    with transaction.atomic():
        row = RefreshToken.objects.get(token_digest=digest(refresh_token))
        Authorization.objects.select_for_update().get(pk=row.authorization_id)
        asking.start()
        wait_until(lambda: backends_waiting() == 1)
        yield
    asking.join()


def sent(server: Server, client: Client, refresh_token: str) -> socket.socket:
    form = urlencode({"grant_type": "refresh_token", "refresh_token": refresh_token, "client_id": client.client_id})
    head = "POST /oauth/token HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\n"
    connection = socket.create_connection(("127.0.0.1", urlsplit(server.url).port or 0))
    connection.sendall(f"{head}Content-Length: {len(form)}\r\n\r\n{form}".encode())
    return connection


def hang_up(connection: socket.socket) -> None:
    """Waits until the server has closed its side as well."""
    (_, own), (_, port) = connection.getsockname(), connection.getpeername()
    connection.close()
    ends, still_there = [f":{port:04X}", f":{own:04X}"], {"01", "08"}  # ESTABLISHED, CLOSE_WAIT

    def is_closed() -> bool:
        rows = [row.split() for row in Path("/proc/net/tcp").read_text().splitlines()[1:]]
        return not any([row[1][8:], row[2][8:]] == ends and row[3] in still_there for row in rows)

    wait_until(is_closed)


def metric(health_port: int, name: str) -> float:
    """Reads a metric from the health port, which needs no connection of the worker process."""
    lines = requests.get(f"http://localhost:{health_port}/metrics", timeout=60).text.splitlines()
    return sum(float(line.split()[-1]) for line in lines if line.startswith(name))


def slots_lent(health_port: int) -> float:
    return metric(health_port, "http_slots_lent_total")


def clients_left(health_port: int) -> float:
    return metric(health_port, 'http_requests_refused_total{reason="client left"}')


def successors(refresh_token: str) -> int:
    return RefreshToken.objects.filter(replaces__token_digest=digest(refresh_token)).count()


@pytest.mark.parametrize(
    ("pool_seconds", "hangs_up", "runs"),
    [(120, False, True), (120, True, False), (0.2, False, False)],
    ids=["runs late", "client has left", "waited too long"],
)
def test_it_does_no_harm(
    tmp_path: Path,
    browser: Browser,
    mobile_app: Client,
    token_endpoint: TokenEndpoint,
    pool_seconds: float,
    hangs_up: bool,
    runs: bool,
) -> None:
    """RFC 9700 §4.14.2: a late retry is not a theft. After DB_POOL_TIMEOUT, or if its client has left, the request is
    not even run.
    """

    def tokens() -> str:
        answer = token_endpoint.redeem(mobile_app, allow(browser, mobile_app, scope="accounts:read offline_access"))
        assert answer.status_code == 200, answer.content
        return str(answer.json()["refresh_token"])

    def refreshed(refresh_token: str) -> str:
        answer = token_endpoint.refresh(mobile_app, refresh_token)
        assert answer.status_code == 200, answer.content
        return str(answer.json()["refresh_token"])

    other, first = tokens(), tokens()
    health_port = free_port()
    with server_with_one_connection(tmp_path, health_port, pool_seconds=pool_seconds) as server:
        with connection_taken(server, mobile_app, other):
            late = sent(server, mobile_app, first)
            if pool_seconds > 1:
                wait_until(lambda: slots_lent(health_port) == 1)
            else:
                assert b" 503 " in late.makefile("rb").readline()
            if hangs_up:
                hang_up(late)
            # The client does not wait. It retries at another server, and continues with the tokens from there.
            second = refreshed(first)
            third = refreshed(second)
            time.sleep(2 * LOOK_AFTER_SECONDS)  # the server checks the connection only after a longer wait
        if hangs_up:
            wait_until(lambda: clients_left(health_port))
        else:
            wait_until(lambda: successors(first) == (2 if runs else 1))
            late.close()
    assert successors(first) == (2 if runs else 1)
    fourth = refreshed(third)
    assert refreshed(fourth)
    assert not Authorization.objects.exclude(revoked_at=None).exists()
    connection.close()
