"""Second factors of users: their removal, the forms that ask for them, and their secrets in the database.

Imports `changes` and `notices`.
"""

from accounts.second_factors.factors import erase_all, remove, types_of

__all__ = ["erase_all", "remove", "types_of"]
