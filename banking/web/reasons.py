"""Texts for users: why a payment was refused, sent back, or is not handed over yet."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from banking.ledger.refusals import AccountNotOpen
from banking.models import ScheduledTransfer, Transfer

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
    """The reason of the other bank or, for a payment of an order that was not made and for one that waits because the
    account is frozen, of this bank; empty if there is none.
    """
    if transfer.reason_code:
        return str(_WORDS.get(transfer.status_reason, _OTHERWISE))
    if transfer.status_reason == AccountNotOpen.code and _was_last_of_ended(transfer):
        assert transfer.scheduled
        return str(transfer.scheduled.get_end_reason_display())
    if transfer.status == Transfer.Status.REJECTED or transfer.status_reason == AccountNotOpen.code:
        return ScheduledTransfer(refusal=transfer.status_reason).refusal_in_words
    return ""


def _was_last_of_ended(transfer: Transfer) -> bool:
    """Whether the bank ended the order instead of making this payment."""
    order = transfer.scheduled
    is_ended = order is not None and bool(order.end_reason)
    return is_ended and not Transfer.objects.filter(scheduled=order, due_on__gt=transfer.due_on).exists()
