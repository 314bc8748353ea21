"""The two distributions of this repository, built by uv, and separate environments to install them into."""

import os
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SERVER, RESOURCE_SERVER = "countersign_oauth", "countersign_resource_server"
SOURCES = {SERVER: ROOT, RESOURCE_SERVER: ROOT / "packages/resource_server"}


def uv(*arguments: object, cwd: Path = ROOT) -> str:
    """The output of uv. Raises AssertionError with its messages if it fails."""
    command = [sys.executable, "-m", "uv", *map(str, arguments)]
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    return done.stdout


def files_of(wheel: Path) -> set[str]:
    """The files of the distribution, without its metadata."""
    with zipfile.ZipFile(wheel) as opened:
        return {name for name in opened.namelist() if ".dist-info/" not in name}


@dataclass(frozen=True)
class Environment:
    """An empty virtual environment that sees neither the repository nor its installed packages."""

    directory: Path

    @classmethod
    def make(cls, directory: Path, *options: str) -> "Environment":
        """Makes the environment. `--seed` installs pip in it."""
        uv("venv", "--quiet", "--python", sys.executable, *options, directory)
        return cls(directory)

    @property
    def python(self) -> Path:
        return self.directory / "bin/python"

    def install(self, *requirements: object) -> None:
        uv("pip", "install", "--quiet", "--python", self.python, *requirements)

    def uninstall(self, name: str) -> None:
        uv("pip", "uninstall", "--quiet", "--python", self.python, name)

    def installed(self) -> set[str]:
        return {line.partition("==")[0] for line in uv("pip", "freeze", "--python", self.python).splitlines()}

    def run(self, *arguments: object, asked: str | None = None, **variables: str) -> str:
        """Runs Python in the environment, with this standard input, and returns its output. Raises AssertionError with
        the traceback if it fails.
        """
        environment = {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), **variables}
        done = subprocess.run(
            [self.python, *map(str, arguments)],
            cwd=self.directory, env=environment, input=asked, capture_output=True, text=True, check=False, timeout=120,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout
