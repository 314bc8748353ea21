"""Second factors: which a user has, their removal, the forms that take them, and their secrets in the database.

Imports `changes` and `notices`.
"""

from accounts.second_factors.factors import erase_all, remove, types_of

__all__ = ["erase_all", "remove", "types_of"]
