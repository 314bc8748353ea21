"""Reconciles the ledger with the settlement files of the clearing system (camt.053): stores matches, and a worklist of
differences. Officers move a difference to suspense in `oversight`. May import `payments` and what lies below it.
"""

from banking.reconciliation.camt053 import MalformedFile
from banking.reconciliation.intake import AlreadyRead, read_file

__all__ = ["AlreadyRead", "MalformedFile", "read_file"]
