"""The forms for a new payment order, and for changes of an existing one."""

from datetime import timedelta
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from banking.models import ScheduledTransfer
from banking.models.ledger import MAX_AMOUNT_MINOR
from banking.models.schedule import MAX_INTERVAL
from banking.notation import amounts, bank_day
from banking.orders.asked_days import find_wrong, may_begin_on
from banking.web.forms import AmountField, TransferForm, clean_text, initial_of, minor_of

_DAY = {"type": "date"}
_MUST = {
    "first_on": _("Choose today or a day within the next two years."),
    "last_on": _("The last day must not be before the first."),
}


def _day_field(**kwargs: Any) -> forms.DateField:
    return forms.DateField(widget=forms.DateInput(_DAY, "%Y-%m-%d"), **kwargs)


def _rule_field() -> forms.ChoiceField:
    rules = ScheduledTransfer.ExecutionRule.choices
    return forms.ChoiceField(label=_("If a day is not a business day, pay"), choices=rules)


class OrderForm(TransferForm):
    """The form for a transfer, with the days of the order."""

    frequency = forms.ChoiceField(label=_("How often"), choices=ScheduledTransfer.Frequency.choices)
    interval = forms.IntegerField(
        label=_("Interval, as a number of days, weeks or months"),
        min_value=1,
        max_value=MAX_INTERVAL,
        initial=1,
        required=False,
        widget=forms.NumberInput({"inputmode": "numeric"}),
    )
    first_on = _day_field(label=_("First day"))
    last_on = _day_field(label=_("Last day"), required=False, help_text=_("Leave it empty for no end."))
    execution_rule = _rule_field()

    #: The fields that apply only to repeated payments.
    only_repeated = ("interval", "last_on")

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.fields["first_on"].initial = bank_day.today() + timedelta(days=1)

    def clean(self) -> dict[str, Any]:
        given = super().clean()
        if given.get("frequency") == ScheduledTransfer.Frequency.ONCE:
            # For a single payment, the page hides the fields that apply only to repeated payments. Their values are
            # ignored.
            given["interval"], given["last_on"] = 1, None
            self.errors.pop("interval", None)
            self.errors.pop("last_on", None)
        given["interval"] = given.get("interval") or 1
        if given.get("frequency") and given.get("first_on"):
            wrong: str | None = find_wrong(
                frequency=given["frequency"],
                first_on=given["first_on"],
                last_on=given.get("last_on"),
                interval=given["interval"],
            )
            if not may_begin_on(given["first_on"]):
                wrong = "first_on"
            if wrong in _MUST:
                self.add_error(wrong, _MUST[wrong])
        return given

    @property
    def body(self) -> dict[str, Any]:
        """The order as an app would send it to the API, in a form that a session can store."""
        given = self.cleaned_data
        return {
            **super().body,
            "frequency": given["frequency"],
            "interval": given["interval"],
            "first_on": given["first_on"].isoformat(),
            "last_on": given["last_on"].isoformat() if given["last_on"] else None,
            "execution_rule": given["execution_rule"],
        }


def initial_of_order(body: dict[str, Any]) -> dict[str, Any]:
    """The form's initial values for this body."""
    return {**body, **initial_of(body)}


class OrderChangeForm(forms.Form):
    """The fields of an order that a user may change; see `orders.change`."""

    amount = AmountField(
        label=_("Amount"),
        localize=True,
        max_digits=15,
        error_messages={"min_value": _("The amount must be more than zero.")},
        widget=forms.TextInput({"inputmode": "decimal", "autocomplete": "off", "class": "amount"}),
    )
    reference = forms.CharField(label=_("Reference"), max_length=140)
    last_on = _day_field(label=_("Last day"), required=False, help_text=_("Leave it empty for no end."))
    execution_rule = _rule_field()

    def __init__(self, *args: Any, order: ScheduledTransfer, **kwargs: Any):
        now = {
            "amount": amounts.decimal(order.currency, order.amount_minor),
            "reference": order.reference,
            "last_on": order.last_on,
            "execution_rule": order.execution_rule,
        }
        initial = now | (kwargs.pop("initial", None) or {})
        super().__init__(*args, **{"label_suffix": "", "initial": initial, **kwargs})
        self._currency = order.currency
        if order.frequency == ScheduledTransfer.Frequency.ONCE:
            del self.fields["last_on"]
        # The values that the page shows, so that only those that the user changes are stored.
        for name in [*self.fields]:
            value = order.amount_minor if name == "amount" else now[name]
            self.fields[_shown(name)] = forms.CharField(
                required=False, initial=_as_text(value), widget=forms.HiddenInput, strip=False
            )

    def clean_amount(self) -> int:
        """In minor units."""
        minor = minor_of(self.cleaned_data["amount"], self._currency)
        if minor <= 0:
            raise forms.ValidationError(_("The amount must be more than zero."))
        if minor > MAX_AMOUNT_MINOR:
            raise forms.ValidationError(_("Enter a smaller amount."))
        return minor

    def clean_reference(self) -> str:
        return clean_text(self.cleaned_data["reference"])

    @property
    def changes(self) -> dict[str, Any]:
        """The values that differ from those that the page showed. The others may have changed since, for example in
        another tab or by an app, and stay as they are now.
        """
        return {"amount_minor" if name == "amount" else name: self.cleaned_data[name] for name in self._changed}

    def typed(self) -> dict[str, str]:
        """What the user has changed on the page, to be shown again after a login."""
        return {name: self.data.get(name, "") for name in self._changed}

    @property
    def _changed(self) -> list[str]:
        """A field whose shown value the page did not send counts as changed."""
        return [
            name for name in self.cleaned_data
            if _shown(name) in self.fields
            and (_shown(name) not in self.data or _as_text(self.cleaned_data[name]) != self.cleaned_data[_shown(name)])
        ]  # fmt: skip


def _shown(name: str) -> str:
    return f"shown-{name}"


def _as_text(value: Any) -> str:
    return "" if value is None else str(value)
