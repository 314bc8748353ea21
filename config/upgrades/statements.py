"""Judges hand-written SQL of migrations, by the first words of each statement."""

import re
from collections.abc import Iterator

from config.upgrades.verdict import Finding, Verdict

_TABLE = r'(?:ONLY\s+)?"?(?:public"?\."?)?(\w+)"?'
_RULES: tuple[tuple[re.Pattern[str], Verdict, str], ...] = tuple(
    (re.compile(pattern, re.I | re.S), verdict, what)
    for pattern, verdict, what in (
        (rf"CREATE (?:UNIQUE )?INDEX CONCURRENTLY .*? ON {_TABLE}", Verdict.SLOW, "index, built concurrently"),
        (rf"CREATE (?:UNIQUE )?INDEX .*? ON {_TABLE}", Verdict.LOCKS, "index, not built concurrently: writes wait"),
        (rf"ALTER TABLE {_TABLE}.* VALIDATE CONSTRAINT", Verdict.SLOW, "constraint validated"),
        (rf"ALTER TABLE {_TABLE}.* ADD CONSTRAINT .* NOT VALID", Verdict.SAFE, "constraint NOT VALID"),
        (rf"ALTER TABLE {_TABLE}.* ADD CONSTRAINT .* USING INDEX", Verdict.SAFE, "constraint of an index that exists"),
        (
            rf"ALTER TABLE {_TABLE}.* ADD CONSTRAINT",
            Verdict.LOCKS,
            "constraint, not added as NOT VALID: all wait for a scan",
        ),
        (rf"ALTER TABLE {_TABLE}.* (?:DROP COLUMN|RENAME)", Verdict.BREAKS, "column removed; previous release fails"),
        (rf"ALTER TABLE {_TABLE}.* ALTER COLUMN \w+ (?:SET DATA )?TYPE", Verdict.LOCKS, "the whole table is rewritten"),
        (rf"ALTER TABLE {_TABLE}.* SET NOT NULL", Verdict.LOCKS, "NOT NULL: all wait for a scan"),
        (rf"ALTER TABLE {_TABLE}.* ADD (?:COLUMN )?\w+ [^;]*NOT NULL(?![^;]*DEFAULT)", Verdict.BREAKS,
         "NOT NULL without DEFAULT: INSERT of the previous release fails"),
        (rf"ALTER TABLE {_TABLE}", Verdict.SAFE, "short change of the system catalog"),
        (r"ALTER INDEX \w+ RENAME TO ()", Verdict.SAFE, "index renamed"),
        (r"CREATE (?:OR REPLACE )?(?:CONSTRAINT )?TRIGGER .*? ON (\w+)", Verdict.SAFE, "trigger"),
        (r"DROP TRIGGER .*? ON (\w+)", Verdict.SAFE, "trigger removed"),
        (r"CREATE (?:OR REPLACE )?(?:FUNCTION|PROCEDURE|VIEW|TYPE|SEQUENCE|TABLE)()", Verdict.SAFE, "definition"),
        (r"ALTER FUNCTION [^;]*\) (?:PARALLEL|COST) ()", Verdict.SAFE, "how a function is planned"),
        (r"DROP (?:FUNCTION|PROCEDURE|VIEW|INDEX|TYPE)()", Verdict.SAFE, "definition removed"),
        (r"(?:COMMENT|GRANT|REVOKE|SET|RESET|ANALYZE)\b()", Verdict.SAFE, "no change of rows"),
        (rf"UPDATE {_TABLE}", Verdict.SLOW, "rows updated"),
        (rf"(?:INSERT INTO|DELETE FROM) {_TABLE}", Verdict.SLOW, "rows written or deleted"),
        (r"SELECT\b()", Verdict.SLOW, "a query"),
        (rf"DROP TABLE (?:IF EXISTS )?{_TABLE}", Verdict.BREAKS, "table removed: previous release uses it"),
    )
)  # fmt: skip
_DOLLAR_QUOTED = re.compile(r"\$(\w*)\$.*?\$\1\$", re.S)
_COMMENT = re.compile(r"--[^\n]*|/\*.*?\*/", re.S)


def judge_sql(text: str) -> Iterator[Finding]:
    """Bodies of functions are not judged: they run later."""
    bare = _COMMENT.sub("", _DOLLAR_QUOTED.sub("''", text))
    for statement in filter(None, (" ".join(one.split()) for one in bare.split(";"))):
        yield _finding(statement)


def _finding(statement: str) -> Finding:
    for pattern, verdict, what in _RULES:
        if found := pattern.match(statement):
            return Finding(verdict, found[1] or "", f"{what}: {statement[:60]}")
    return Finding(Verdict.UNKNOWN, "", f"nobody has judged: {statement[:60]}")
