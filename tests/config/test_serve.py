"""`manage.py serve`: real processes, real sockets."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from functools import partial
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil
import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from django.conf import settings
from django.core.management.base import CommandError

from config.management.commands import serve as serve_command
from config.server import heartbeats, ports
from tests.lib import servers
from tests.lib.servers import PATIENCE_SECONDS, ROOT, Server, free_port, run, wait_until

pytestmark = pytest.mark.served

Serve = Callable[..., AbstractContextManager[Server]]


@pytest.fixture
def production(database_url: str) -> dict[str, str]:
    """The example that `make check` checks, on the tests' database."""
    lines = (ROOT / ".ci" / "production.env").read_text().splitlines()
    example = dict(line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))
    # The signing keys in the tests' database are encrypted with the tests' key.
    keys = {"KEY_ENCRYPTION_KEYS": os.environ["KEY_ENCRYPTION_KEYS"]}
    return {**example, **keys, "MODE": "production", "DATABASE_URL": database_url}


@pytest.fixture
def serve(database_url: str, tmp_path: Path) -> Serve:
    def start(*options: str, environment: dict[str, str] | None = None, **how: Any) -> AbstractContextManager[Server]:
        variables = {"DATABASE_URL": database_url, "LOG_LEVEL": "INFO", **(environment or {})}
        return run("serve", *options, data_dir=tmp_path, environment=variables, **how)

    return start


def refusal(*options: str, environment: dict[str, str]) -> str:
    """The message of `serve` when it refuses to start."""
    return servers.refusal("manage.py", "serve", *options, environment={**os.environ, **environment})


def test_it_answers_and_stops_when_told_to(serve: Serve) -> None:
    with serve() as server:
        assert requests.get(f"{server.url}/health/live", timeout=60).json() == {"status": "ok"}
        assert server.stop() == 0


def test_ctrl_c_stops_it_as_cleanly(serve: Serve) -> None:
    with serve() as server:
        server.process.send_signal(signal.SIGINT)
        assert server.process.wait(PATIENCE_SECONDS) == 0


@pytest.mark.django_db(transaction=True)  # the server logs the refusal
def test_two_signals_at_once_stop_it_as_cleanly(serve: Serve) -> None:
    """Such as Ctrl-C under `timeout`, or a supervisor that signals the process and then its group."""
    with serve("--drain-seconds", "0") as server:
        server.process.send_signal(signal.SIGINT)
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(PATIENCE_SECONDS) == 0


def test_a_request_in_flight_is_finished_before_it_stops(serve: Serve) -> None:
    """The server is told to stop between the two halves of a request, and still answers it."""
    body = b"grant_type=client_credentials&client_id=nobody&client_secret=wrong"
    with serve("--workers", "1", "--body-seconds", str(PATIENCE_SECONDS)) as server:
        port = urlsplit(server.url).port
        with socket.create_connection(("127.0.0.1", port), timeout=60) as client:
            head = (
                "POST /oauth/token HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\n"
            )
            client.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body[:10])
            # the server has read the first half of the request by then
            wait_until(lambda: requests.get(f"{server.url}/health/live", timeout=60).ok)
            server.process.terminate()
            wait_until(lambda: not _accepts(port))
            client.sendall(body[10:])
            answer = client.makefile("rb").readline()
        assert answer.startswith(b"HTTP/1.1 401 ")
        assert server.process.wait(PATIENCE_SECONDS) == 0


def test_it_says_that_it_is_not_ready_before_it_stops(serve: Serve) -> None:
    """Load balancers have time to notice; meanwhile every request is answered."""
    with serve("--workers", "1", "--drain-seconds", "600") as server:
        server.process.terminate()
        wait_until(lambda: requests.get(f"{server.url}/health/ready", timeout=60).status_code == 503)
        assert requests.get(f"{server.url}/oauth/jwks", timeout=60).ok
        server.process.terminate()  # a second signal ends the wait
        assert server.process.wait(PATIENCE_SECONDS) == 0


def test_a_worker_that_dies_is_replaced(serve: Serve) -> None:
    with serve("--workers", "1") as server:
        (worker,) = _workers(server)
        worker.kill()
        wait_until(lambda: _workers(server) not in ([], [worker]))
        wait_until(lambda: servers.answers(f"{server.url}/health/live"))


