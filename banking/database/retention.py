"""The retention schedule of the bank: each model and how long its rows are kept. docs/retention.md shows it.

Books are kept for ten years at least (in Germany § 257 HGB, § 147 AO; in the EU records of payments for five, art. 40
of Directive 2015/849). Nothing deletes them: the site's role cannot.
"""

from banking.database.cleanup import ACCESS_KEPT, AUDITS_KEPT, DELIVERIES_KEPT, QUOTES_KEPT
from oauth.infrastructure.retention import Kept

_JOB = "banking.clean_up"
_BOOKS = "10 years at least"
_USER = "with its user"

SCHEDULE = {
    "LedgerTransaction": Kept(_BOOKS, "books"),
    "LedgerEntry": Kept(_BOOKS, "books"),
    "LedgerSeal": Kept(_BOOKS, "books"),
    "LedgerDigest": Kept(_BOOKS, "proves that the books are unchanged"),
    "RecordDigest": Kept(_BOOKS, "proves that what was decided or closed is unchanged"),
    "Hold": Kept(_BOOKS, "books: why money was not available"),
    "Transfer": Kept(_BOOKS, "payment records; its idempotency key is never used twice"),
    "SchemeMessage": Kept(_BOOKS, "books: what other banks told us; a message acts once"),
    "Mandate": Kept(_BOOKS, "books: who may collect; a cancelled mandate stays cancelled"),
    "DirectDebitRefund": Kept(_BOOKS, "books; a collection is refunded once"),
    "Exchange": Kept(_BOOKS, "payment records; its idempotency key is never used twice"),
    "ExchangeQuote": Kept(
        f"{QUOTES_KEPT.days} days; a used one {_BOOKS}", "what the bank offered, and at which rate", _JOB
    ),
    "ExchangeRate": Kept(_BOOKS, "at which rates the bank exchanged, and who set them"),
    "ScheduledTransfer": Kept(_BOOKS, "what the user ordered"),
    "MonthClosing": Kept(_BOOKS, "statements never change"),
    "BankDay": Kept(_BOOKS, "books"),
    "DayStep": Kept(_BOOKS, "how a day was closed"),
    "TrialBalanceLine": Kept(_BOOKS, "books"),
    "InterestAccrual": Kept(_BOOKS, "how interest was computed"),
    "AccountCharge": Kept(_BOOKS, "books"),
    "SettlementFile": Kept(_BOOKS, "books; a message is read once"),
    "SettlementMatch": Kept(_BOOKS, "books"),
    "SettlementDifference": Kept(_BOOKS, "books: what officers decided"),
    "ReversalRequest": Kept(_BOOKS, "what officers decided"),
    "AccountFreeze": Kept(_BOOKS, "what officers decided"),
    "Account": Kept(_BOOKS, "books"),
    "AccountAct": Kept(_BOOKS, "who changed an account's state or access"),
    "AccountChange": Kept(_BOOKS, "what officers decided"),
    "AccountApplication": Kept(_USER, "which account the user asked for, and why it was refused"),
    "AccountInvitation": Kept(_USER, "whom the user asked to share an account"),
    "AccountAccess": Kept(_USER, "who may use an account; AccountAct keeps the history"),
    "SandboxCustomer": Kept("forever", "play money stays apart from the books of real money"),
    "Merchant": Kept("until staff delete it", "names and categories of counterparties, as the bank wrote them"),
    "Product": Kept("forever", "the terms of accounts"),
    "IdempotencyRecord": Kept("7 days", "an answer is repeated; the transfer keeps its key", _JOB),
    "LedgerAudit": Kept(f"{AUDITS_KEPT.days} days", "findings; digests are also in LEDGER_DIGEST_FILE", _JOB),
    "AccessCount": Kept(f"{ACCESS_KEPT.days} days", "what apps read, for users who ask and for audits", _JOB),
    "WebhookDelivery": Kept(f"{DELIVERIES_KEPT.days} days", "support can deliver it again", _JOB),
    "Webhook": Kept(_USER, "where an app gets its messages"),
    "Payee": Kept(_USER, "whom the user pays, and when each payee was stored and removed"),
    "TransactionQuestion": Kept(_USER, "what the user asked about a transaction, and the answer"),
    "TransactionNote": Kept(_USER, "what the user wrote beside a transaction"),
    "StatementFile": Kept("7 days, as its file", "a statement that is too long for an answer", _JOB),
    "MutedNotice": Kept(_USER, "which emails the user does not want"),
    "PaymentLimit": Kept(_USER, "what the user allows"),
    "PaymentSum": Kept(
        "24 hours, and until its user's next sum is stored", "speeds up the daily sum of a user who pays often"
    ),
    "Consent": Kept(_USER, "what the user allowed an app"),
    "SecondBankPayment": Kept("forever", "the simulated other bank of the demo; empty in production"),
    "SecondBankMessage": Kept("forever", "the simulated other bank of the demo; empty in production"),
    "Consent_accounts": Kept("with its consent", "what the user allowed an app"),
}
