"""The forms for a transfer and for a payee."""

from collections import Counter
from collections.abc import Iterable
from decimal import Decimal
from typing import Any
from uuid import UUID

from django import forms
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from banking.ledger.refusals import (
    AccountNotOpen,
    AmountOutOfRange,
    CurrencyMismatch,
    InsufficientFunds,
    Refusal,
    SameAccount,
)
from banking.models import Account, Payee
from banking.notation import amounts, iban
from banking.notation.currencies import MOST_MINOR_DIGITS, minor_digits
from banking.payments.refusals import AccountDormant, LimitExceeded, OwnLimitExceeded, PayeeUnreachable
from banking.web.refusals import message_of
from oauth.infrastructure import display_names

SOMEONE_NEW = "new"
#: The field that a refusal is about. Any other refusal is about the whole form.
_ABOUT: dict[str, tuple[type[Refusal], ...]] = {
    "amount": (InsufficientFunds, AmountOutOfRange, LimitExceeded, OwnLimitExceeded),
    "source": (AccountNotOpen, AccountDormant),
    "to": (CurrencyMismatch, SameAccount, PayeeUnreachable),
}


def clean_iban(value: str) -> str:
    compact = iban.compact(value)
    if not iban.is_valid(compact):
        raise forms.ValidationError(_("This is not a valid IBAN. Compare it with the bill; a digit may be wrong."))
    return compact


def clean_account_number(value: str) -> str:
    """The IBAN for the user's input: an IBAN, or a sort code and account number of this bank."""
    domestic = iban.read_domestic(value)
    if domestic is None:
        return clean_iban(value)
    known = iban.from_domestic(*domestic)
    if known is None:
        raise forms.ValidationError(_("This sort code is another bank's. Enter the IBAN of the account instead."))
    return known


def clean_text(value: str) -> str:
    """Refuses characters that are invisible or change the direction of the text."""
    if not display_names.is_printable(value):
        raise forms.ValidationError(_("This contains an invisible character."))
    return value


def distinct_names(accounts: Iterable[Account]) -> dict[UUID, str]:
    """The names of the accounts, with the end of the number where several have the same name. The owner of a shared
    account names it, so one that is somebody else's may have the name of the user's own.
    """
    known = {account.pk: account for account in accounts}
    times = Counter(account.name for account in known.values())
    return {
        pk: account.name if times[account.name] == 1 else f"{account.name} {iban.ending(account.iban)}"
        for pk, account in known.items()
    }


def initial_of(body: dict[str, Any]) -> dict[str, Any]:
    """The form's initial values for this body."""
    amount, to = body["amount"], body["destination"]
    if "account_id" in to:
        chosen = {"to": f"account:{to['account_id']}"}
    elif "payee_id" in to:
        chosen = {"to": f"payee:{to['payee_id']}"}
    else:
        chosen = {"to": SOMEONE_NEW, "name": to["name"], "iban": iban.grouped(to["identifier"])}
    return {
        "amount": amounts.decimal(amount["currency"], amount["minor_units"]),
        "source": body["source_account_id"],
        "reference": body["reference"],
        **chosen,
    }


def minor_of(amount: Decimal, currency: str) -> int:
    """The amount in minor units. Raises ValidationError for a fraction of a minor unit."""
    minor = amount.scaleb(minor_digits(currency))
    if minor != int(minor):
        raise forms.ValidationError(_("This currency has no unit that small."))
    return int(minor)


class PayeeForm(forms.Form):
    name = forms.CharField(label=_("Name"), max_length=140)
    iban = forms.CharField(
        label=_("IBAN, or sort code and account number"),
        max_length=iban.MAX_WRITTEN_CHARACTERS,
        widget=forms.TextInput({"dir": "ltr", "spellcheck": "false"}),
    )

    def clean_name(self) -> str:
        return clean_text(self.cleaned_data["name"])

    def clean_iban(self) -> str:
        return clean_account_number(self.cleaned_data["iban"])


class AmountField(forms.DecimalField):
    """An amount in the notation of the page's language. Django would read “1.23.4” on a German page as 1234."""

    def to_python(self, value: Any) -> Decimal | None:  # type: ignore[override]  # an amount may be empty
        if value in self.empty_values:
            return None
        try:
            return amounts.parse(str(value))
        except ValueError:
            raise forms.ValidationError(
                _("Write the amount like this: %(example)s"), code="invalid", params={"example": amounts.example()}
            ) from None


