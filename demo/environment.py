"""Sets environment variables before Django reads its settings, so that later commands in a checkout use the environment
of its demo.

`<DATA_DIR>/demo.env` holds the demo's random secrets and the port it serves on. Production never reads this file: if
the environment has its own SECRET_KEY, or a MODE other than demo, nothing is changed. This module must not import
Django, which would read the settings.
"""

import base64
import os
import secrets
import signal
import sys
from contextlib import ExitStack, suppress
from pathlib import Path

from config.server import ports

ROOT = Path(__file__).resolve().parent.parent
DEFAULT_PORT = 8000
PORTS_TO_TRY = 100
LOCALHOST = ("127.0.0.1", "::1")  # the addresses to which clients resolve `localhost`
# Commands that use no database, so none is started for them.
WITHOUT_DATABASE = {"help", "version", "demo_app", "collectstatic", "makemessages", "compilemessages"}
NO_DATABASE = "postgresql:///none?host=/nonexistent"

HINT = """\
MODE and SECRET_KEY are not set, and no demo has run here.

  To try it:      make demo
  In production:  set SECRET_KEY, OAUTH_ISSUER, DATABASE_URL, KEY_ENCRYPTION_KEYS and EMAIL_URL
                  (each may be given as NAME_FILE, a path to a file that holds the value;
                  manage.py generate_key makes KEY_ENCRYPTION_KEYS).
"""


def enter(stack: ExitStack) -> None:
    """Completes os.environ for this command. If it starts a database, closing `stack` stops it."""
    command = sys.argv[1] if len(sys.argv) > 1 else "help"
    file = data_dir() / "demo.env"
    if "MODE" not in os.environ:
        if _brings("SECRET_KEY"):
            return  # production, which is the default
        if command != "demo" and not file.exists():
            sys.exit(HINT)
    _leave_cleanly_when_told_to()
    remembered = _read(file)
    os.environ["MODE"] = "demo"
    if command == "demo":
        os.environ["PORT"] = str(_free_port())
        os.environ.setdefault("LOG_LEVEL", "WARNING")  # so that the link to the guide stays visible
    for name, value in remembered.items():
        os.environ.setdefault(name, value)
    if not _brings("DATABASE_URL"):
        needs_none = command in WITHOUT_DATABASE or {"-h", "--help"} & set(sys.argv)
        os.environ["DATABASE_URL"] = NO_DATABASE if needs_none else _embedded_database(stack)


def data_dir() -> Path:
    return ROOT / os.environ.get("DATA_DIR", ".demo")


def remember_port(port: int) -> None:
    """Stores the port, so that commands such as `demo_app` find the running demo."""
    file = data_dir() / "demo.env"
    _draft(file, {**_read(file), "PORT": str(port)}).replace(file)


def _embedded_database(stack: ExitStack) -> str:
    # Imported late, because it needs packages of requirements-dev.txt, which production does not install.
    try:
        from demo import postgres
    except ModuleNotFoundError as error:
        sys.exit(
            f"{error.name} is not installed: install requirements-dev.txt, as `make demo` does, or set DATABASE_URL."
        )
    try:
        return stack.enter_context(postgres.running(data_dir() / "postgres"))
    except postgres.PostgresError as error:
        sys.exit(str(error))


def _brings(name: str) -> bool:
    return name in os.environ or f"{name}_FILE" in os.environ


def _read(file: Path) -> dict[str, str]:
    if not file.exists():
        _make_writable(file.parent)
        key = base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()  # Fernet's format
        made = {
            "SECRET_KEY": secrets.token_urlsafe(48),
            "KEY_ENCRYPTION_KEYS": key,
            "PAIRWISE_SUBJECT_KEY": secrets.token_urlsafe(32),
        }
        draft = _draft(file, made)
        with suppress(FileExistsError):  # if two demos start at the same time, both use the secrets of the first
            file.hardlink_to(draft)
        draft.unlink()
    pairs = (line.partition("=") for line in file.read_text().splitlines())
    return {name: value for name, equals, value in pairs if equals}


def _make_writable(folder: Path) -> None:
    """If the demo cannot store its data, for example on a read-only file system, exits with a message that says what to
    do.
    """
    try:
        folder.mkdir(mode=0o711, parents=True, exist_ok=True)
        reason = "" if os.access(folder, os.W_OK) else "this user may not write there"
    except OSError as error:
        reason = error.strerror or str(error)
    if reason:
        sys.exit(
            f"The demo cannot keep its data in {folder}: {reason}. Set DATA_DIR to a directory that this user can "
            f"write, such as DATA_DIR=/tmp/demo."
        )


def _draft(file: Path, values: dict[str, str]) -> Path:
    """Writes the new content to a temporary file in the same directory, readable by this user only. Renaming it
    replaces the file in one step.
    """
    draft = file.with_name(f"{file.name}.{os.getpid()}")
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as stream:
        stream.writelines(f"{name}={value}\n" for name, value in values.items())
    return draft


def _free_port() -> int:
    """The port: PORT if it is set, otherwise the first free one, starting with the default. Chosen here because the
    settings derive the issuer from it.
    """
    if "PORT" in os.environ:
        port = int(os.environ["PORT"])
        if not ports.is_free(port, *LOCALHOST):
            sys.exit(f"Port {port} is taken. Stop what listens there, or run with another PORT.")
        return port
    for port in range(DEFAULT_PORT, DEFAULT_PORT + PORTS_TO_TRY):
        if ports.is_free(port, *LOCALHOST):
            return port
    sys.exit(f"No free port from {DEFAULT_PORT} to {DEFAULT_PORT + PORTS_TO_TRY - 1}. Run with another PORT.")


def _leave_cleanly_when_told_to() -> None:
    """Makes SIGTERM and SIGHUP end the command as Ctrl-C does, so that PostgreSQL is stopped, too."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, _frame: sys.exit(128 + number))
