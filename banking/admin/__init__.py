"""The bank in the admin: looked at, never edited. What staff may do with money are acts with a reason (`acts`), each of
them a function of `banking.oversight`.

Made for millions of rows: lists know the next page without counting, and searches take one whole value with an index.
"""

from banking.admin.account import AccountAdmin
from banking.admin.consent import ConsentAdmin
from banking.admin.hold import HoldAdmin
from banking.admin.payee import PayeeAdmin
from banking.admin.reversal_request import ReversalRequestAdmin
from banking.admin.scheduled_transfer import ScheduledTransferAdmin
from banking.admin.transaction import TransactionAdmin
from banking.admin.transfer import TransferAdmin
from banking.admin.webhook import WebhookAdmin, WebhookDeliveryAdmin

__all__ = [
    "AccountAdmin",
    "ConsentAdmin",
    "HoldAdmin",
    "PayeeAdmin",
    "ReversalRequestAdmin",
    "ScheduledTransferAdmin",
    "TransactionAdmin",
    "TransferAdmin",
    "WebhookAdmin",
    "WebhookDeliveryAdmin",
]
