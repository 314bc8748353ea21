"""The bank in the admin. Nothing that concerns money can be edited: staff can view it, and change it only by `acts`,
which ask for a reason. Each act is a function of `banking.oversight`.

Built for millions of rows: lists find the next page without counting, and a search takes one complete value of an
indexed column.
"""

from banking.admin.access_count import AccessCountAdmin
from banking.admin.account import AccountAdmin
from banking.admin.account_application import AccountApplicationAdmin
from banking.admin.account_change import AccountChangeAdmin
from banking.admin.bank_day import AccountChargeAdmin, BankDayAdmin
from banking.admin.consent import ConsentAdmin
from banking.admin.direct_debit_refund import DirectDebitRefundAdmin
from banking.admin.exchange_rate import ExchangeAdmin, ExchangeRateAdmin
from banking.admin.hold import HoldAdmin
from banking.admin.mandate import MandateAdmin
from banking.admin.merchant import MerchantAdmin
from banking.admin.payee import PayeeAdmin
from banking.admin.product import ProductAdmin
from banking.admin.reversal_request import ReversalRequestAdmin
from banking.admin.scheduled_transfer import ScheduledTransferAdmin
from banking.admin.scheme_message import SchemeMessageAdmin
from banking.admin.settlement import SettlementDifferenceAdmin, SettlementFileAdmin
from banking.admin.transaction import TransactionAdmin
from banking.admin.transaction_question import TransactionQuestionAdmin
from banking.admin.transfer import TransferAdmin
from banking.admin.webhook import WebhookAdmin, WebhookDeliveryAdmin

__all__ = [
    "AccessCountAdmin",
    "AccountAdmin",
    "AccountApplicationAdmin",
    "AccountChangeAdmin",
    "AccountChargeAdmin",
    "BankDayAdmin",
    "ConsentAdmin",
    "DirectDebitRefundAdmin",
    "ExchangeAdmin",
    "ExchangeRateAdmin",
    "HoldAdmin",
    "MandateAdmin",
    "MerchantAdmin",
    "PayeeAdmin",
    "ProductAdmin",
    "ReversalRequestAdmin",
    "ScheduledTransferAdmin",
    "SchemeMessageAdmin",
    "SettlementDifferenceAdmin",
    "SettlementFileAdmin",
    "TransactionAdmin",
    "TransactionQuestionAdmin",
    "TransferAdmin",
    "WebhookAdmin",
    "WebhookDeliveryAdmin",
]
