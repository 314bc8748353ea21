"""A migration's file that is changed for a test run, for `make mutants`. In the environment:

    CHANGED_MIGRATION   the file; the run makes its own template database from it
    CHANGED_FROM        a file with its text before the change
    CHANGES             pairs of old text and new text, as JSON

Migrating takes half a minute. A change inside a function can be applied to a database that was migrated before the
change. `statements` returns the SQL for that, if the result is the same.
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
_BODY = "AS $function$"  # PostgreSQL changes the text before this marker


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
        """The statements that apply the changes to the functions as the last migration left them. Empty if a change is
        not inside exactly one function; then only migrating gives the same result.
        """
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
