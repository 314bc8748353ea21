"""Exchange rates: an officer adds one, and another approves it. Nobody can change a rate."""

from datetime import datetime
from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from banking import exchanges, ledger, oversight
from banking.admin.acts import Act, Text, WithActs
from banking.admin.read_only import ReadOnly
from banking.ledger.refusals import Refusal
from banking.models import Exchange, ExchangeRate
from oauth.infrastructure.generic import ModelForm

_ASKED = ("base", "counter", "mid", "spread_percent", "valid_from", "reason")


def _is_open(rate: ExchangeRate) -> bool:
    return rate.status == ExchangeRate.Status.OPEN


class NewRateForm(ModelForm[ExchangeRate]):
    asked_by: oversight.Officer

    class Meta:
        model = ExchangeRate
        fields = _ASKED

    def clean_base(self) -> str:
        return self._currency("base")

    def clean_counter(self) -> str:
        return self._currency("counter")

    def clean_valid_from(self) -> datetime:
        valid_from: datetime = self.cleaned_data["valid_from"]
        if exchanges.is_outdated(valid_from, at=timezone.now()):
            raise forms.ValidationError(_("This rate is too old: the bank would not exchange at it."))
        return valid_from

    def clean(self) -> dict[str, Any]:
        given: dict[str, Any] = super().clean() or self.cleaned_data
        if not self.errors:
            try:
                oversight.refuse_own_currencies(self.asked_by, given["base"], given["counter"])
            except Refusal as refusal:
                raise forms.ValidationError(refusal.detail) from refusal
        return given

    def _currency(self, name: str) -> str:
        return str(self.cleaned_data[name]).upper()


@admin.register(ExchangeRate)
class ExchangeRateAdmin(WithActs, ReadOnly):
    form = NewRateForm
    list_display = ("base", "counter", "mid", "spread_percent", "valid_from", "status", "requested_by", "decided_by")
    list_filter = ("status",)
    list_select_related = ("requested_by", "decided_by")
    found_by_user = ("requested_by_id", "decided_by_id")
    acts = (
        Act(
            name="approve",
            label=_("Approve"),
            explanation=_("The rate applies from its start time on. The officer who asked cannot approve."),
            done=_("The rate is approved."),
            permission="banking.approve_exchangerate",
            do=lambda rate, by, reason: oversight.approve_rate(rate.pk, by=by, reason=reason),
            suits=_is_open,
            reason="optional",
        ),
        Act(
            name="decline",
            label=_("Decline"),
            explanation=_("Nothing changes."),
            done=_("The request is declined."),
            permission="banking.approve_exchangerate",
            do=lambda rate, by, reason: oversight.decline_rate(rate.pk, by=by, reason=reason),
            suits=_is_open,
        ),
    )

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("banking.request_exchangerate")

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        form: Any = super().get_form(request, obj, change, **kwargs)
        form.asked_by = oversight.Officer(request.user)  # Django creates a new form class for each request
        return form

    def get_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        if obj is None:
            return _ASKED
        return ("id", *_ASKED, "requested_by", "requested_at", "status", "decided_by", "decided_at", "decision_reason")

    def save_model(self, request: HttpRequest, obj: ExchangeRate, form: Any, change: bool) -> None:
        by = oversight.Officer(request.user, request.META.get("REMOTE_ADDR") or None)
        asked = {name: getattr(obj, name) for name in _ASKED}
        saved = ledger.in_transaction(lambda: oversight.request_rate(by=by, **asked))
        obj.pk, obj._state.adding = saved.pk, False

    def facts(self, one: Any) -> list[tuple[Text, Text]]:
        return [
            (_("Rate"), str(one)),
            (_("Spread"), f"{one.spread_percent} %"),
            (_("Valid from"), one.valid_from.isoformat(timespec="minutes")),
            (_("Asked by"), str(one.requested_by or "")),
            (_("Reason"), one.reason),
        ]


@admin.register(Exchange)
class ExchangeAdmin(ReadOnly):
    list_display = ("quote", "user", "created_at")
    list_select_related = ("user", "quote")
    fields = ("id", "user", "client_id", "quote", "rate", "source", "destination", "sold", "bought", "created_at")
    readonly_fields = ("rate", "source", "destination")
    found_by_id = ("id", "quote_id", "sold_id", "bought_id")
    found_by_account = ("quote__source_id", "quote__destination_id")
    found_by_user = ("user_id",)

    @admin.display(description=_("rate"))
    def rate(self, one: Exchange) -> str:
        return f"{one.quote.rate.normalize():f}"

    @admin.display(description=_("source"))
    def source(self, one: Exchange) -> str:
        return str(one.quote.source)

    @admin.display(description=_("destination"))
    def destination(self, one: Exchange) -> str:
        return str(one.quote.destination)
