"""Payments that the bank refuses. No money was moved. A retry with the same key gets the same refusal if the refusal is
final.
"""

from banking.api.explanations.explanation import Explanation

_PAY = "POST /api/v1/transfers\nIdempotency-Key: 0b1c0a54-6f0e-4b69-9e0e-1f1d5b5a7c11"

EXPLANATIONS = {
    "insufficient_funds": Explanation(
        422,
        "The amount is more than what is available: the booked balance without held amounts, plus the overdraft limit.",
        "Read `available` of GET /accounts/{account_id}/balances, and send a smaller amount or another account with a "
        "new Idempotency-Key. POST /transfer-rehearsals tells you in advance.",
        _PAY,
        "The account does not have enough money for this.",
        pointer="/amount/minor_units",
    ),
    "amount_out_of_range": Explanation(
        422,
        "The amount is zero, negative, or more than 10^15 minor units.",
        "Send an amount in minor units: 1234 is 12.34 in GBP, and 1234 yen in JPY.",
        _PAY,
        "The amount must be between 1 and 10^15 minor units.",
        pointer="/amount/minor_units",
    ),
    "balance_out_of_range": Explanation(
        422,
        "With this amount, the balance of one of the accounts would reach 2^53 minor units, beyond which JSON parsers "
        "do not keep a number exact.",
        "Send a smaller amount, or choose another destination.",
        _PAY,
        "An account cannot hold 2^53 minor units or more.",
        pointer="/amount/minor_units",
    ),
    "currency_mismatch": Explanation(
        422,
        "The amount, the source account and the destination must all have the same currency. A transfer does not "
        "convert money.",
        "Send the currency of the source account, and choose a destination in that currency. To move money between "
        "the user's accounts in two currencies, ask for a quote with POST /exchange-quotes; its amount may be in "
        "either currency.",
        _PAY,
        "Both accounts and the amount must have the same currency.",
        pointer="/amount/currency",
    ),
    "same_account": Explanation(
        422,
        "The destination is the account that the money comes from, by its id or its IBAN.",
        "Choose another destination.",
        _PAY,
        "Source and destination are the same account.",
        pointer="/destination",
    ),
    "payee_unreachable": Explanation(
        422,
        "The destination cannot be paid: the IBAN is not valid in its country, belongs to no open account at this "
        "bank, or the payee was removed.",
        "Compare the IBAN with the bill. POST /payee-checks says whether the name matches the account.",
        _PAY,
        "No payment can be made to this destination.",
        pointer="/destination",
    ),
    "limit_exceeded": Explanation(
        422,
        "The sum of payments to all new payees in 24 hours is limited, and this payment would exceed the limit. A "
        "joint account that the user accepted in the last 24 hours is a new payee, too.",
        "Send a smaller amount, or wait until the payee was stored for 24 hours. GET /consent shows "
        "`new_payee_minor_units`.",
        _PAY,
        "New payees together can get at most 50.00 GBP in 24 hours. To pay more, store the payee and wait that long."
        " A joint account is a new payee for that time after you accept it.",
        pointer="/amount/minor_units",
    ),
    "own_limit_exceeded": Explanation(
        422,
        "The user has set a limit for payments to others in 24 hours, and this one would exceed it.",
        "Read what is left with GET /limits. Only the user can change the limit, in the web bank.",
        _PAY,
        "You set a limit of 500.00 GBP in 24 hours for payments to others. 480.00 GBP of it is used.",
        pointer="/amount/minor_units",
    ),
    "account_not_open": Explanation(
        409,
        "The source or destination account is frozen or closed. A frozen account still receives money.",
        "Read `status` of the account. Only the bank can unfreeze it, so the user must contact the bank.",
        _PAY,
        "The account is frozen or closed.",
    ),
    "account_dormant": Explanation(
        409,
        "Nobody has paid from this account for a long time, so the bank pays nothing from it until a holder uses it.",
        "Tell the user to open the account in the web bank, log in again and choose “Use it again”. Then repeat the "
        "request. `dormant_since` of the account is null from then on.",
        _PAY,
        "Nobody has used this account for a long time. A holder must use it again in the web bank first.",
    ),
    "duplicate_transfer": Explanation(
        409,
        "The same transfer was made within the last minute with another Idempotency-Key. It may be a retry that lost "
        "its key.",
        "Read the transfer in `duplicate_of`. If the user does want to pay twice, repeat the request after a minute.",
        _PAY,
        "The same payment was ordered a moment ago.",
        members={"duplicate_of": "01a9b3a4-7a10-7d6b-8a55-0b6c1f9e3a10"},
    ),
    "transfer_not_cancellable": Explanation(
        409,
        "The transfer is no longer pending, or was handed to the other bank.",
        "Read its `status`. A posted transfer can only be paid back by its payee.",
        "POST /api/v1/transfers/01a9b3a4-7a10-7d6b-8a55-0b6c1f9e3a10/cancel",
        "The transfer is no longer pending: it was made, rejected, cancelled, or handed to the other bank.",
    ),
    "direct_debit_not_active": Explanation(
        409,
        "The direct debit was cancelled, or was for a single collection and has been collected.",
        "Read its `status`. Nothing is collected any more.",
        "POST /api/v1/direct-debits/01a9b3a4-6f1e-7c3a-9d55-2f1f8e0c1d22/cancel",
        "The direct debit is not active: it was cancelled, or was for a single collection that has been made.",
    ),
    "collection_already_refunded": Explanation(
        409,
        "The user or an app has already requested a refund of this collection. It is refunded once.",
        "Read `refund` of the collection. If the answer to your request was lost, this is your refund.",
        "POST /api/v1/direct-debits/01a9b3a4-6f1e-7c3a-9d55-2f1f8e0c1d22/collections/"
        "01a9b3a4-7a10-7d6b-8a55-0b6c1f9e3a11/refund",
        "A refund of this collection has already been requested.",
    ),
    "refund_too_late": Explanation(
        409,
        "A refund can be requested within eight weeks of a collection, or within thirteen months if the user never "
        "allowed the collection.",
        "Read `refundable_until` and `refundable_if_unauthorized_until` of the collection.",
        "POST /api/v1/direct-debits/01a9b3a4-6f1e-7c3a-9d55-2f1f8e0c1d22/collections/"
        "01a9b3a4-7a10-7d6b-8a55-0b6c1f9e3a11/refund",
        "It is too late: you can request a refund of a direct debit for eight weeks, or for thirteen months if you "
        "never allowed it.",
    ),
    "already_reversed": Explanation(
        409,
        "The bank has already reversed this transaction. A transaction is reversed once at most.",
        "Read `reversed_by` of the transaction.",
        "POST /api/v1/transfers/01a9b3a4-7a10-7d6b-8a55-0b6c1f9e3a10/cancel",
        "The transaction has already been reversed.",
    ),
}
