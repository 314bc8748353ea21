"""What the documents name is there: files, tests, commands."""

import re
from pathlib import Path

import pytest

from tests.mutants import document
from tests.mutants.mutant import Mutant, read

ROOT = Path(__file__).resolve().parent.parent
DOCUMENTS = sorted([ROOT / "README.md", *ROOT.glob("docs/**/*.md")])
TESTS = set(re.findall(r"def (test_\w+)", "".join(file.read_text() for file in ROOT.glob("tests/**/test_*.py"))))
ROOMS = ("accounts/", "banking/", "bench/", "config/", "demo/", "docs/", "oauth/", "tests/")


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda file: file.name)
def test_what_is_named_exists(document: Path) -> None:
    text = document.read_text()
    named = set(re.findall(r"`([^`\s]+)`", text)) | set(re.findall(r"\]\(([^)#\s]+)\)", text))
    tests = {name for name in named if re.fullmatch(r"test_\w+", name)}
    files = {name for name in named if name.startswith(ROOMS) and "*" not in name}
    commands = set(re.findall(r"manage\.py (\w+)", text)) - {"migrate", "check", "createcachetable", "collectstatic"}
    assert tests <= TESTS, tests - TESTS
    missing = {name for name in files if not (ROOT / name).exists() and not (document.parent / name).exists()}
    assert not missing
    known = {file.stem for file in ROOT.glob("*/management/commands/*.py")} | {"procrastinate", "changepassword"}
    assert commands <= known, commands - known


def test_every_document_is_looked_at() -> None:
    assert len(DOCUMENTS) > 5


def test_each_rule_of_the_tables_has_a_mutant_and_each_mutant_a_row() -> None:
    """`python -m tests.mutants.document` writes the tables anew."""
    security, conformance = document.SECURITY.read_text(), document.CONFORMANCE.read_text()
    assert document.security(security) == security
    assert document.conformance(conformance) == conformance
    tables = security.count("<!-- rows of ")
    assert tables == security.count("<!-- end of rows -->") == len(list((ROOT / "tests/mutants").glob("*.toml")))


@pytest.mark.parametrize("mutant", read(), ids=lambda mutant: f"{mutant.rule}, {mutant.test_name}")
def test_a_rule_stands_where_its_row_says(mutant: Mutant) -> None:
    """The code is there to be removed, and names the rule of ASVS that it keeps."""
    text = (ROOT / mutant.file).read_text()
    mutant.applied_to(text)
    assert mutant.test_name in TESTS
    assert f"def {mutant.test_name}(" in (ROOT / mutant.test.partition("::")[0]).read_text()
    if mutant.rule.startswith("ASVS"):
        for number in re.findall(r"\d+\.\d+\.\d+", mutant.rule):
            assert re.search(rf"(?<![\d.]){re.escape(number)}(?![\d.]*\d)", text), f"{number} is not in {mutant.file}"
