"""The responses of the API, as types. mypy checks the code against them, and the OpenAPI document is generated from
them.

The name of a class is the name of its schema, and its docstring the description. `Keywords` are further
keywords of JSON Schema. Every object is closed: it has these members and no others.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Generic, Literal, NotRequired, TypedDict, TypeVar
from uuid import UUID

from banking.accounts.months import Month
from banking.api.problem_types import PROBLEMS
from banking.models import Account as AccountRow
from banking.models import Category, Event, WebhookDelivery
from banking.models import DirectDebitRefund as DirectDebitRefundRow
from banking.models import Mandate as MandateRow
from banking.models import ScheduledTransfer as ScheduledTransferRow
from banking.models import Transfer as TransferRow
from banking.models.schedule import MAX_INTERVAL, ExecutionRule, Frequency
from banking.notation import bank_transaction_codes
from banking.notation.timestamps import Timestamp

R = TypeVar("R")


class Keywords:
    def __init__(self, **keywords: Any) -> None:
        self.keywords = keywords


class OneOf:
    """A union that is a separate schema. The member `told_by` is its discriminator (OpenAPI)."""

    def __init__(self, name: str, *, told_by: str) -> None:
        self.name, self.told_by = name, told_by


CURRENCY_PATTERN = "^[A-Z]{3}$"
DAY_PATTERN = "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"
Int64 = Annotated[int, Keywords(format="int64")]
Currency = Annotated[str, Keywords(pattern=CURRENCY_PATTERN, description="ISO 4217", examples=["GBP"])]
Day = Annotated[str, Keywords(format="date", pattern=DAY_PATTERN)]
MonthId = Annotated[str, Keywords(pattern=f"^{Month.PATTERN}$", examples=["2026-10"])]


class PageOf(TypedDict, Generic[R]):
    data: list[R]
    next_cursor: Annotated[str, Keywords(description="Send it as `cursor` to go on.")] | None


class Money(TypedDict):
    currency: Currency
    minor_units: Annotated[Int64, Keywords(description="1234 is 12.34 in GBP")]


class AccountIdentifier(TypedDict):
    scheme: Literal["iban"]
    value: str | None


class Account(TypedDict):
    id: UUID
    type: Literal[AccountRow.Type.CURRENT, AccountRow.Type.SAVINGS]
    currency: Currency
    name: str
    status: AccountRow.Status
    identifiers: Annotated[
        list[AccountIdentifier],
        Keywords(description="Partly hidden without the scope accounts:detail."),
    ]
    opened_at: Timestamp
    dormant_since: (
        Annotated[
            Timestamp,
            Keywords(description="Since when the account is dormant: it pays nothing until a holder uses it again."),
        ]
        | None
    )


class Balances(TypedDict):
    account_id: UUID
    booked: Money
    held: Money
    available: Money
    overdraft_limit: Money
    as_of: Timestamp
    last_seq: Annotated[
        Int64,
        Keywords(
            description="Number of the newest transaction. While this number is the same, so is the booked balance."
        ),
    ]


class Counterparty(TypedDict):
    name: str
    identifier_masked: str | None


class Merchant(TypedDict):
    """The counterparty as the bank knows it. The bank finds it by its IBAN, or by the text of a card payment or direct
    debit.
    """

    name: str
    category_code: Annotated[str, Keywords(pattern="^[0-9]{4}$", description="ISO 18245", examples=["5411"])] | None


class StatementTransaction(TypedDict):
    """The members of a transaction that never change."""

    id: UUID
    account_seq: Annotated[Int64, Keywords(minimum=1, description="Strictly increasing, without gaps.")] | None
    status: Literal["booked", "pending"]
    kind: str
    bank_transaction_code: Annotated[
        str,
        Keywords(
            pattern=bank_transaction_codes.PATTERN,
            description="ISO 20022: domain, family and sub-family.",
            examples=["PMNT-ICDT-DMCT"],
        ),
    ]
    direction: Literal["in", "out"]
    amount: Money
    balance_after: Money | None
    description: str
    counterparty: Counterparty
    end_to_end_id: Annotated[str, Keywords(description="Identifier that the payer gave the payment.")] | None
    transfer_id: UUID | None
    exchange_id: Annotated[UUID, Keywords(description="The exchange of which this transaction is one half.")] | None
    scheduled_transfer_id: (
        Annotated[UUID, Keywords(description="The payment order that made this payment. Only for outgoing money.")]
        | None
    )
    reverses: Annotated[UUID, Keywords(description="The transaction that this one reverses.")] | None
    booked_at: Timestamp | None
    value_date: Day | None


class Transaction(StatementTransaction):
    account_id: UUID
    reversed_by: Annotated[UUID, Keywords(description="The transaction that reversed this one.")] | None
    category: Annotated[Category, Keywords(description="The category of the merchant.")] | None
    merchant: Merchant | None


class TransactionFeed(TypedDict):
    """The transactions of each account are in the order of account_seq, without gaps."""

    data: list[Transaction]
    next_cursor: Annotated[
        str, Keywords(description="Store this value. Send it as `cursor`, now or later, to continue from here.")
    ]
    has_more: bool


Period = TypedDict("Period", {"from": Timestamp, "to": Timestamp})


class StatementSummary(Period):
    id: MonthId


class StatementHead(Period):
    id: MonthId
    account_id: UUID
    opening_balance: Money
    closing_balance: Money


class Statement(StatementHead):
    transactions: list[StatementTransaction]


Rate = Annotated[
    str,
    Keywords(
        pattern=r"^[0-9]+(\.[0-9]{1,12})?$",
        description="A decimal number: units of the bought currency for one unit of the sold currency.",
        examples=["1.1641"],
    ),
]


class ExchangeQuote(TypedDict):
    """An offer of the bank to one user, for one exchange."""

    id: UUID
    source_account_id: UUID
    destination_account_id: UUID
    sell: Money
    buy: Money
    rate: Rate
    mid_rate: Rate
    spread_percent: Annotated[
        str,
        Keywords(
            pattern=r"^[0-9]+(\.[0-9]{1,4})?$",
            description="How much less than the mid rate the customer gets.",
            examples=["0.5"],
        ),
    ]
    created_at: Timestamp
    expires_at: Timestamp
    exchange_id: Annotated[UUID, Keywords(description="The exchange that used it.")] | None


class Exchange(TypedDict):
    """Two transactions that were booked together. They are never reversed."""

    id: UUID
    quote_id: UUID
    source_account_id: UUID
    destination_account_id: UUID
    sell: Money
    buy: Money
    rate: Rate
    transaction_ids: Annotated[
        list[UUID],
        Keywords(description="The transaction of the source account, then that of the destination account."),
    ]
    created_at: Timestamp


class FundsConfirmation(TypedDict):
    account_id: UUID
    amount: Money
    is_available: bool
    confirmed_at: Timestamp


class Refund(TypedDict):
    """The refund of a collection: `pending` until the creditor's bank has answered, then `refunded` or `refused`."""

    status: Literal["pending", "refunded", "refused"]
    reason: DirectDebitRefundRow.Reason
    transaction_id: Annotated[UUID, Keywords(description="What was credited.")] | None
    asked_at: Timestamp


