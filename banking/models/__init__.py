"""The entities of the bank. The database itself guarantees the ledger's invariants (migration 0002). Of the bank, may
import only `notation`.
"""

from banking.models.access_count import AccessCount
from banking.models.account import Account, AccountAccess
from banking.models.account_act import AccountAct
from banking.models.account_application import AccountApplication
from banking.models.account_change import AccountChange
from banking.models.account_freeze import AccountFreeze
from banking.models.account_invitation import AccountInvitation
from banking.models.bank_day import BankDay, DayStep, TrialBalanceLine
from banking.models.consent import Consent
from banking.models.direct_debit_refund import DirectDebitRefund
from banking.models.exchange import Exchange, ExchangeQuote, ExchangeRate
from banking.models.idempotency import IdempotencyRecord
from banking.models.interest import AccountCharge, InterestAccrual
from banking.models.ledger import Hold, LedgerEntry, LedgerSeal, LedgerTransaction
from banking.models.ledger_audit import LedgerAudit
from banking.models.ledger_digest import LedgerDigest
from banking.models.mandate import Mandate
from banking.models.merchant import Category, Merchant
from banking.models.month_closing import MonthClosing
from banking.models.muted_notice import MutedNotice
from banking.models.payee import Payee
from banking.models.payment_limit import PaymentLimit
from banking.models.payment_sum import PaymentSum
from banking.models.product import Product
from banking.models.record_digest import RecordDigest
from banking.models.reversal_request import ReversalRequest
from banking.models.role import Role
from banking.models.sandbox_customer import SandboxCustomer
from banking.models.scheduled_transfer import ScheduledTransfer
from banking.models.scheme_message import SchemeMessage
from banking.models.second_bank import SecondBankMessage, SecondBankPayment
from banking.models.settlement import SettlementDifference, SettlementFile, SettlementMatch
from banking.models.statement_file import StatementFile
from banking.models.transaction_note import TransactionNote
from banking.models.transaction_question import TransactionQuestion
from banking.models.transfer import Transfer
from banking.models.webhook import Event, Webhook, WebhookDelivery

__all__ = [
    "AccessCount",
    "Account",
    "AccountAccess",
    "AccountAct",
    "AccountApplication",
    "AccountChange",
    "AccountCharge",
    "AccountFreeze",
    "AccountInvitation",
    "BankDay",
    "Category",
    "Consent",
    "DayStep",
    "DirectDebitRefund",
    "Event",
    "Exchange",
    "ExchangeQuote",
    "ExchangeRate",
    "Hold",
    "IdempotencyRecord",
    "InterestAccrual",
    "LedgerAudit",
    "LedgerDigest",
    "LedgerEntry",
    "LedgerSeal",
    "LedgerTransaction",
    "Mandate",
    "Merchant",
    "MonthClosing",
    "MutedNotice",
    "Payee",
    "PaymentLimit",
    "PaymentSum",
    "Product",
    "RecordDigest",
    "ReversalRequest",
    "Role",
    "SandboxCustomer",
    "ScheduledTransfer",
    "SchemeMessage",
    "SecondBankMessage",
    "SecondBankPayment",
    "SettlementDifference",
    "SettlementFile",
    "SettlementMatch",
    "StatementFile",
    "TransactionNote",
    "TransactionQuestion",
    "Transfer",
    "TrialBalanceLine",
    "Webhook",
    "WebhookDelivery",
]
