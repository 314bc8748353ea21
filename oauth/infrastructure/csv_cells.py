"""Prevents a spreadsheet from reading text in a CSV file as a formula (CWE-1236, ASVS 5.0 1.2.10)."""

import re

# Characters that spreadsheets skip before a formula: white space, control characters and invisible characters.
_SKIPPED = r"[\s\x00-\x1f\x7f\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]"
# Characters that begin a formula, in all their Unicode forms (NFKC), and the mathematical minus.
_SIGNS = r"=+\-@\u207a-\u207c\u208a-\u208c\u2212\u2a75\u2a76\ufb29\ufe62\ufe63\ufe66\ufe6b\uff0b\uff0d\uff1d\uff20"
# Matches at the beginning and after characters that separate cells in some locales or programs.
_FORMULA = re.compile(rf"(\A|[;\t\r\n])({_SKIPPED}*)(?=[{_SIGNS}])")
_CONTROL = re.compile(r"\A[\t\r\n\x00]")


def text(value: object) -> str:
    """Inserts an apostrophe where a formula could begin, which marks the cell as text."""
    cell = _FORMULA.sub(r"\1'\2", "" if value is None else str(value))
    return f"'{cell}" if _CONTROL.match(cell) else cell
