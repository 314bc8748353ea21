"""What the documents name is there: files, tests, commands."""

import re
from pathlib import Path

import pytest

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
    known = {file.stem for file in ROOT.glob("*/management/commands/*.py")} | {"procrastinate"}
    assert commands <= known, commands - known


def test_every_document_is_looked_at() -> None:
    assert len(DOCUMENTS) > 5
