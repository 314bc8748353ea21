"""Exchanges that the bank does not carry out. No money was moved."""

from banking.api.explanations.explanation import Explanation

_QUOTE = "POST /api/v1/exchange-quotes"
_EXCHANGE = "POST /api/v1/exchanges\nIdempotency-Key: 0b1c0a54-6f0e-4b69-9e0e-1f1d5b5a7c12"

EXPLANATIONS = {
    "quote_expired": Explanation(
        409,
        "The time is past the quote's `expires_at`, 30 seconds after it was made.",
        "Ask for a new quote with POST /exchange-quotes, show it to the user, and send its id with a new "
        "Idempotency-Key.",
        _EXCHANGE,
        "The quote has expired. Ask for a new one.",
        pointer="/quote_id",
    ),
    "quote_used": Explanation(
        409,
        "An exchange was made with this quote, under another Idempotency-Key.",
        "Read `exchange_id` of GET /exchange-quotes/{quote_id}. For another exchange, ask for another quote.",
        _EXCHANGE,
        "The quote has already been used. Ask for a new one.",
        pointer="/quote_id",
    ),
    "rate_moved": Explanation(
        409,
        "The bank has set another rate for the two currencies since it made the quote.",
        "Ask for a new quote, and show the user its rate and amounts before you send it.",
        _EXCHANGE,
        "The bank's rate has changed since the quote. Ask for a new one.",
        pointer="/quote_id",
    ),
    "no_exchange_rate": Explanation(
        422,
        "The bank has no rate for the currencies of these two accounts, or only an old one. Play money (XTS) is never "
        "exchanged.",
        "Choose accounts in other currencies, or ask again later.",
        _QUOTE,
        "We have no current rate for these two currencies.",
    ),
    "same_currency": Explanation(
        422,
        "Both accounts have the same currency.",
        "Make a transfer with POST /transfers.",
        _QUOTE,
        "Both accounts have the same currency. Make a transfer instead.",
        pointer="/destination_account_id",
    ),
}
