"""The runner of mutants, on a small repository: what is killed, what survives, what is stale."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.lib.git_command import git
from tests.lib.servers import wait_until
from tests.mutants.__main__ import Run
from tests.mutants.forks import Forks
from tests.mutants.mutant import Mutant, read
from tests.mutants.repository_copy import RepositoryCopy

CODE = "def may(age):\n    return age >= 18\n"
TESTS = """import sys
sys.path.insert(0, '.')
import pytest
from code_of_ours import may

def test_adults_may():
    assert may(18)

def test_children_may_not():
    assert not may(17)

@pytest.mark.skip
def test_skipped():
    pass

@pytest.mark.parametrize("age", [1, 17, 18])
def test_each_age(age):
    assert may(age) == (age == 18)
"""
Captured = pytest.CaptureFixture[str]
ROW = """[[mutant]]
rule = "R1"
title = "Adults only"
file = "code_of_ours.py"
find = "age >= 18"
replace = "True"
test = "test_ages.py::test_children_may_not"
"""


def mutant(**changed: str) -> Mutant:
    fields = {
        "rule": "R1", "title": "Adults only", "file": "code_of_ours.py", "find": "age >= 18", "replace": "True",
        "test": "test_ages.py::test_children_may_not",
    }  # fmt: skip
    fields |= changed
    find, replace = fields.pop("find"), fields.pop("replace")
    return Mutant(**fields, find=(find,), replace=(replace,))


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    root = tmp_path / "repository"
    (root / "tests/mutants").mkdir(parents=True)
    (root / "code_of_ours.py").write_text(CODE)
    (root / "test_ages.py").write_text(TESTS)
    (root / "tests/mutants/rows.toml").write_text(ROW)
    (root / "pytest.ini").write_text("[pytest]\n")
    git(root, "init", "--quiet")
    git(root, "add", ".")
    git(root, "commit", "--quiet", "--message", "Begin")
    return root


class KeptForks(Forks):
    """One process for all tests, because starting it takes longer than most tests."""

    def stop(self) -> None:
        """Does nothing, because the process is used again in the next run."""


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RepositoryCopy]:
    folder = tmp_path_factory.mktemp("mutants")
    copy = RepositoryCopy.at(folder / "copy", "", bytecode=folder / "bytecode")
    copy.forks = KeptForks(copy.directory, copy.forks.environment)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")  # the small repository is not a Django project
        yield copy
    Forks.stop(copy.forks)


@pytest.fixture
def run(kept: RepositoryCopy, repository: Path) -> Run:
    for path in kept.directory.glob("*"):
        if path.is_dir():
            shutil.rmtree(path)
        elif path.name != "libraries.json":
            path.unlink()
    shutil.rmtree(kept.bytecode / kept.directory.relative_to("/"), ignore_errors=True)
    kept.fill(repository)
    return Run([kept])


@pytest.fixture
def new_copy(kept: RepositoryCopy, run: Run, tmp_path: Path) -> Iterator[RepositoryCopy]:
    copy = RepositoryCopy.at(tmp_path / "copy", "", bytecode=kept.bytecode)
    shutil.copytree(kept.directory, copy.directory)
    yield copy
    copy.stop()


def test_a_rule_that_its_test_misses_is_killed(run: Run, repository: Path, capsys: Captured) -> None:
    assert run.all(read(repository))
    out = capsys.readouterr().out.splitlines()
    assert out[0].startswith("killed")
    assert out[-1] == "1 passed, 0 failed"
    assert (repository / "code_of_ours.py").read_text() == CODE
    assert (run.copies[0].directory / "code_of_ours.py").read_text() == CODE


@pytest.mark.parametrize(
    ("row", "why"),
    [
        (mutant(test="test_ages.py::test_adults_may"), "survived: the test passes without the rule"),
        (mutant(find="age > 21"), "stale: `find` stands 0 times"),
        (mutant(find="age"), "stale: `find` stands 2 times"),
        (mutant(file="gone.py"), "stale: there is no file gone.py"),
        (mutant(replace="("), "does not compile without the rule"),
        (mutant(find="def may", replace="def might"), "pytest:"),
        (mutant(test="test_ages.py::test_gone"), "pytest:"),
        (mutant(test="test_ages.py::test_skipped"), "the test does not pass with the rule in place"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_row_that_shows_nothing_fails(run: Run, capsys: Captured, row: Mutant, why: str) -> None:
    assert not run.all([row])
    out = capsys.readouterr().out
    assert why in out
    assert out.endswith("0 passed, 1 failed\n")


@pytest.mark.parametrize(("parameter", "killed"), [("", True), ("[17]", True), ("[18]", False)])
def test_a_row_may_name_one_set_of_parameters(run: Run, parameter: str, killed: bool) -> None:
    assert run.all([mutant(test=f"test_ages.py::test_each_age{parameter}")]) is killed


@pytest.mark.parametrize(("fails_at", "killed"), [(4, True), (5, False)])
def test_a_test_that_missed_its_rule_is_tried_once_more(
    run: Run, capsys: Captured, fails_at: int, killed: bool
) -> None:
    """The test runs twice with the rule in place, and then at most twice without it."""
    code = "def test_it():\n    tries = open('tries', 'a')\n    tries.write('.')\n    assert tries.tell() != {}\n"
    (run.copies[0].directory / "test_luck.py").write_text(code.format(fails_at))
    assert run.all([mutant(test="test_luck.py::test_it")]) is killed
    assert ("second try: Adults only\n" in capsys.readouterr().out) is killed


def test_a_missing_test_does_not_hide_the_others(run: Run, capsys: Captured) -> None:
    assert not run.all([mutant(), mutant(test="test_ages.py::test_gone")])
    assert capsys.readouterr().out.endswith("1 passed, 1 failed\n")


def test_nothing_runs_where_code_of_the_copy_is_imported_before_the_fork(new_copy: RepositoryCopy) -> None:
    """Otherwise, each run would use the code from before the rule was removed."""
    (new_copy.directory / "libraries.json").write_text('["json", "code_of_ours"]')
    with pytest.raises(RuntimeError, match="the fork server has ended"):
        new_copy.run(["test_ages.py::test_adults_may"])


def test_what_a_run_left_running_is_stopped(run: Run) -> None:
    copy = run.copies[0]
    code = "import subprocess, sys\ndef test_it():\n    child = subprocess.Popen(['sleep', '600'])\n"
    (copy.directory / "test_leaving.py").write_text(code + "    open('pid', 'w').write(str(child.pid))\n")
    assert copy.run(["test_leaving.py::test_it"]).passed
    pid = int((copy.directory / "pid").read_text())
    wait_until(lambda: not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)
