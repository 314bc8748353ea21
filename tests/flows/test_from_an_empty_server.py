"""docs/operating.md, "From an empty server": runs the code blocks of the document as an operator would, with a
PostgreSQL that requires passwords, and a copy of the image's files.
"""

import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
import requests
from bs4 import BeautifulSoup

from demo import postgres, postgres_files
from tests.lib import certificates, database_door, servers
from tests.lib.document_blocks import blocks

pytestmark = pytest.mark.served

RELEASE = ("LICENSE", "accounts", "banking", "config", "deploy", "locale", "manage.py", "oauth", "static", "templates")
PASSWORD = "a long password of Anna's"


@dataclass(frozen=True)
class Walk:
    """The steps of the document, with the paths, the ports and the host name of this test."""

    folder: Path
    url: str
    database_port: str
    environment: dict[str, str]

    def step(self, text: str) -> str:
        for documented, here in {
            "--directory /etc": f"--directory {self.folder}", "/var/backups": f"{self.folder}/backups",
            "/etc/countersign": f"{self.folder}/countersign", "/opt/countersign": f"{self.folder}/opt",
            "localhost:5432": f"127.0.0.1:{self.database_port}", "https://bank.example": self.url,
            "--host 0.0.0.0 --port 443": f"--host 127.0.0.1 --port {self.url.rpartition(':')[2]} --drain-seconds 0 "
            f"--queue-seconds {servers.PATIENCE_SECONDS}",
        }.items():  # fmt: skip
            text = text.replace(documented, here)
        return text

    def run(self, text: str) -> str:
        done = subprocess.run(
            ["sh", "-eu", "-c", self.step(text)], env=self.environment, capture_output=True, text=True, check=False,
            timeout=servers.PATIENCE_SECONDS,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
        return done.stdout

    def start(self, text: str) -> subprocess.Popen[bytes]:
        *first, last = self.step(text).strip().splitlines()
        script = "\n".join([*first, f"exec {last}"])
        with (self.folder / "log").open("ab") as log:
            return subprocess.Popen(["sh", "-eu", "-c", script], env=self.environment, stdout=log, stderr=log)


@pytest.fixture(scope="module")
def walk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Walk]:
    folder = tmp_path_factory.mktemp("server")
    for name in RELEASE:
        source, target = servers.ROOT / name, folder / "opt" / name
        target.parent.mkdir(exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("secrets"))
        else:
            shutil.copy2(source, target)
    (folder / "opt" / ".venv").symlink_to(sys.prefix)
    _certificate(folder / "countersign")
    # Not in `folder`, because as root, pytest denies access to its directories to the user that PostgreSQL runs as.
    cluster = servers.ROOT / ".cache" / "empty-server"
    shutil.rmtree(cluster, ignore_errors=True)
    with postgres.running(cluster, durable=False) as superuser, database_door.by_tcp(superuser) as door:
        _ask_for_passwords(superuser)
        database_port = door.partition("127.0.0.1:")[2].partition("/")[0]
        url = f"https://localhost:{servers.free_port()}"
        yield Walk(folder, url, database_port, _environment(folder, superuser))


def _certificate(etc: Path) -> None:
    etc.mkdir()
    authority = certificates.authority()
    pair = certificates.of_localhost(authority)
    (etc / "authority.crt").write_text(authority.pem)
    (etc / "tls.crt").write_text(pair.pem)
    (etc / "tls.key").write_text(pair.key_pem)


