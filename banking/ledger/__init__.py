"""The ledger: money moves only by `post`; `audit` verifies it. All code locks in one order, so there are no deadlocks:
customers' accounts by id, then their holds and transfers, then the bank's own accounts. Entries are written in the same
order, the seal last. Independent of HTTP. May import `database`, the models and `notation`.
"""

from banking.ledger.audit import audit, audit_and_record
from banking.ledger.digests import last_run
from banking.ledger.holds import hold, release
from banking.ledger.posting import lock, post
from banking.ledger.retry import in_transaction
from banking.ledger.reversal import reverse

__all__ = ["audit", "audit_and_record", "hold", "in_transaction", "last_run", "lock", "post", "release", "reverse"]
