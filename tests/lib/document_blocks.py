"""The fenced blocks of a document."""

import re

_BLOCK = re.compile(r"```(\w+)\n(.*?)```", re.S)


def blocks(text: str, heading: str = "", language: str = "python") -> list[str]:
    """The fenced blocks of this language below a heading."""
    section = text.partition(f"## {heading}\n")[2].partition("\n## ")[0] if heading else text
    return [code for name, code in _BLOCK.findall(section) if name == language]
