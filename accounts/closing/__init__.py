"""Closing a user's account for good: what must be done first, what ends, what is erased, and what the law keeps.

settings.CLOSING_PARTS names a class for each package that knows something of users. Imports `changes`, `notices` and
`browsers`.
"""

from accounts.closing.closing import NotYet, close, obstacles
from accounts.closing.former_users import erase_former_users
from accounts.closing.parts import Obstacle, keeps_records

__all__ = ["NotYet", "Obstacle", "close", "erase_former_users", "keeps_records", "obstacles"]
