"""Second factors of users: the forms that ask for them, their secrets in the database, and their removal.

Imports `changes` and what it imports.
"""

from accounts.second_factors.factors import erase_all, remove, types_of

__all__ = ["erase_all", "remove", "types_of"]
