"""The environment of manage.py in a checkout where the demo has run, and in one where it has not."""

import os
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from demo import environment
from demo.environment import ROOT

Enter = Callable[..., dict[str, str]]


@pytest.fixture
def enter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Enter]:
    """`manage.py COMMAND` with these variables; returns the environment that the settings would see."""
    handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)}

    def run(command: str, **variables: str) -> dict[str, str]:
        given = {"DATA_DIR": str(tmp_path / "demo"), "DATABASE_URL": "postgresql://example/demo", **variables}
        with monkeypatch.context() as context, ExitStack() as stack:
            context.setattr(os, "environ", given)
            context.setattr(sys, "argv", ["manage.py", command])
            environment.enter(stack)
        return given

    yield run
    for number, handler in handlers.items():
        signal.signal(number, handler)


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


def test_the_first_demo_makes_secrets_for_itself_alone(enter: Enter, tmp_path: Path) -> None:
    seen = enter("demo")
    assert seen["MODE"] == "demo"
    assert len(seen["SECRET_KEY"]) >= 50
    assert stat.S_IMODE((tmp_path / "demo" / "demo.env").stat().st_mode) == 0o600


def test_later_commands_find_the_demo_again(enter: Enter) -> None:
    first = enter("demo")
    seen = enter("registration_token")
    assert seen["MODE"] == "demo"
    assert (seen["SECRET_KEY"], seen["KEY_ENCRYPTION_KEYS"]) == (first["SECRET_KEY"], first["KEY_ENCRYPTION_KEYS"])


def test_later_commands_find_the_port_that_is_served(
    enter: Enter, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    enter("demo")
    monkeypatch.setenv("DATA_DIR", str(tmp_path / "demo"))
    environment.remember_port(8042)
    assert enter("demo_app")["PORT"] == "8042"
    assert enter("demo_app", PORT="8043")["PORT"] == "8043"


def test_without_a_demo_and_without_settings_it_says_what_to_do(enter: Enter) -> None:
    with pytest.raises(SystemExit, match="make demo"):
        enter("migrate")


def test_an_environment_with_its_own_secret_is_production_whatever_lies_around(enter: Enter) -> None:
    """The files of a demo that ran in this checkout must never turn a production command into a demo command."""
    enter("demo")
    seen = enter("serve", SECRET_KEY="of production")
    assert "MODE" not in seen
    assert seen["SECRET_KEY"] == "of production"


def test_a_port_that_was_asked_for_and_is_taken_is_an_error(enter: Enter, taken_port: int) -> None:
    with pytest.raises(SystemExit, match=f"Port {taken_port} is taken"):
        enter("demo", PORT=str(taken_port))


def test_the_demo_moves_on_from_a_default_port_that_is_taken(
    enter: Enter, taken_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(environment, "DEFAULT_PORT", taken_port)
    assert int(enter("demo")["PORT"]) > taken_port


def test_a_given_database_is_used(enter: Enter, tmp_path: Path) -> None:
    assert enter("demo")["DATABASE_URL"] == "postgresql://example/demo"
    assert not (tmp_path / "demo" / "postgres").exists()


def test_production_needs_nothing_that_is_only_for_development() -> None:
    """`manage.py` imports this module in production too, where requirements-dev.txt is not installed."""
    code = "import sys, demo.environment; print({'psutil', 'django', 'demo.postgres'} & set(sys.modules))"
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True, timeout=200
    )
    assert result.stdout == "set()\n"


@pytest.mark.parametrize("data_dir", ["/proc/demo", "/dev/null/demo"])
def test_a_directory_that_cannot_be_written_is_named_with_the_way_out(enter: Enter, data_dir: str) -> None:
    with pytest.raises(SystemExit, match=rf"cannot keep its data in {data_dir}: .*Set DATA_DIR"):
        enter("demo", DATA_DIR=data_dir)
