"""Statements that are too long for a response: files that the background worker makes. `ask` returns a StatementFile,
and `opened` its file. Each attempt writes its own file, and stores the name in the row only once the file is complete,
so nobody reads an incomplete file, even if a worker is killed. May import `accounts`, `notices` and what lies below
them.
"""

from banking.statement_files.asking import PATIENCE, TASK, Wish, ask, is_too_long
from banking.statement_files.cleanup import delete_old
from banking.statement_files.making import FILES_KEPT, make
from banking.statement_files.reading import StorageAway, file_name, of_user, opened

__all__ = [
    "FILES_KEPT", "PATIENCE", "TASK", "StorageAway", "Wish", "ask", "delete_old", "file_name", "is_too_long", "make",
    "of_user", "opened",
]  # fmt: skip
