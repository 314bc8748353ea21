"""The changelog of the API: what client developers notice. `markdown` makes `docs/api-changelog.md` from it, the site
serves it at /api/changes, and its newest version is the version of the OpenAPI document.

A minor version adds operations, optional parameters and members of answers; a client ignores members that it does not
know. Changes that a client must act on are under `breaking`, or were announced by a deprecation (RFC 9745) with an end
date (RFC 8594).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

PATH = "/api/changes"


@dataclass(frozen=True, slots=True)
class Version:
    """`released` is None until the version is released."""

    number: str
    released: date | None
    added: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    deprecated: tuple[str, ...] = ()
    breaking: tuple[str, ...] = ()


CHANGES = (
    Version(
        "1.1.0",
        None,
        added=(
            "`GET /transactions` lists the transactions of all accounts of the token, oldest first. A transaction "
            "that is booked later comes after the cursor, exactly once.",
            "`GET /accounts/{account_id}/transactions` has `after_seq` for synchronization, and the filters "
            "`min_amount`, `max_amount`, `text` and `category`.",
            "Transactions have `account_id`, `bank_transaction_code` (ISO 20022), `end_to_end_id`, "
            "`scheduled_transfer_id`, `category` and `merchant`, `value_date`, `reverses` and `reversed_by`. The CSV "
            "of a statement has new columns at the end.",
            "`GET /transfers` has the filters `status`, `from`, `to`, `min_amount`, `max_amount` and `text`. "
            "Transfers have `updated_at`, `reversed_by` and `source_account_id`.",
            "`GET /scheduled-transfers` has the filters `status`, `min_amount`, `max_amount` and `text`; payees have "
            "`text`, and deliveries of webhooks `status`.",
            "`GET /party`, with the scope `party:read`: the user's name; with the scope `email`, also the email "
            "address.",
            "`GET /limits`: what the user may still pay.",
            "`GET /direct-debits`, with the filter `status`, and `GET /direct-debits/{direct_debit_id}`: who may "
            "collect money, with the scope `direct-debits:read`; `POST /direct-debits/{direct_debit_id}/cancel` with "
            "the scope `direct-debits:write`. Webhooks have the event `direct_debit.updated`.",
            "`GET /direct-debits/{direct_debit_id}/collections`: what was collected or refused, and until when a "
            "refund can be requested; `POST` to the `/refund` of a collection requests one.",
            "`POST /funds-confirmations`, with the scope `funds:confirm`: whether an amount is available.",
            "`POST /exchange-quotes` and `POST /exchanges`: currency exchange between the user's accounts at a quoted "
            "rate; `GET` reads both. Transactions and the CSV of a statement have `exchange_id`.",
            "`POST /transfer-rehearsals`.",
            "Payment orders: `interval`, `month_end`, `execution_rule`; `PATCH`, `/pause` and `/resume`. Only the user "
            "who set up an order can change or resume it; others who may pay from the account can pause or cancel it.",
            "A refused parameter of the URL is named in `errors`.",
            "The problem types `own_limit_exceeded`, `too_many_accounts`, `direct_debit_not_active`, "
            "`collection_already_refunded`, `refund_too_late`, `quote_expired`, `quote_used`, `rate_moved`, "
            "`no_exchange_rate`, `same_currency` and `scheduled_transfer_of_another_user`.",
        ),
        changed=(
            "A page with a filter may have fewer rows than `limit`, or none; continue as long as there is a "
            "`next_cursor`.",
            "With a filter other than a time, transactions older than 90 days are searched after a fresh login only.",
            "For 24 hours after the user accepted a joint account, payments and exchanges to it count against the "
            "limit for new payees (`limit_exceeded`).",
        ),
        deprecated=(
            "`POST /transfers?dry_run=true`: use `POST /transfer-rehearsals`.",
            "`source` of transfers and payment orders: read `source_account_id`.",
            "A `destination` without `scheme` in requests.",
        ),
        breaking=(
            "The `destination` of a transfer in a response always has `scheme`.",
            "`limits` of `GET /consent` is a list with one entry for each currency.",
            "New payees and new orders need a user who has just logged in.",
            "An IBAN must have the structure of its country.",
            "A statement of more than 10,000 transactions is answered with 202, `Location` and `Retry-After` until it "
            "is made. Repeat the request.",
            "`DELETE /consent` needs a token that was issued to the app itself, with all scopes.",
            "`available_after` of a transfer that is only tried is null, unless the token may read the account's "
            "balance (`balances:read`).",
        ),
    ),
    Version(
        "1.0.0",
        date(2026, 11, 26),
        added=(
            "Accounts, balances, transactions, statements, transfers with `Idempotency-Key`, scheduled transfers, "
            "payees and payee checks, webhooks, and consent.",
        ),
    ),
)
VERSION = CHANGES[0].number

_HEAD = """# Changelog of the API

What client developers notice in `/api/v1`. Its newest version is the `version` of the OpenAPI document (`/api/schema`).

A minor version adds operations, optional parameters and members of answers; ignore members that you do not know. What a
client must change is under “Breaking”, or was deprecated before. The answers of a deprecated operation have the header
`Deprecation` (RFC 9745) and, once its end is known, `Sunset` (RFC 8594). The document marks the operation `deprecated`.
"""


def markdown() -> str:
    return "\n".join([_HEAD, *(line for version in CHANGES for line in _lines(version))])


def _lines(version: Version) -> Iterator[str]:
    yield f"## {version.number} - {version.released or 'not released yet'}"
    for heading in ("breaking", "added", "changed", "deprecated"):
        if changes := getattr(version, heading):
            yield from ("", f"### {heading.capitalize()}", "", *(f"- {change}" for change in changes))
    yield ""
