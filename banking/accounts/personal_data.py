"""What the bank stores about a user, for the setting PERSONAL_DATA: their accounts and who shares them, transactions,
what they ordered, payees and limits."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from banking.models import (
    AccessCount,
    Account,
    AccountAccess,
    AccountApplication,
    AccountInvitation,
    DirectDebitRefund,
    ExchangeQuote,
    LedgerEntry,
    Mandate,
    MutedNotice,
    Payee,
    PaymentLimit,
    ScheduledTransfer,
    StatementFile,
    TransactionNote,
    TransactionQuestion,
    Transfer,
)

Section = tuple[str, Iterable[Mapping[str, object]]]


def export(user: Any) -> Iterator[Section]:
    accounts = Account.objects.of_user(user.pk)
    yield (
        "accounts",
        accounts.values("id", "name", "iban", "currency", "status", "posted_minor", "held_minor", "opened_at"),
    )
    entries = LedgerEntry.objects.filter(account__in=accounts).order_by("account_id", "account_seq")
    yield "transactions", entries.values(
        "account_id", "account_seq", "booked_at", "value_date", "currency", "amount_minor", "balance_after_minor",
        "counterparty_name", "counterparty_iban", "transaction__description", "transaction__kind",
        "transaction__transfer__id", "transaction__transfer__end_to_end_id",
        "transaction__scheme_message__end_to_end_id", "transaction__reverses_id", "transaction__exchange_id",
    ).iterator()  # fmt: skip
    yield "account access", AccountAccess.objects.filter(user=user).values("account_id", "role")
    yield "transfers", Transfer.objects.filter(user=user).order_by("pk").values(
        "id", "source_id", "destination_id", "payee_name", "payee_iban", "currency", "amount_minor", "reference",
        "end_to_end_id", "status", "status_reason", "client_id", "scheduled_id", "created_at", "settled_at",
    ).iterator()  # fmt: skip
    yield "payment orders", ScheduledTransfer.objects.filter(user=user).order_by("pk").values(
        "id", "source_id", "destination_id", "payee_name", "payee_iban", "currency", "amount_minor", "reference",
        "frequency", "interval", "first_on", "last_on", "next_on", "execution_rule", "status", "held_reason",
        "end_reason", "client_id", "created_at",
    ).iterator()  # fmt: skip
    applications = AccountApplication.objects.filter(user=user).order_by("created_at")
    yield (
        "account applications",
        applications.values("product__name", "name", "created_at", "status", "decision_reason"),
    )
    invitations = AccountInvitation.objects.filter(invited_by=user).order_by("created_at")
    yield "account invitations", invitations.values("account_id", "email", "role", "created_at", "status")
    mandates = Mandate.objects.filter(account__in=accounts).order_by("created_at")
    yield "direct debits", mandates.values("account_id", "creditor_name", "creditor_iban", "reference", "status")
    counted = AccessCount.objects.filter(user=user).order_by("hour", "pk")
    yield (
        "access of apps",
        counted.values("hour", "client_id", "account_id", "kind", "count", "first_at", "last_at", "address").iterator(),
    )
    refunds = DirectDebitRefund.objects.filter(collection__account__in=accounts).order_by("asked_at")
    yield "refunds of direct debits", refunds.values("collection__account_id", "reason", "status", "asked_at")
    quotes = ExchangeQuote.objects.filter(user=user).order_by("created_at", "pk")
    yield (
        "currency exchange",
        quotes.values(
            "id",
            "source_id",
            "destination_id",
            "sell_currency",
            "sell_minor",
            "buy_currency",
            "buy_minor",
            "rate",
            "created_at",
            "expires_at",
            "exchange__id",
        ).iterator(),
    )
    yield "payees", Payee.objects.filter(user=user).values("name", "iban", "created_at", "removed_at")
    limits = PaymentLimit.objects.filter(user=user).order_by("currency")
    yield "payment limits", limits.values("currency", "amount_minor", "changed_at")
    muted = MutedNotice.objects.filter(user=user).order_by("topic")
    yield "emails turned off", muted.values("topic")
    files = StatementFile.objects.filter(user=user).order_by("pk")
    yield (
        "statement files",
        files.values("account_id", "client_id", "form", "begins_at", "ends_at", "asked_at", "made_at", "expires_at"),
    )
    notes = TransactionNote.objects.filter(user=user).order_by("pk")
    yield "transaction notes", notes.values("transaction_id", "text", "changed_at")
    questions = TransactionQuestion.objects.filter(user=user).order_by("pk")
    yield (
        "questions about transactions",
        questions.values("transaction_id", "kind", "text", "asked_at", "status", "answer", "answered_at"),
    )
