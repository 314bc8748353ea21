"""Reads tables of the documents, for tests."""

import re


def table(text: str, heading: str) -> dict[str, list[str]]:
    """The rows of all tables under `heading`: the name in the first cell -> the other cells."""
    section = re.split(rf"^#+ {re.escape(heading)}$", text, flags=re.M)[1]
    section = re.split(r"^#{1,3} ", section, flags=re.M)[0]
    rows = [re.split(r" \| ", line.strip("| \n")) for line in section.splitlines() if line.startswith("| `")]
    assert rows, f"there is no table under {heading}"
    return {row[0].split("`")[1]: row[1:] for row in rows}
