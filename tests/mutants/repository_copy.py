"""A copy of the repository in which a rule may be taken out while its test runs; the checkout stays as it is."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree

from tests.mutants.mutant import Mutant, StaleMutantError

TIMEOUT_SECONDS = 300


@dataclass
class Outcome:
    """What pytest reports of each test, named with its parameters and without."""

    passed: set[str] = field(default_factory=set)
    failed: set[str] = field(default_factory=set)
    trouble: str = ""  # why there is nothing to report

    def shows_failure(self, test: str) -> bool:
        return _key(test) in self.failed

    def shows_success(self, test: str) -> bool:
        return _key(test) in self.passed - self.failed


@dataclass
class RepositoryCopy:
    directory: Path
    database_url: str
    keep_open: tuple[int, ...] = ()  # file descriptors that its processes hold: a lock outlives a killed run
    _process: subprocess.Popen[bytes] | None = None

    def fill(self, root: Path) -> None:
        """With the files of the working tree, committed or not, but those that git ignores."""
        names = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            cwd=root, check=True, capture_output=True, text=True,
        ).stdout  # fmt: skip
        for name in filter(None, names.split("\0")):
            if (root / name).is_file():
                target = self.directory / name
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(root / name, target)

    @contextmanager
    def without(self, mutant: Mutant) -> Iterator[None]:
        """The rule is gone until the block ends. Raises StaleMutantError."""
        path = self.directory / mutant.file
        if not path.is_file():
            raise StaleMutantError(f"stale: there is no file {mutant.file}")
        text = path.read_text()
        self._write(path, mutant.applied_to(text))
        try:
            yield
        finally:
            self._write(path, text)

    def _write(self, path: Path, text: str) -> None:
        """Python trusts compiled code of the same second and size, so that goes first."""
        for compiled in path.parent.glob(f"__pycache__/{path.stem}.*.pyc"):
            compiled.unlink()
        path.write_text(text)

    def run(self, tests: Sequence[str], *options: str) -> Outcome:
        report = self.directory / "report.xml"
        report.unlink(missing_ok=True)
        command = [
            sys.executable,
            "-m",
            "pytest",
            "--quiet",
            "-p",
            "no:cacheprovider",
            f"--junitxml={report}",
            *options,
        ]
        self._process = subprocess.Popen(
            [*command, *tests], cwd=self.directory, env={**os.environ, "DATABASE_URL": self.database_url},
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            start_new_session=True, pass_fds=self.keep_open,
        )  # fmt: skip
        try:
            output, _ = self._process.communicate(timeout=TIMEOUT_SECONDS * len(tests))
        except subprocess.TimeoutExpired:
            return Outcome(trouble="timed out")
        finally:
            self.stop()
        if not report.exists() or self._process.returncode not in (0, 1):
            return Outcome(trouble=f"pytest: {_last_line(output.decode(errors='replace'))}")
        return _read(report)

    def stop(self) -> None:
        """Whatever it started, too."""
        if self._process is not None and self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()


def _read(report: Path) -> Outcome:
    outcome = Outcome()
    for case in ElementTree.parse(report).iter("testcase"):
        # A fixture that breaks (`error`) or a skipped test shows nothing of the rule: neither passed nor failed.
        kinds = {child.tag for child in case}
        name = f"{case.get('classname')}.{case.get('name')}"
        names = {name, name.partition("[")[0]}
        if "failure" in kinds:
            outcome.failed |= names
        elif not kinds & {"error", "skipped"}:
            outcome.passed |= names
    return outcome


def _key(test: str) -> str:
    path, _, name = test.partition("::")
    return f"{path.removesuffix('.py').replace('/', '.')}.{name.replace('::', '.')}"


def _last_line(output: str) -> str:
    return next((line for line in reversed(output.splitlines()) if line.strip()), "no output")
