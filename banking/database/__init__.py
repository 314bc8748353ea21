"""What the database itself guarantees, and with which rights the site connects to it: set up, and verified."""

from banking.database.comparison import differences
from banking.database.guarantees import broken
from banking.database.role import exists, set_up

__all__ = ["broken", "differences", "exists", "set_up"]
