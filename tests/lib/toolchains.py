"""Installs the pinned libraries of a language below .cache/interop, once per lock file, and builds its programs
again only when their sources change.

If a program is missing on this machine, or a library cannot be fetched, the clients of the language are skipped. A
client that does not compile is a failure.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from tests.lib.servers import ROOT

SOURCES = ROOT / "tests" / "interop"
CACHE = ROOT / ".cache" / "interop"
INSTALL_SECONDS = 900


class Missing(Exception):
    """The language is not available here; the text says why."""


@dataclass(frozen=True)
class Toolchain:
    """`programs` must be on PATH. `install` fetches the versions that `manifests` pin, and `build` compiles the
    sources. Both run in the cache. `sources` is set only if the sources are not in tests/interop.
    """

    language: str
    programs: tuple[str, ...]
    manifests: tuple[str, ...]
    install: tuple[tuple[str, ...], ...]
    build: tuple[tuple[str, ...], ...] = ()
    sources: Path | None = None

    def prepare(self) -> Path:
        """The directory with the programs of the language and their libraries. Raises Missing."""
        for program in self.programs:
            if shutil.which(program) is None:
                raise Missing(f"{program} is not on this machine")
        folder = CACHE / self.language
        folder.mkdir(parents=True, exist_ok=True)
        with (CACHE / f"{self.language}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # several test runs share the cache
            sources = self.sources or SOURCES / self.language
            shutil.copytree(sources, folder, dirs_exist_ok=True)
            _once(
                folder / ".installed", _digest(folder / name for name in self.manifests), lambda: self._install(folder)
            )
            files = sorted(file for file in sources.rglob("*") if file.is_file())
            _once(folder / ".built", f"{self.build} {_digest(files)}", lambda: self._build(folder))
        return folder

    def _install(self, folder: Path) -> None:
        (folder / ".built").unlink(missing_ok=True)
        for command in self.install:
            _run(command, folder, on_failure=Missing)

    def _build(self, folder: Path) -> None:
        for command in self.build:
            _run(command, folder, on_failure=AssertionError)


def _once(stamp: Path, state: str, action: Callable[[], None]) -> None:
    if stamp.exists() and stamp.read_text() == state:
        return
    stamp.unlink(missing_ok=True)
    action()
    stamp.write_text(state)


def _digest(files: Iterable[Path]) -> str:
    return hashlib.sha256(b"".join(file.name.encode() + file.read_bytes() for file in files)).hexdigest()


def _run(command: tuple[str, ...], folder: Path, *, on_failure: type[Exception]) -> None:
    said = f"`{' '.join(command)}`"
    try:
        result = subprocess.run(
            command, cwd=folder, env=os.environ, capture_output=True, text=True, timeout=INSTALL_SECONDS, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise Missing(f"{said} took more than {INSTALL_SECONDS} s") from error
    if result.returncode:
        last = (result.stderr.strip() or result.stdout.strip())[-1500:]
        raise on_failure(f"{said} failed: {last}")


_UV = (sys.executable, "-m", "uv")
PYTHON = Toolchain(
    "python",
    programs=(),
    manifests=("requirements.txt",),
    install=(
        (*_UV, "venv", "--quiet", "--clear", "--python", sys.executable, ".venv"),
        (*_UV, "pip", "install", "--quiet", "--require-hashes", "--python", ".venv/bin/python", "-r",
         "requirements.txt"),
    ),
)  # fmt: skip
NODE = Toolchain(
    "node",
    programs=("node", "npm"),
    manifests=("package.json", "package-lock.json"),
    install=(("npm", "ci", "--no-audit", "--no-fund", "--silent"),),
    build=(
        # AppAuth-JS is written for bundlers: its modules import each other without the ending .js.
        (
            "npx",
            "esbuild",
            "appauth-js.mjs",
            "--bundle",
            "--platform=node",
            "--format=esm",
            "--log-level=error",
            "--banner:js=import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);",
            "--outfile=appauth-js.bundle.mjs",
        ),
    ),
)
TYPESCRIPT = Toolchain(
    "typescript",
    programs=("node", "npm"),
    manifests=("package.json", "package-lock.json"),
    install=(("npm", "ci", "--no-audit", "--no-fund", "--silent"),),
    sources=ROOT / "tests" / "sdks" / "typescript",
)
GO = Toolchain(
    "go",
    programs=("go",),
    manifests=("go.mod", "go.sum"),
    install=(("go", "mod", "download"),),
    build=(("go", "build", "-o", "bin/", "./oauth2", "./verifier", "github.com/oauth2-proxy/oauth2-proxy/v7"),),
)
JAVA = Toolchain(
    "java",
    programs=("mvn", "javac", "java"),
    manifests=("pom.xml",),
    install=(
        ("rm", "-rf", "lib"),
        ("mvn", "--quiet", "--batch-mode", "dependency:copy-dependencies", "-DoutputDirectory=lib",
         "-DincludeScope=runtime"),
    ),
    build=(("sh", "-c", "javac -parameters -cp 'lib/*' -d classes $(find src -name '*.java')"),),
)  # fmt: skip