def test_a_server_that_is_killed_leaves_no_workers(serve: Serve) -> None:
    with serve() as server:
        workers = _workers(server)
        server.process.kill()
        _, alive = psutil.wait_procs(workers, timeout=60)
        assert not alive


def test_half_of_the_workers_compute_password_hashes_at_a_time(serve: Serve, tmp_path: Path) -> None:
    with serve("--workers", "2", environment={"TMPDIR": str(tmp_path)}) as server, requests.Session() as browser:
        browser.get(f"{server.url}/accounts/login/", timeout=60)
        form = {
            "csrfmiddlewaretoken": browser.cookies[settings.CSRF_COOKIE_NAME],
            "login": "nobody@bank.test",
            "password": "x" * 20,
        }
        assert browser.post(f"{server.url}/accounts/login/", form, timeout=60).status_code == 200
        [lock] = tmp_path.glob("countersign-*/password-hash-*.lock")
        assert lock.name == "password-hash-0.lock"


def test_the_probes_have_a_port_of_their_own(serve: Serve) -> None:
    """It still answers while the worker processes do not, and reports that they do not."""
    port = free_port()
    with serve("--workers", "1", "--health-port", str(port)) as server:
        ready = partial(requests.get, f"http://127.0.0.1:{port}/health/ready", timeout=60)
        wait_until(lambda: ready().json()["checks"]["workers"] == "ok")
        assert requests.get(f"http://127.0.0.1:{port}/oauth/jwks", timeout=60).status_code == 404
        (worker,) = _workers(server)
        worker.suspend()
        try:
            wait_until(lambda: ready().status_code == 503)
            assert ready().json()["checks"]["workers"] == "failed"
            assert requests.get(f"http://127.0.0.1:{port}/health/live", timeout=60).status_code == 503
        finally:
            worker.resume()
        wait_until(lambda: ready().ok)


def test_it_speaks_tls(serve: Serve, tmp_path: Path) -> None:
    certificate, key = _self_signed(tmp_path)
    options = ("--workers", "1", "--tls-certificate", str(certificate), "--tls-key", str(key))
    with serve(*options, scheme="https", verify=str(certificate)) as server:
        answer = requests.get(f"{server.url}/health/live", timeout=60, verify=str(certificate))
        assert answer.json() == {"status": "ok"}


def test_in_production_it_is_https_behind_a_named_proxy(serve: Serve, production: dict[str, str]) -> None:
    environment = {**production, "TRUSTED_PROXIES": "127.0.0.0/8"}
    metadata = "/.well-known/oauth-authorization-server"
    with serve("--workers", "1", "--drain-seconds", "0", environment=environment) as server:

        def get(**headers: str) -> requests.Response:
            headers = {"Host": "bank.example", **{name.replace("_", "-"): value for name, value in headers.items()}}
            return requests.get(f"{server.url}{metadata}", headers=headers, timeout=60, allow_redirects=False)

        plain = get()
        assert (plain.status_code, plain.headers["Location"]) == (301, f"https://bank.example{metadata}")
        assert get(X_Forwarded_Proto="https", Forwarded="for=203.0.113.9;proto=https").status_code == 301
        forwarded = get(Forwarded=f"for=203.0.113.9;proto=https;by=_{production['PROXY_SECRETS']}")
        assert forwarded.json()["issuer"] == "https://bank.example"
        assert forwarded.headers["Strict-Transport-Security"] == "max-age=63072000; includeSubDomains; preload"


def test_in_production_it_refuses_unsafe_settings(production: dict[str, str]) -> None:
    """An error of `check --deploy` stops the start."""
    assert "config.E" in refusal(environment={**production, "ALLOWED_HOSTS": "*"})


def test_mutual_tls_without_a_secret_of_the_proxy_does_not_start(database_url: str) -> None:
    """RFC 9440 §4: this holds in every mode, because a certificate is public and a header can be forged."""
    environment = {"DATABASE_URL": database_url, "MUTUAL_TLS": "on", "TRUSTED_PROXIES": "127.0.0.2"}
    assert "config.E010" in refusal(environment=environment)


