"""PostgreSQL: its guarantees for the ledger, the role that the site connects with, background jobs that commit with a
transaction, and the deletion of old rows. May import the models."""

from banking.database.comparison import differences
from banking.database.guarantees import broken_guarantees
from banking.database.role import role_exists, set_up_role

__all__ = ["broken_guarantees", "differences", "role_exists", "set_up_role"]
