"""Transactions with their entries. Two officers can reverse one; nobody can change it."""

from typing import Any

from django.contrib import admin
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import formats
from django.utils.html import format_html, format_html_join
from django.utils.safestring import mark_safe
from django.utils.translation import gettext_lazy as _

from banking import oversight
from banking.admin import search
from banking.admin.acts import Act, Text, WithActs
from banking.admin.read_only import NeverEdited, ReadOnly, WithAmount
from banking.models import LedgerEntry, LedgerTransaction, ReversalRequest
from banking.notation import amounts
from oauth.infrastructure.generic import TabularInline

#: A search for a user or an account finds the transactions of at most this many of the newest entries. The account's
#: page lists all of them.
MOST_OF_AN_ACCOUNT = 1000


def moved(transaction: LedgerTransaction) -> list[tuple[Text, Text]]:
    """The entries of the transaction, for the officer who is about to reverse it."""
    entries = transaction.entries.select_related("account__holder").order_by("amount_minor")
    sides = (
        (
            f"{entry.account.name} {entry.account.holder or ''}",
            f"{amounts.with_code(entry.currency, entry.amount_minor)} {entry.account.iban or ''}",
        )
        for entry in entries
    )
    date = formats.date_format(transaction.created_at, "DATETIME_FORMAT")
    return [(_("Transaction"), transaction.description), (_("Date"), date), *sides]


def _request(one: ReversalRequest) -> tuple[str, str, str]:
    """Describes a request: its URL, its state, and who made and decided it."""
    who = f"asked by {one.requested_by}" + (f", decided by {one.decided_by}" if one.decided_by else "")
    return reverse("admin:banking_reversalrequest_change", args=[one.pk]), one.get_status_display(), who


_ASKED = ReversalRequest.objects.filter(transaction=OuterRef("pk"), status=ReversalRequest.Status.OPEN)


def _may_be_reversed(transaction: Any) -> bool:
    """Whether the transaction is not reversed, reverses no other one, and has no open request."""
    return transaction.reverses_id is None and not hasattr(transaction, "reversed_by") and not transaction.is_asked


class EntryInline(WithAmount, NeverEdited, TabularInline[LedgerEntry, LedgerTransaction]):
    model = LedgerEntry
    extra = 0
    fields = ("account", "amount", "balance_after", "account_seq", "counterparty_name", "counterparty_iban")
    readonly_fields = ("amount", "balance_after")

    @admin.display(description=_("balance after"))
    def balance_after(self, entry: LedgerEntry) -> str:
        return amounts.with_code(entry.currency, entry.balance_after_minor)

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).select_related("account").order_by("account_id")


@admin.register(LedgerTransaction)
class TransactionAdmin(WithActs, ReadOnly):
    list_display = ("description", "kind", "amount", "created_at")
    search_help_text = _("The whole id of a transaction. An IBAN or email address finds the latest transactions.")
    fields = ("id", "kind", "description", "currency", "created_at", "reverses", "reversal", "requests")
    readonly_fields = ("reversal", "requests")
    list_select_related = ("reversed_by",)
    inlines = (EntryInline,)
    acts = (
        Act(
            name="request-reversal",
            label=_("Ask for a reversal"),
            explanation=_("Another officer must approve it. Then the money goes back in a new transaction."),
            done=_("The reversal waits for a second officer."),
            permission="banking.request_reversal",
            do=lambda transaction, by, reason: oversight.request_reversal(transaction.pk, by=by, reason=reason),
            suits=_may_be_reversed,
        ),
    )

    @admin.display(description=_("amount"))
    def amount(self, transaction: LedgerTransaction) -> str:
        """The sum of the amounts that were credited."""
        got = sum(entry.amount_minor for entry in transaction.entries.all() if entry.amount_minor > 0)
        return amounts.with_code(transaction.currency, got)

    @admin.display(description=_("reversed by"))
    def reversal(self, transaction: LedgerTransaction) -> str:
        reversal = getattr(transaction, "reversed_by", None)
        if reversal is None:
            return "-"
        url = reverse("admin:banking_ledgertransaction_change", args=[reversal.pk])
        return format_html('<a href="{}">{}</a>', url, reversal)

    @admin.display(description=_("requests for a reversal"))
    def requests(self, transaction: LedgerTransaction) -> str:
        """The requests with their state. An open one waits for a second officer."""
        asked = transaction.reversal_requests.select_related("requested_by", "decided_by").order_by("-id")
        lines = format_html_join(mark_safe("<br>"), '<a href="{}">{}</a> {}', (_request(one) for one in asked))
        return lines or "-"

    def facts(self, one: LedgerTransaction) -> list[tuple[Text, Text]]:
        return moved(one)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        found: QuerySet[Any] = super().get_queryset(request)
        asked: QuerySet[Any] = found.annotate(is_asked=Exists(_ASKED)).prefetch_related("entries")
        return asked

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        if not search_term:
            return queryset, False
        term = search.parse_term(search_term)
        if term.id:
            return queryset.filter(pk=term.id), False
        entries = LedgerEntry.objects.none()
        if term.account_id:
            entries = LedgerEntry.objects.filter(account_id=term.account_id).order_by("-account_seq")
        elif term.user_id:
            entries = LedgerEntry.objects.filter(account__access__user_id=term.user_id).order_by("-booked_at")
        latest = list(entries.values_list("transaction_id", flat=True)[:MOST_OF_AN_ACCOUNT])
        return queryset.filter(pk__in=latest), False