class DirectDebitCollection(TypedDict):
    """What a creditor collected, or tried to collect."""

    id: UUID
    account_id: UUID
    status: Literal["collected", "refused"]
    status_reason: Annotated[str, Keywords(description="Why we refused it, such as insufficient_funds.")] | None
    status_reason_code: Annotated[str, Keywords(description="The reason as a code of ISO 20022, such as AM04.")] | None
    transaction_id: UUID | None
    amount: Money
    reference: str
    received_at: Timestamp
    refundable_until: Annotated[Day, Keywords(description="The last day for a refund without a reason.")] | None
    refundable_if_unauthorized_until: (
        Annotated[Day, Keywords(description="The last day for a refund of a direct debit that the user never allowed.")]
        | None
    )
    refund: Refund | None


class DirectDebit(TypedDict):
    """Somebody who may collect money from an account."""

    id: UUID
    account_id: UUID
    creditor: Counterparty
    creditor_id: str
    reference: Annotated[
        str, Keywords(description="Reference of the mandate. Together with creditor_id, it identifies the mandate.")
    ]
    sequence: MandateRow.Sequence
    status: MandateRow.Status
    last_collected: Money | None
    last_collected_at: Timestamp | None
    created_at: Timestamp
    cancelled_at: Timestamp | None


class ConsentClient(TypedDict):
    id: str
    name: str


class ConsentLimits(TypedDict):
    currency: Currency
    fresh_log_in_from_minor_units: Int64
    new_payee_minor_units: Int64


class Limits(TypedDict):
    currency: Currency
    fresh_log_in_from: Annotated[
        Money,
        Keywords(description="A payment with which `ordered` reaches this sum needs a user who has just logged in."),
    ]
    ordered: Annotated[
        Money, Keywords(description="Everything that the user ordered, including transfers between their own accounts.")
    ]
    own_limit: Annotated[Money, Keywords(description="The maximum that the user wants to pay to others.")] | None
    paid_to_others: Annotated[Money, Keywords(description="What counts against own_limit.")]
    new_payees_limit: Annotated[Money, Keywords(description="The limit for the sum of payments to all new payees.")]
    new_payee_hours: Annotated[int, Keywords(format="int32", description="How long a payee is new.")]


class LimitList(TypedDict):
    data: list[Limits]


class Party(TypedDict):
    """The user of the token."""

    name: str
    email: Annotated[str, Keywords(format="email", description="With the scope email.")] | None


