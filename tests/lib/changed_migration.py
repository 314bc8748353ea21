"""A file of migrations that a run has changed, for `make mutants`. In the environment:

    CHANGED_MIGRATION   the file, of which the run makes a template of its own
    CHANGED_FROM        a file with its text before that
    CHANGES             pairs of text as JSON: what it said, and what it says instead

Migrating takes half a minute. What is within functions can be replaced in a database that was migrated before the change,
so `statements` does that where it comes to the same.
"""

import json
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
_FUNCTION = re.compile(r"FUNCTION (\w+)")
_DEFINED = """
    SELECT pg_get_functiondef(oid) FROM pg_proc
     WHERE pronamespace = 'public'::regnamespace AND prokind <> 'a' AND proname = %s
"""
_BODY = "AS $function$"  # PostgreSQL writes what stands before it in its own way


@dataclass(frozen=True)
class ChangedMigration:
    path: Path
    before: str = ""
    changes: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of_environment(cls) -> "ChangedMigration | None":
        if "CHANGED_MIGRATION" not in os.environ:
            return None
        path = ROOT / os.environ["CHANGED_MIGRATION"]
        if "CHANGES" not in os.environ:
            return cls(path)
        changes = tuple((find, replace) for find, replace in json.loads(os.environ["CHANGES"]))
        return cls(path, Path(os.environ["CHANGED_FROM"]).read_text(), changes)

    def statements(self, cursor: Any) -> list[str]:
        """Those that bring the changes to a database, as the last migration left each function. Empty if any of them is
        not within the one function that the file has it in: only migrating does the same then."""
        functions: dict[str, str] = {}
        for find, replace in self.changes:
            named = _FUNCTION.findall(self.before.partition(find)[0])
            name = named[-1] if named else ""
            if name not in functions:
                cursor.execute(_DEFINED, [name])
                found = [text for (text,) in cursor.fetchall()]
                if len(found) != 1:
                    return []
                functions[name] = found[0]
            head, _, body = functions[name].partition(_BODY)
            if body.count(find) != 1:
                return []
            functions[name] = f"{head}{_BODY}{body.replace(find, replace)}"
        return list(functions.values())
