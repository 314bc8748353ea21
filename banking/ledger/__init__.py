"""Moving money: one way, `post`, and one audit.

Accounts are locked sorted by id, the entries go in the same order, the seal last: no deadlock, nothing half done.
"""

from banking.ledger.audit import audit
from banking.ledger.posting import post
from banking.ledger.retry import in_transaction

__all__ = ["audit", "in_transaction", "post"]