def amount_to_move() -> AmountField:
    return AmountField(
        label=_("Amount"),
        localize=True,
        max_digits=15,
        decimal_places=MOST_MINOR_DIGITS,
        min_value=Decimal(1).scaleb(-MOST_MINOR_DIGITS),
        error_messages={"min_value": _("The amount must be more than zero.")},
        widget=forms.TextInput({"inputmode": "decimal", "autocomplete": "off", "class": "amount"}),
    )


class TransferForm(forms.Form):
    amount = amount_to_move()
    source = forms.ChoiceField(label=_("From"))
    to = forms.ChoiceField(label=_("To"), error_messages={"required": _("Choose whom to pay.")})
    name = forms.CharField(label=_("Name"), max_length=140, required=False, help_text=_("Only for someone new"))
    iban = forms.CharField(
        label=_("IBAN, or sort code and account number"),
        max_length=iban.MAX_WRITTEN_CHARACTERS,
        required=False,
        help_text=_("Only for someone new"),
        widget=forms.TextInput({"dir": "ltr", "spellcheck": "false", "autocomplete": "off"}),
    )
    reference = forms.CharField(label=_("Reference"), max_length=140)

    #: The fields that apply only to someone new.
    only_new = ("name", "iban")
    only_repeated: tuple[str, ...] = ()

    def __init__(self, *args: Any, sources: list[Account], own: list[Account], payees: list[Payee], **kwargs: Any):
        super().__init__(*args, **{"label_suffix": "", **kwargs})
        self._sources = {str(account.pk): account for account in sources}
        names = distinct_names([*sources, *own])
        self.fields["source"].choices = [  # type: ignore[attr-defined]  # a ChoiceField
            (pk, f"{names[one.pk]} · {amounts.with_symbol(one.currency, one.available_minor)}")
            for pk, one in self._sources.items()
        ]
        self.fields["to"].choices = [  # type: ignore[attr-defined]  # a ChoiceField
            ("", gettext("Choose…")),
            (gettext("Your accounts"), [(f"account:{one.pk}", f"{names[one.pk]} ({one.currency})") for one in own]),
            (gettext("Payees"), [(f"payee:{one.pk}", f"{one.name} · {iban.ending(one.iban)}") for one in payees]),
            (SOMEONE_NEW, gettext("Someone new")),
        ]

    def clean_name(self) -> str:
        return clean_text(self.cleaned_data["name"])

    def clean_reference(self) -> str:
        return clean_text(self.cleaned_data["reference"])

    def clean(self) -> dict[str, Any]:
        given: dict[str, Any] = super().clean() or {}
        source = self._sources.get(given.get("source", ""))
        if source and given.get("to") == f"account:{source.pk}":
            self.add_error("to", _("Choose an account other than the one that pays."))
        if source and given.get("amount"):
            try:
                given["amount_minor"], given["currency"] = minor_of(given["amount"], source.currency), source.currency
            except forms.ValidationError as error:
                self.add_error("amount", error)
        if given.get("to") == SOMEONE_NEW:
            if not given.get("name"):
                self.add_error("name", _("Enter the name of the payee."))
            try:
                given["iban"] = clean_account_number(given.get("iban", ""))
            except forms.ValidationError as error:
                self.add_error("iban", error)
        return given

    @property
    def body(self) -> dict[str, Any]:
        """The transfer as an app would send it to the API, in a form that a session can store."""
        given = self.cleaned_data
        return {
            "source_account_id": given["source"],
            "destination": self._destination(),
            "amount": {"currency": given["currency"], "minor_units": given["amount_minor"]},
            "reference": given["reference"],
        }

    def refuse(self, refusal: Refusal) -> None:
        """Shows the bank's refusal at the field that it is about."""
        field = next((name for name, kinds in _ABOUT.items() if isinstance(refusal, kinds)), None)
        self.add_error(field, message_of(refusal))
        source = self._sources.get(str(self.cleaned_data.get("source", "")))
        if source and isinstance(refusal, InsufficientFunds):
            available = amounts.with_symbol(source.currency, source.available_minor)
            self.add_error(field, gettext("%(amount)s is available.") % {"amount": available})

    def _destination(self) -> dict[str, str]:
        kind, _colon, value = self.cleaned_data["to"].partition(":")
        if kind == SOMEONE_NEW:
            return {"scheme": "iban", "identifier": self.cleaned_data["iban"], "name": self.cleaned_data["name"]}
        return {"account_id": value} if kind == "account" else {"payee_id": value}
