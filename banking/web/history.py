"""The history on an account's page: the search, the period, and a line chart of the balance."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import groupby
from typing import Any
from uuid import UUID

from django import forms
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.functions import TruncDate
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from banking.accounts.merchants import of_category
from banking.accounts.spans import with_times
from banking.models import Account, Category, LedgerEntry, TransactionNote
from banking.notation import bank_day
from banking.notation.currencies import minor_digits
from banking.web.forms import AmountField

LINE_DAYS = 90
_WIDTH, _HEIGHT = 600, 120


def _amount_input() -> forms.TextInput:
    return forms.TextInput({"inputmode": "decimal", "autocomplete": "off"})


class Search(forms.Form):
    """The search form, sent by GET. An invalid search finds nothing, and the page shows the reason."""

    q = forms.CharField(label=_("Search"), max_length=100, required=False, widget=forms.TextInput({"type": "search"}))
    since = forms.DateField(
        label=pgettext_lazy("day", "From"), required=False, widget=forms.DateInput({"type": "date"}, "%Y-%m-%d")
    )
    until = forms.DateField(
        label=pgettext_lazy("day", "To"), required=False, widget=forms.DateInput({"type": "date"}, "%Y-%m-%d")
    )
    least = AmountField(label=_("Amount from"), localize=True, required=False, min_value=0, widget=_amount_input())
    most = AmountField(label=_("Amount to"), localize=True, required=False, min_value=0, widget=_amount_input())
    direction = forms.ChoiceField(
        label=_("Direction"), required=False, choices=[("", _("In and out")), ("in", _("In")), ("out", _("Out"))]
    )
    category = forms.ChoiceField(label=_("Category"), required=False, choices=[("", _("Any")), *Category.choices])

    @property
    def span(self) -> tuple[datetime | None, datetime | None]:
        """The search's period: since (inclusive) and until (exclusive). The search must be valid."""
        since, until = self.cleaned_data["since"], self.cleaned_data["until"]
        return (bank_day.begins_at(since) if since else None, bank_day.ends_at(until) if until else None)

    @property
    def is_by_content(self) -> bool:
        """Whether no index supports the search. The search must be valid."""
        given = self.cleaned_data
        return bool(given["q"] or given["category"]) or given["least"] is not None or given["most"] is not None

    def found(self, entries: QuerySet[LedgerEntry], account: Account, user_id: UUID) -> QuerySet[LedgerEntry]:
        """The `entries` of the account that match this valid search. Text is searched in the transaction and in the
        user's note about it.
        """
        given = self.cleaned_data
        if given["q"]:
            of_entry = TransactionNote.objects.filter(user_id=user_id, transaction_id=OuterRef("transaction_id"))
            words = Q(transaction__description__icontains=given["q"]) | Q(counterparty_name__icontains=given["q"])
            entries = entries.filter(words | Exists(of_entry.filter(text__icontains=given["q"])))
        entries = self._of_amount(entries, account.currency)
        if given["category"]:
            entries = of_category(entries, given["category"])
        since, until = self.span
        entries = with_times(entries, since=since, until=until)
        match given["direction"]:
            case "in":
                entries = entries.filter(amount_minor__gt=0)
            case "out":
                entries = entries.filter(amount_minor__lt=0)
        return entries

    def _of_amount(self, entries: QuerySet[LedgerEntry], currency: str) -> QuerySet[LedgerEntry]:
        """Filters by the amount without its sign."""
        digits = minor_digits(currency)
        least, most = self.cleaned_data["least"], self.cleaned_data["most"]
        if least is not None:
            minor = math.ceil(least.scaleb(digits))
            entries = entries.filter(Q(amount_minor__gte=minor) | Q(amount_minor__lte=-minor))
        if most is not None:
            minor = math.floor(most.scaleb(digits))
            entries = entries.filter(amount_minor__gte=-minor, amount_minor__lte=minor)
        return entries


def by_day(rows: list[dict[str, Any]]) -> list[tuple[date, list[dict[str, Any]]]]:
    days = groupby(rows, key=lambda row: bank_day.day_of(row["booked_at"]))
    return [(day, list(of_day)) for day, of_day in days]


@dataclass(frozen=True, slots=True)
class Line:
    """The balance at the end of each day as an SVG path, with the values for a description in words."""

    path: str
    area: str
    zero: int
    first: int
    last: int
    lowest: tuple[date, int]
    highest: tuple[date, int]
    first_day: date
    last_day: date
    #: The labels of the axis: at the top and at the bottom of the chart.
    top: int
    bottom: int
    width: int = _WIDTH
    height: int = _HEIGHT


def line(account: Account, alias: str) -> Line | None:
    """The line of the last 90 days; None if the balance did not change. Two queries."""
    today = bank_day.today()
    first_day = max(today - timedelta(days=LINE_DAYS), bank_day.day_of(account.opened_at))
    entries = LedgerEntry.objects.using(alias).filter(account_id=account.pk)
    moved = dict(
        entries.filter(booked_at__gte=bank_day.begins_at(first_day))
        .annotate(day=TruncDate("booked_at", tzinfo=bank_day.time_zone()))
        .order_by("day", "-account_seq")
        .distinct("day")
        .values_list("day", "balance_after_minor")
    )
    if not moved:
        return None
    earlier = entries.filter(booked_at__lt=bank_day.begins_at(first_day)).order_by("-booked_at", "-account_seq")
    opening = earlier.values_list("balance_after_minor", flat=True).first() or 0
    return _drawn(list(_every_day(first_day, today, opening, moved)))


def _every_day(first: date, last: date, balance: int, moved: dict[date, int]) -> Iterator[tuple[date, int]]:
    for number in range((last - first).days + 1):
        day = first + timedelta(days=number)
        balance = moved.get(day, balance)
        yield day, balance


def _drawn(days: list[tuple[date, int]]) -> Line:
    lowest, highest = (pick(days, key=lambda at: at[1]) for pick in (min, max))
    bottom, top = min(0, lowest[1]), max(highest[1], lowest[1] + 1, 1)

    def y(balance: int) -> int:
        return round((_HEIGHT - 8) * (top - balance) / (top - bottom)) + 4

    step = _WIDTH / max(1, len(days) - 1)
    points = " L".join(f"{round(n * step, 1)} {y(balance)}" for n, (_day, balance) in enumerate(days))
    area = f"M0 {y(0)} L{points} L{_WIDTH} {y(0)} Z"
    (first_day, first), (last_day, last) = days[0], days[-1]
    return Line(f"M{points}", area, y(0), first, last, lowest, highest, first_day, last_day, top, bottom)
