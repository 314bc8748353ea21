"""A copy of the repository in which a rule is removed while its test runs. The checkout is not changed."""

import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree

from tests.mutants.forks import Forks
from tests.mutants.mutant import Mutant, StaleMutantError

TIMEOUT_SECONDS = 300


@dataclass
class Outcome:
    """The results of pytest for each test, by its name with the parameters and without."""

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
    bytecode: Path  # where Python stores compiled code, including that of libraries
    forks: Forks

    @classmethod
    def at(
        cls, directory: Path, database_url: str, *, bytecode: Path | None = None, keep_open: tuple[int, ...] = ()
    ) -> "RepositoryCopy":
        bytecode = bytecode or directory / ".bytecode"
        environment = {"DATABASE_URL": database_url, "PYTHONPYCACHEPREFIX": str(bytecode)}
        return cls(directory, bytecode, Forks(directory, environment, keep_open))

    def fill(self, root: Path) -> None:
        """Copies the files of the working tree, committed or not, except those that git ignores."""
        names = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            cwd=root, check=True, capture_output=True, text=True,
        ).stdout  # fmt: skip
        for name in filter(None, names.split("\0")):
            if (root / name).is_file():
                target = self.directory / name
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(root / name, target)

    @property
    def unchanged(self) -> Path:
        """The file that holds the text of the changed file before the change."""
        return self.directory / "unchanged.txt"

    @contextmanager
    def without(self, mutant: Mutant) -> Iterator[None]:
        """The rule is gone until the block ends. Raises StaleMutantError."""
        path = self.directory / mutant.file
        if not path.is_file():
            raise StaleMutantError(f"stale: there is no file {mutant.file}")
        text = path.read_text()
        self.unchanged.write_text(text)
        self._write(path, mutant.applied_to(text))
        try:
            yield
        finally:
            self._write(path, text)

    def _write(self, path: Path, text: str) -> None:
        """Python would use old compiled code if the file has the same size and its time differs by less than a second,
        so the compiled code is deleted first.
        """
        compiled = self.bytecode / path.parent.resolve().relative_to(path.anchor)
        for one in compiled.glob(f"{path.stem}.*.pyc"):
            one.unlink()
        path.write_text(text)

    def run(self, tests: Sequence[str], *options: str, **environment: str) -> Outcome:
        report, printed = self.directory / "report.xml", self.directory / "printed.txt"
        report.unlink(missing_ok=True)
        arguments = ["--quiet", "-p", "no:cacheprovider", f"--junitxml={report}", *options, *tests]
        try:
            timeout_seconds = TIMEOUT_SECONDS * len(tests)
            code = self.forks.run(arguments, printed, environment=environment, timeout_seconds=timeout_seconds)
        except TimeoutError:
            return Outcome(trouble="timed out")
        if not report.exists() or code not in (0, 1):
            return Outcome(trouble=f"pytest: {_last_line(printed)}")
        return _read(report)

    def stop(self) -> None:
        self.forks.stop()


def _read(report: Path) -> Outcome:
    outcome = Outcome()
    for case in ElementTree.parse(report).iter("testcase"):
        # A fixture that breaks (`error`) or a skipped test says nothing about the rule, so it counts as neither.
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


def _last_line(printed: Path) -> str:
    output = printed.read_text(errors="replace") if printed.exists() else ""
    return next((line for line in reversed(output.splitlines()) if line.strip()), "no output")
