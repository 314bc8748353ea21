"""docs/threat-model.md: each threat has a control with a test, or names the risk that remains, on every boundary."""

import re
from pathlib import Path

import pytest

from tests.test_documents import TESTS

TEXT = (Path(__file__).parents[1] / "docs/threat-model.md").read_text()
BOUNDARIES = re.findall(r"^## (\d+\. .+)\n((?:(?!^## ).*\n)*)", TEXT, re.M)
ROWS = [
    (heading, *[cell.strip() for cell in line.strip("| ").split(" | ")])
    for heading, section in BOUNDARIES
    for line in section.splitlines()
    if re.match(r"\| [STRIDE] \|", line)
]


def test_every_boundary_is_read():
    assert len(BOUNDARIES) == 9
    assert len(ROWS) > 60


@pytest.mark.parametrize(("heading", "section"), BOUNDARIES, ids=lambda text: text.splitlines()[0][:30])
def test_a_boundary_covers_every_kind_of_threat(heading, section):
    """STRIDE."""
    assert set(re.findall(r"^\| ([A-Z]) \|", section, re.M)) == set("STRIDE")


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row[0][:2]}{row[1]} {row[2][:40]}")
def test_a_threat_has_a_test_or_a_risk_that_remains(row):
    heading, kind, threat, control = row
    tests = re.findall(r"`(test_\w+)`", control)
    assert tests or re.search(r"\bremains?\b|this risk\.", control), f"{heading} {kind}: {threat}"
    assert set(tests) <= TESTS
