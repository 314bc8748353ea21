"""Finds the rows that a change touches, in a small repository."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.lib.git_command import git
from tests.mutants.changes import Changes
from tests.mutants.mutant import read

CODE = '''"""Who may do what."""

LIMIT = 18


def may(age):
    """Adults may."""
    return age >= LIMIT  # years


def may_drive(age):
    return age >= LIMIT - 1
'''
TESTS = """def test_children_may_not():
    assert not may(17)


def test_boys_may_not_drive():
    assert not may_drive(16)
"""
ROW = """[[mutant]]
rule = "R1"
title = "Adults only"
file = "code.py"
find = "age >= LIMIT  #"
replace = "True"
test = "test_ages.py::test_children_may_not"
"""
PAGE = """
[[mutant]]
rule = "R2"
title = "The page says so"
file = "page.html"
find = "adults"
replace = ""
test = "test_ages.py::test_children_may_not"
"""

Touched = Callable[[], list[str]]


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    (tmp_path / "tests/mutants").mkdir(parents=True)
    for name, text in (("code.py", CODE), ("test_ages.py", TESTS), ("page.html", "<p>adults</p>")):
        (tmp_path / name).write_text(text)
    (tmp_path / "tests/mutants/rows.toml").write_text(ROW + PAGE)
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "--quiet", "--message", "Begin")
    return tmp_path


@pytest.fixture
def touched(repository: Path) -> Touched:
    """The rules of the rows that differ now from the first commit."""
    base = git(repository, "rev-parse", "HEAD")
    return lambda: [row.rule for row in Changes(base, repository).touched(read(repository))]


@pytest.mark.parametrize(
    ("file", "before", "after", "rules"),
    [
        ("code.py", "return age >= LIMIT  #", "return age > LIMIT - 1 and age >= LIMIT  #", ["R1"]),
        ("code.py", "def may(age):", "@cache\ndef may(age):", ["R1"]),
        ("code.py", "return age >= LIMIT - 1", "return age > LIMIT", []),
        ("code.py", "# years", "# in years", []),
        ("code.py", "Adults may.", "Whoever is an adult may.", []),
        ("code.py", "Who may do what.", "Ages.", []),
        ("code.py", "\n\n\ndef may(", "\n\n\ndef may_(age): pass\ndef may(", []),
        ("code.py", "def may(age):", "def may(age:", ["R1"]),
        ("test_ages.py", "may(17)", "may(16)", ["R1", "R2"]),
        ("test_ages.py", "may_drive(16)", "may_drive(15)", []),
        ("page.html", "<p>", "<div>", ["R2"]),
        ("tests/mutants/rows.toml", 'replace = "True"', 'replace = "None"', ["R1"]),
        ("tests/mutants/rows.toml", "Adults only", "Only adults", []),
        ("README.md", "", "nothing of a row", []),
    ],
)
def test_only_rows_that_a_change_touches_are_run(
    repository: Path, touched: Touched, file: str, before: str, after: str, rules: list[str]
) -> None:
    path = repository / file
    path.write_text((path.read_text() if path.exists() else "").replace(before, after, 1))
    assert touched() == rules
    git(repository, "add", ".")
    git(repository, "commit", "--quiet", "--message", "Go on")
    assert touched() == rules


def test_a_rule_outside_of_definitions_is_touched_by_others_there(repository: Path, touched: Touched) -> None:
    rows = repository / "tests/mutants/rows.toml"
    rows.write_text(rows.read_text().replace("age >= LIMIT  #", "LIMIT = 18").replace('"True"', '"LIMIT = 0"'))
    git(repository, "commit", "--quiet", "--all", "--message", "Go on")
    code = repository / "code.py"
    code.write_text("import math\n" + CODE)
    base = git(repository, "rev-parse", "HEAD")
    assert [row.rule for row in Changes(base, repository).touched(read(repository))] == ["R1"]


def test_a_file_that_was_not_there_touches_its_rows(repository: Path, touched: Touched) -> None:
    rows = repository / "tests/mutants/rows.toml"
    rows.write_text(rows.read_text().replace("code.py", "new.py"))
    git(repository, "mv", "code.py", "new.py")
    git(repository, "commit", "--quiet", "--all", "--message", "Go on")
    assert touched() == ["R1"]