def test_another_wsgi_server_refuses_unsafe_settings_as_well(production: dict[str, str]) -> None:
    command = [sys.executable, "-c", "import config.wsgi"]
    environment = {**os.environ, **production, "ALLOWED_HOSTS": "*", "DJANGO_SETTINGS_MODULE": "config.settings"}
    result = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert "unsafe in production" in result.stderr


def test_a_port_that_is_taken_is_an_error(database_url: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        said = refusal("--port", str(port), environment={"DATABASE_URL": database_url})
    assert f"Port {port} of 127.0.0.1 is in use" in said


@pytest.mark.parametrize("options", [["--tls-key", "key.pem"], ["--tls-key", "no.pem", "--tls-certificate", "no.pem"]])
def test_half_of_what_tls_needs_is_an_error(options: list[str], database_url: str) -> None:
    said = refusal("--port", str(free_port()), *options, environment={"DATABASE_URL": database_url})
    assert said.startswith("CommandError: T")


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (["--port", "99999"], "from 1 to 65535"),
        (["--workers", "0"], "at least 1"),
        (["--threads", "-1"], "at least 1"),
        (["--queue", "many"], "at least 0"),
        (["--queue-seconds", "-1"], "at least 0"),
        (["--drain-seconds", "nan"], "at least 0"),
    ],
)
def test_a_number_that_cannot_be_served_with_is_an_error(options: list[str], why: str) -> None:
    parser = serve_command.Command().create_parser("manage.py", "serve")
    with pytest.raises(CommandError, match=why):
        parser.parse_args(options)


@pytest.mark.parametrize("host", ["192.0.2.1", "2001:db8::1", "bank.example"])
def test_an_address_that_this_machine_lacks_cannot_be_listened_at(host: str) -> None:
    assert not ports.can_listen_at(host)
    assert ports.can_listen_at("127.0.0.1")
    assert ports.can_listen_at("0.0.0.0")


def test_an_address_of_another_machine_is_an_error(database_url: str) -> None:
    said = refusal("--host", "192.0.2.1", "--port", str(free_port()), environment={"DATABASE_URL": database_url})
    assert "--host 192.0.2.1 must be an IP address of this machine" in said


def test_the_probes_need_a_port_of_their_own(database_url: str) -> None:
    port = str(free_port())
    said = refusal("--port", port, "--health-port", port, environment={"DATABASE_URL": database_url})
    assert "--port and --health-port must differ" in said


def test_requests_do_not_carry_the_secrets_of_the_environment(tmp_path: Path) -> None:
    """granian gives every request a copy of os.environ. The test also checks that the garbage collector, which is off
    while the site loads, is on again.
    """
    code = (
        "from config.server import serving; serving.load_application(); import gc, os; "
        "print([gc.isenabled(), sorted(os.environ)])"
    )
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "config.settings", "EMAIL_URL": "smtp://user:secret@mail"}
    environment["PROXY_SECRETS"] = "a-secret-of-the-proxies-that-no-client-knows"
    environment[heartbeats.VARIABLE] = str(tmp_path)
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120, check=True
    )
    collects_garbage, names = eval(result.stdout)
    assert collects_garbage
    assert not set(names) & {"SECRET_KEY", "KEY_ENCRYPTION_KEYS", "DATABASE_URL", "EMAIL_URL", "PROXY_SECRETS"}
    assert settings.SECRET_KEY


def _accepts(port: int | None) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port or 0), timeout=60).close()
    except ConnectionError:
        return False
    return True


def _workers(server: Server) -> list[psutil.Process]:
    """Returns the live worker processes. Python starts one more process, its resource tracker."""
    return [child for child in psutil.Process(server.process.pid).children() if _is_worker(child)]


def _is_worker(process: psutil.Process) -> bool:
    try:
        return "spawn_main" in " ".join(process.cmdline())
    except psutil.Error:  # the process has ended or is a zombie
        return False


def _self_signed(directory: Path) -> tuple[Path, Path]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.DNSName("localhost"), x509.IPAddress(ip_address("127.0.0.1"))]), False
        )
        .sign(key, hashes.SHA256())
    )
    paths = directory / "certificate.pem", directory / "key.pem"
    paths[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    paths[1].write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return paths
