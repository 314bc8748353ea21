"""The rows of tests/mutants/*.toml: one rule each, how to take it out of the code, and the test that must notice."""

import tomllib
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
ROWS = Path("tests/mutants")


class StaleMutantError(Exception):
    """The row does not match the code any more; the message says how."""


@dataclass(frozen=True)
class Mutant:
    """One rule. Replacing each text of `find` by its counterpart in `replace` removes the rule from `file`. In a row,
    both are a text or, if several checks enforce the rule, a list of texts. `test` is a pytest node id, with or without
    parameters.
    """

    rule: str
    title: str
    file: str
    find: tuple[str, ...]
    replace: tuple[str, ...]
    test: str

    @property
    def test_name(self) -> str:
        return self.test.rpartition("::")[2].partition("[")[0]

    def applied_to(self, text: str) -> str:
        """The file's text without the rule. Raises StaleMutantError."""
        mutated = text
        for find, replace in zip(self.find, self.replace, strict=True):
            if (found := text.count(find)) != 1:
                raise StaleMutantError(f"stale: `find` stands {found} times in {self.file}, not once")
            mutated = mutated.replace(find, replace)
        if self.file.endswith(".py"):
            try:
                compile(mutated, self.file, "exec")
            except SyntaxError as error:
                raise StaleMutantError(f"{self.file} does not compile without the rule: {error}") from error
        return mutated


def read(root: Path = ROOT) -> list[Mutant]:
    return [mutant for path in sorted((root / ROWS).glob("*.toml")) for mutant in parse(path.read_text())]


def parse(text: str) -> list[Mutant]:
    rows = tomllib.loads(text).get("mutant", [])
    return [Mutant(**{**row, "find": _texts(row["find"]), "replace": _texts(row["replace"])}) for row in rows]


def _texts(value: str | list[str]) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value)