def _ask_for_passwords(superuser: str) -> None:
    """Makes the server like a new installation: without our databases, and requiring a password of everybody but the
    superuser.
    """
    other = urlsplit(superuser)._replace(path="/postgres").geturl()
    with psycopg.connect(other, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {postgres.DATABASE}")
        [file] = connection.execute("SHOW hba_file").fetchone()
        Path(file).write_text("local all postgres trust\nlocal all all scram-sha-256\n")
        connection.execute("SELECT pg_reload_conf()")


def _environment(folder: Path, superuser: str) -> dict[str, str]:
    """The environment of a new shell. `sudo -u postgres` and `psql` connect to this test's PostgreSQL."""
    programs = folder / "bin"
    programs.mkdir()
    psql = postgres_files.install(postgres_files.account_for(folder)) / "psql"
    _program(programs / "sudo", 'shift 2; exec "$@"')
    other = urlsplit(superuser)._replace(path="/postgres").geturl()
    for name in ("pg_dump", "pg_restore"):
        (programs / name).symlink_to(psql.parent / name)
    _program(programs / "psql", f"exec {psql} --no-psqlrc '{other}' \"$@\"")
    return {
        "PATH": f"{programs}:/usr/bin:/bin", "HOME": str(folder), "TMPDIR": str(folder), "LANG": "C.UTF-8",
        "CURL_CA_BUNDLE": str(folder / "countersign/authority.crt"), "PYTHONDONTWRITEBYTECODE": "1",
        # A busy machine is not an outage.
        "STATEMENT_TIMEOUT": "60s", "LOCK_TIMEOUT": "60s", "IDLE_IN_TRANSACTION_SESSION_TIMEOUT": "200s",
        "DB_POOL_TIMEOUT": "60", "DB_PROBE_TIMEOUT": "60", "DB_STATEMENT_DEADLINE": "200",
        "LD_LIBRARY_PATH": os.environ.get("LD_LIBRARY_PATH", ""),
    }  # fmt: skip


def _program(file: Path, script: str) -> None:
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(0o755)


@pytest.mark.skipif(not shutil.which("curl"), reason="the document uses curl, which is not installed")
def test_the_documents_steps_lead_to_a_working_site(walk: Walk) -> None:
    text = (servers.ROOT / "docs/operating.md").read_text()
    database, bootstrap, static, serve, worker, look = blocks(text, "From an empty server", "sh")
    walk.run(database)
    said = walk.run(bootstrap)
    assert not [line for line in said.splitlines() if "PASSWORD" in line]
    again = walk.run(bootstrap)
    assert "made" not in again
    assert "0 migrations" not in again
    link = said.split()[-1]
    # The second run makes another link, because a link contains the time and a signature. Both open the same page.
    assert again.split()[-1].rpartition("/")[0].rpartition("/")[0] == link.rpartition("/")[0].rpartition("/")[0]
    _only_for_us(walk.folder / "countersign" / "secrets")
    walk.run(static)
    processes = [walk.start(serve), walk.start(worker)]
    try:
        ready = f"{walk.url}/health/ready"
        certificate = str(walk.folder / "countersign/authority.crt")
        servers.wait_until(lambda: processes[0].poll() is not None or servers.answers(ready, certificate))
        # Waits until the worker handles signals. Before that, the signal to stop would simply kill it.
        log = walk.folder / "log"
        servers.wait_until(lambda: "Starting worker" in log.read_text(), or_else=log.read_text)
        assert walk.run(look).replace(" ", "") == '{"active":false}'
        _chooses_a_password_and_meets_the_second_factor(walk.url, link, certificate)
        assert [one.poll() for one in processes] == [None, None]
    finally:
        for one in processes:
            one.terminate()
        ended = [one.wait(servers.PATIENCE_SECONDS) for one in processes]
    assert ended == [0, 0]
    _restores_on_another_server(walk, text)


def _restores_on_another_server(walk: Walk, text: str) -> None:
    """“Back up and restore”: only the two files of the backup remain of the old server."""
    backup, owner, restore, end_all_access = blocks(text, "Back up and restore", "sh")
    (walk.folder / "backups").mkdir()
    walk.run(backup)
    shutil.rmtree(walk.folder / "countersign")
    walk.run("sudo -u postgres psql --command 'DROP DATABASE countersign'")
    walk.run("sudo -u postgres psql --command 'DROP ROLE bank_app' --command 'DROP ROLE countersign'")
    walk.run(owner)
    said = walk.run(restore)
    assert "the tables are those of this release" in said
    assert "bank_app has exactly the rights of the site" in said
    walk.run(end_all_access)


def _only_for_us(secrets: Path) -> None:
    assert stat.S_IMODE(secrets.stat().st_mode) == 0o700
    assert {stat.S_IMODE(one.stat().st_mode) for one in secrets.iterdir()} == {0o600}


def _chooses_a_password_and_meets_the_second_factor(url: str, link: str, certificate: str) -> None:
    browser = requests.Session()
    browser.verify, browser.trust_env = certificate, False
    browser.headers["Referer"] = f"{url}/"
    page = browser.get(link)
    form = {"csrfmiddlewaretoken": _csrf(page), "password1": PASSWORD, "password2": PASSWORD}
    assert browser.post(page.url, form).ok
    page = browser.get(f"{url}/accounts/login/")
    form = {"csrfmiddlewaretoken": _csrf(page), "login": "anna@bank.example", "password": PASSWORD}
    assert browser.post(page.url, form).ok
    assert "Set up a second factor" in browser.get(f"{url}/admin/").text


def _csrf(page: requests.Response) -> str:
    field = BeautifulSoup(page.text, "html.parser").select_one("[name=csrfmiddlewaretoken]")
    assert field, page.text[:500]
    return str(field["value"])
