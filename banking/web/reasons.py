"""Texts for users: why another bank refused a payment or sent it back."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from banking.models import Transfer

_WORDS: dict[str, Promise] = {
    "account_unknown": _("There is no such account at the other bank."),
    "account_closed": _("The account at the other bank is closed."),
    "account_blocked": _("The account at the other bank cannot receive money at the moment."),
    "currency_mismatch": _("The account at the other bank has another currency."),
    "asked_by_payee": _("The payee asked for it."),
    "recalled": _("The payment was recalled."),
}
_OTHERWISE = _("The other bank gave no reason that we may show.")


def reason_in_words(transfer: Transfer) -> str:
    """The text; empty if the other bank neither refused the payment nor sent it back."""
    return str(_WORDS.get(transfer.status_reason, _OTHERWISE)) if transfer.reason_code else ""
