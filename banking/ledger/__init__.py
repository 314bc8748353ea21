"""Moving money: one way, `post`, and one audit.

Customers' accounts are locked sorted by id, the bank's own come after them, the entries go in the same order, the seal
last: no deadlock, nothing half done.
"""

from banking.ledger.audit import audit, audit_and_record
from banking.ledger.holds import hold, release
from banking.ledger.posting import lock, post
from banking.ledger.retry import in_transaction
from banking.ledger.reversal import reverse

__all__ = ["audit", "audit_and_record", "hold", "in_transaction", "lock", "post", "release", "reverse"]
