"""Finds the rows that a change touches: their rule, test or text differs between a commit and the working tree.

In a Python file, only the definition that contains the rule and the row's test function count. A module has dozens of
definitions, and a change to one does not affect the others. Comments and docstrings do not count. Other code that a
test calls does not count either, so all rows run before a release.
"""

import ast
import subprocess
from collections.abc import Iterable
from pathlib import Path

from tests.mutants.mutant import ROOT, ROWS, Mutant, parse


class _Definitions:
    """The statements at the top of a module. Statements without a name, such as imports and constants, count as one
    definition.
    """

    def __init__(self, text: str) -> None:
        """Raises SyntaxError."""
        self._text = text
        self._by_name: dict[str, list[str]] = {}
        self._lines: list[tuple[int, int, str]] = []
        for node in ast.parse(text).body:
            name = getattr(node, "name", "")
            first = min([node.lineno, *(one.lineno for one in getattr(node, "decorator_list", ()))])
            self._lines.append((first, node.end_lineno or first, name))
            self._by_name.setdefault(name, []).append(_without_docstrings(node))

    def of(self, name: str) -> list[str]:
        return self._by_name.get(name, [])

    def around(self, text: str) -> set[str]:
        """The names of the definitions that share a line with the first place of `text`."""
        first = self._text[: self._text.find(text)].count("\n") + 1
        last = first + text.count("\n")
        return {name for begins, ends, name in self._lines if begins <= last and ends >= first}


def _without_docstrings(node: ast.stmt) -> str:
    for inner in ast.walk(node):
        if isinstance(inner, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and ast.get_docstring(inner, False):
            inner.body = inner.body[1:]
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return ""  # the docstring of the module
    return ast.dump(node)


def _parts(mutant: Mutant) -> tuple[object, ...]:
    """Returns the parts of a row that decide what runs, without its rule and its title."""
    return mutant.file, mutant.find, mutant.replace, mutant.test


class Changes:
    def __init__(self, base: str, root: Path = ROOT) -> None:
        self._base, self._root = base, root
        named = self._git("diff", "--name-only", base) + self._git("ls-files", "--others", "--exclude-standard")
        self._files = set(named.splitlines())
        self._rows = {_parts(mutant) for text in self._tables() for mutant in parse(text)}
        self._known: dict[str, tuple[_Definitions, _Definitions] | None] = {}

    def touched(self, mutants: Iterable[Mutant]) -> list[Mutant]:
        return [mutant for mutant in mutants if self._touches(mutant)]

    def _touches(self, mutant: Mutant) -> bool:
        if _parts(mutant) not in self._rows:
            return True
        test_file, _, test = mutant.test.partition("::")
        name = test.partition("::")[0].partition("[")[0]
        return any(self._differs(mutant.file, at=find) for find in mutant.find) or self._differs(test_file, name=name)

    def _differs(self, file: str, *, at: str = "", name: str = "") -> bool:
        """Whether the definitions of that name in a file differ, or those that contain the text `at`."""
        if file not in self._files:
            return False
        if file not in self._known:
            self._known[file] = self._both(file)
        if (both := self._known[file]) is None:
            return True
        before, now = both
        names = {name} if name else now.around(at)
        return not names or any(before.of(one) != now.of(one) for one in names)

    def _both(self, file: str) -> tuple[_Definitions, _Definitions] | None:
        """None where definitions cannot be compared."""
        before, now = self._text(file), self._root / file
        if before is None or not file.endswith(".py") or not now.is_file():
            return None
        try:
            return _Definitions(before), _Definitions(now.read_text())
        except SyntaxError:
            return None

    def _text(self, file: str) -> str | None:
        """The text of the file in the commit; None if the file did not exist."""
        return self._git("show", f"{self._base}:{file}") if self._git("ls-tree", self._base, file) else None

    def _tables(self) -> list[str]:
        listed = self._git("ls-tree", "-r", "--name-only", self._base, f"{ROWS}/").splitlines()
        return [self._git("show", f"{self._base}:{path}") for path in listed if path.endswith(".toml")]

    def _git(self, *arguments: str) -> str:
        done = subprocess.run(["git", *arguments], cwd=self._root, check=True, capture_output=True, text=True)
        return done.stdout