class Consent(TypedDict):
    client: ConsentClient
    scopes: list[str]
    authorization_details: Annotated[list[Mapping[str, Any]], Keywords(description="RFC 9396")]
    accounts: list[UUID]
    limits: list[ConsentLimits]
    granted_at: Timestamp | None
    expires_at: Timestamp | None
    confirm_by: (
        Annotated[
            Timestamp,
            Keywords(
                description="The user must renew the consent by this time. The event `consent.confirm_due` is sent "
                "before."
            ),
        ]
        | None
    )


class Payee(TypedDict):
    id: UUID
    name: str
    scheme: Literal["iban"]
    identifier_masked: str
    created_at: Timestamp


class PayeeCheck(TypedDict):
    result: Literal["match", "close_match", "no_match", "not_available"]
    name: Annotated[str, Keywords(description="With close_match: the name as the bank knows it.")] | None


class SourceAccount(TypedDict):
    account_id: UUID


class AccountDestination(TypedDict):
    """One of the user's own accounts."""

    scheme: Literal["account"]
    account_id: UUID


class PayeeDestination(TypedDict):
    """A payee of GET /payees."""

    scheme: Literal["payee"]
    payee_id: UUID


class MaskedIBANDestination(TypedDict):
    """Somebody else's account. Its number is partly hidden."""

    scheme: Literal["iban"]
    identifier_masked: str
    name: str | None


TransferDestination = Annotated[
    AccountDestination | MaskedIBANDestination, OneOf("TransferDestination", told_by="scheme")
]
_Source = Annotated[SourceAccount, Keywords(deprecated=True, description="Read source_account_id.")]


class Rehearsal(TypedDict):
    """The transfer as it would be. Nothing was stored."""

    status: TransferRow.Status
    amount: Money
    source_account_id: UUID
    source: _Source
    destination: TransferDestination
    reference: str
    available_after: (
        Annotated[
            Money,
            Keywords(description="What would be available then. Null without the scope balances:read for the account."),
        ]
        | None
    )


class Transfer(TypedDict):
    id: UUID
    status: TransferRow.Status
    status_reason: str | None
    status_reason_code: (
        Annotated[
            str,
            Keywords(description="The ISO 20022 code of the other bank's refusal or return, such as AC04."),
        ]
        | None
    )
    amount: Money
    source_account_id: UUID
    source: _Source
    destination: TransferDestination
    reference: str
    end_to_end_id: str | None
    scheduled_transfer_id: UUID | None
    created_at: Timestamp
    updated_at: Annotated[
        Timestamp, Keywords(description="When status, status_reason or reversed_by of the transfer changed last.")
    ]
    settled_at: Timestamp | None
    transaction_ids: list[UUID]
    reversed_by: (
        Annotated[
            UUID,
            Keywords(
                description=(
                    "The transaction that gave the money back. Its kind is `return` if another bank sent the money "
                    "back."
                )
            ),
        ]
        | None
    )


class ScheduledTransfer(TypedDict):
    id: UUID
    status: ScheduledTransferRow.Status
    held_reason: ScheduledTransferRow.HeldReason | None
    end_reason: Annotated[ScheduledTransferRow.EndReason, Keywords(description="Why the bank cancelled it.")] | None
    frequency: Frequency
    interval: Annotated[
        int,
        Keywords(
            format="int32", minimum=1, maximum=MAX_INTERVAL, description="Interval: a number of days, weeks or months."
        ),
    ]
    first_on: Day
    last_on: Day | None
    next_on: (
        Annotated[
            str,
            Keywords(
                format="date", pattern=DAY_PATTERN, description="The day of the next payment, moved by execution_rule."
            ),
        ]
        | None
    )
    execution_rule: Annotated[
        ExecutionRule, Keywords(description="When the order pays if its day is on a weekend or a bank holiday.")
    ]
    refusal: (
        Annotated[str, Keywords(description="Why today's payment failed, as a code. The payment is tried again.")]
        | None
    )
    retry_at: Timestamp | None
    amount: Money
    source_account_id: UUID
    source: _Source
    destination: TransferDestination
    reference: str
    created_at: Timestamp


class Webhook(TypedDict):
    id: UUID
    url: str
    events: list[str]
    created_at: Timestamp


class Delivery(TypedDict):
    id: UUID
    event: Event
    status: WebhookDelivery.Status
    attempts: int
    last_answer: str | None
    created_at: Timestamp
    delivered_at: Timestamp | None


class ProblemPointer(TypedDict):
    pointer: Annotated[
        str, Keywords(description="JSON Pointer (RFC 6901) to the member in the body or the parameter in the URL.")
    ]
    code: str
    detail: str


class Problem(TypedDict):
    """RFC 9457. Programs read `code`. `type` is the URL of a page that explains the problem."""

    type: Annotated[str, Keywords(format="uri")]
    title: str
    status: int
    detail: str
    instance: Annotated[str, Keywords(description="The id of the request, as in X-Request-Id.")]
    code: Annotated[str, Keywords(enum=sorted(PROBLEMS))]
    duplicate_of: NotRequired[UUID]
    errors: NotRequired[list[ProblemPointer]]
