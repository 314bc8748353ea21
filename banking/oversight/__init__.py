"""What the bank's staff may do with people's money: freeze an account, reverse a transaction by two. For the admin.

Each act is one transaction with its row in the site's audit log. Nobody edits a balance or an entry.
"""

from banking.oversight.audit import Officer
from banking.oversight.freezing import freeze, unfreeze
from banking.oversight.reversals import approve, decline, request

__all__ = ["Officer", "approve", "decline", "freeze", "request", "unfreeze"]
