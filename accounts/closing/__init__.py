"""Closes a user account permanently: what the user must do first, what ends, what is erased, and what the site must
keep by law.

settings.CLOSING_PARTS names a class (see `parts`) for each package that stores data about users. Imports
`second_factors` and what it imports.
"""

from accounts.closing.closing import NotYet, close, obstacles
from accounts.closing.former_users import erase_former_users
from accounts.closing.parts import Obstacle, keeps_records

__all__ = ["NotYet", "Obstacle", "close", "erase_former_users", "keeps_records", "obstacles"]
