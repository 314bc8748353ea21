"""The embedded PostgreSQL is started once, shared by several processes and stopped by the last one, even if other
processes were killed.
"""

import os
import signal
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import psutil
import psycopg
import pytest

from demo import postgres
from tests.lib.servers import free_port, open_to_passers_by, wait_until

pytestmark = pytest.mark.served

ROOT = Path(__file__).resolve().parents[2]
# A process that uses the database until its input ends or it is killed.
USER = """
import sys
from pathlib import Path
from demo import postgres
with postgres.running(Path(sys.argv[1]), durable=False) as url:
    print(url, flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def directory(tmp_path_factory):
    """A directory that the user of PostgreSQL can enter if root runs the tests, unlike pytest's own directories of mode
    0700.
    """
    directory = tmp_path_factory.mktemp("postgres")
    if os.geteuid() == 0:
        open_to_passers_by(directory)
    yield directory
    if list(directory.glob("server/cluster/postmaster.pid")):
        with postgres.running(directory, durable=False):
            pass  # stops the servers that a test has left running


@pytest.fixture
def another_process(directory):
    with ExitStack() as stack:

        def start() -> subprocess.Popen[str]:
            process = subprocess.Popen(
                [sys.executable, "-c", USER, str(directory)],
                cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True,
            )  # fmt: skip
            stack.enter_context(process)
            stack.callback(process.kill)
            assert process.stdout.readline().startswith("postgresql://")
            return process

        yield start


def one(url: str, statement: str) -> object:
    with psycopg.connect(url) as connection:
        return connection.execute(statement).fetchone()[0]


def postmaster(directory: Path) -> psutil.Process | None:
    [pid_file] = directory.glob("server/cluster/postmaster.pid") or [None]
    return psutil.Process(int(pid_file.read_text().split()[0])) if pid_file else None


def is_stopped(directory: Path) -> bool:
    return not list(directory.glob("server/cluster/postmaster.pid"))


def has_ended(process: psutil.Process) -> bool:
    try:
        return process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def test_it_runs_while_it_is_used_and_keeps_what_was_written(directory):
    with postgres.running(directory) as url:
        with psycopg.connect(url) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 'ü' AS letter")
        assert one(url, "SELECT current_setting('fsync')") == "on"
        megabytes = one(url, "SELECT setting::int * 8 / 1024 FROM pg_settings WHERE name = 'shared_buffers'")
        assert 128 <= megabytes <= 1024
        assert one(url, "SELECT current_setting('server_encoding')") == "UTF8"
    assert is_stopped(directory)
    with postgres.running(directory) as url:
        assert one(url, "SELECT letter FROM kept") == "ü"


def test_it_listens_on_no_network_and_lets_nobody_else_in(directory):
    with postgres.running(directory, durable=False) as url:
        assert one(url, "SELECT current_setting('listen_addresses')") == ""
        assert not [each for each in postmaster(directory).net_connections() if each.family.name != "AF_UNIX"]
        [home] = directory.glob("server")
        assert home.stat().st_mode & 0o077 == 0


def test_on_request_it_listens_on_loopback_where_a_role_needs_a_password(directory):
    """Otherwise, any local user could connect as superuser and read every file of this account."""
    port = free_port()
    with postgres.running(directory, durable=False, tcp_port=port) as url:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("CREATE ROLE peer LOGIN PASSWORD 'secret'")
        over_tcp = f"host=127.0.0.1 port={port} dbname={postgres.DATABASE}"
        with psycopg.connect(f"{over_tcp} user=peer password=secret") as connection:
            assert connection.execute("SELECT current_user").fetchone() == ("peer",)
        for refused in ("user=peer password=other", "user=postgres", "user=postgres password=secret"):
            with pytest.raises(psycopg.OperationalError, match="password"):
                psycopg.connect(f"{over_tcp} {refused}")
        listening = {each.laddr.ip for each in postmaster(directory).net_connections(kind="inet")}
        assert listening == {"127.0.0.1"}


def test_it_never_runs_as_root(directory):
    with postgres.running(directory, durable=False):
        assert postmaster(directory).uids().effective != 0


def test_the_last_to_leave_stops_it(directory, another_process):
    with postgres.running(directory, durable=False) as url:
        other = another_process()
        server = postmaster(directory)
    assert server.is_running()
    with postgres.running(directory, durable=False) as again:
        assert again == url
        assert postmaster(directory) == server
    other.communicate()  # the end of its input makes the process exit
    assert is_stopped(directory)


def test_two_that_start_at_once_start_one(directory):
    processes = [
        subprocess.Popen([sys.executable, "-c", USER, str(directory)], cwd=ROOT, stdin=subprocess.PIPE,
                         stdout=subprocess.PIPE, text=True)
        for _ in range(3)
    ]  # fmt: skip
    urls = {process.stdout.readline() for process in processes}
    assert len(urls) == 1
    assert next(iter(urls)).startswith("postgresql://")
    for process in processes:
        process.communicate()
        assert process.returncode == 0
    assert is_stopped(directory)


def test_what_a_killed_process_left_running_is_used_and_then_stopped(directory, another_process):
    other = another_process()
    server = postmaster(directory)
    other.kill()
    other.wait()
    assert server.is_running()
    with postgres.running(directory, durable=False) as url:
        assert postmaster(directory) == server
        assert one(url, "SELECT 1") == 1
    assert is_stopped(directory)


def test_it_recovers_from_a_crash_of_the_server_whose_pid_is_now_somebody_elses(directory, another_process):
    """In a container, pids start at 1 again, so the pid in the file often belongs to another process."""
    another_process().kill()
    server = postmaster(directory)
    others = server.children()
    os.kill(server.pid, signal.SIGKILL)
    # Its processes notice a moment later. They use the shared memory until then, so PostgreSQL does not start.
    wait_until(lambda: all(has_ended(one) for one in others))
    [pid_file] = directory.glob("server/cluster/postmaster.pid")
    lines = pid_file.read_text().splitlines(keepends=True)
    pid_file.write_text("".join([f"{os.getpid()}\n", *lines[1:]]))
    with postgres.running(directory, durable=False) as url:
        assert one(url, "SELECT 1") == 1


def test_ctrl_c_in_the_terminal_does_not_reach_it(directory, another_process):
    other = another_process()
    assert os.getsid(postmaster(directory).pid) != os.getsid(other.pid)
    os.killpg(other.pid, signal.SIGINT)  # as Ctrl-C in a terminal does
    other.communicate()
    assert is_stopped(directory)


def test_an_interrupted_initdb_is_begun_again(directory):
    unfinished = directory / "server" / "cluster.unfinished"
    with postgres.running(directory, durable=False):
        pass
    (directory / "server" / "cluster").rename(unfinished)
    (unfinished / "PG_VERSION").write_text("")
    with postgres.running(directory, durable=False) as url:
        assert one(url, "SELECT 1") == 1
    assert not unfinished.exists()


def test_data_of_another_major_version_are_not_touched(directory):
    cluster = directory / "server" / "cluster"
    with postgres.running(directory, durable=False):
        pass
    version = cluster / "PG_VERSION"
    version.write_text("17\n")
    with pytest.raises(postgres.PostgresError, match="was made by PostgreSQL 17"), postgres.running(directory):
        pytest.fail("it must not start")
    version.write_text("18\n")


def test_a_long_path_has_its_socket_elsewhere(directory):
    deep = directory / ("a-very-long-name-" * 6)
    with postgres.running(deep, durable=False) as url:
        sockets = Path(one(url, "SELECT current_setting('unix_socket_directories')"))
        assert sockets.stat().st_mode & 0o077 == 0
    assert not sockets.exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs PostgreSQL as somebody else")
def test_root_in_a_directory_closed_to_others_keeps_the_data_elsewhere_and_says_so(directory, monkeypatch, caplog):
    from demo import postgres_files

    monkeypatch.setattr(postgres_files, "DATA_FOR_ROOT", directory / "var")
    closed = directory / "home"
    closed.mkdir(mode=0o700)
    with postgres.running(closed / "checkout", durable=False) as url:
        assert one(url, "SELECT 1") == 1
    assert closed.stat().st_mode & 0o077 == 0
    assert list((directory / "var").glob("*/cluster"))
    assert "cannot read" in caplog.text


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs PostgreSQL as somebody else")
def test_root_with_programs_closed_to_others_runs_a_copy(directory, monkeypatch):
    from demo import postgres_files

    closed = directory / "closed"
    closed.mkdir(mode=0o700)
    site_packages = postgres_files._wheel().parent
    for part in (postgres_files.PACKAGE, f"{postgres_files.PACKAGE}.libs"):
        (closed / part).symlink_to(site_packages / part)
    monkeypatch.setattr(postgres_files, "_wheel", lambda: closed / postgres_files.PACKAGE)
    monkeypatch.setattr(postgres_files, "PROGRAMS_FOR_ROOT", directory / "copies")
    with postgres.running(directory, durable=False) as url:
        assert one(url, "SELECT 1") == 1
        assert postmaster(directory).exe().startswith(str(directory / "copies"))


def test_a_user_without_a_name_is_told_that_postgresql_needs_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 54321)
    with pytest.raises(postgres.PostgresError, match="user 54321 is not in /etc/passwd"), postgres.running(tmp_path):
        pass
