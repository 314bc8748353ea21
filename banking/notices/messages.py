"""The text of each kind of notice."""

import re
from dataclasses import dataclass

from django.utils.translation import gettext as _

from banking.consents.apps import find_apps
from banking.models import Exchange, Mandate, Payee, PaymentLimit, ScheduledTransfer, Transfer
from banking.notation import amounts, iban
from oauth.infrastructure import display_names

Facts = list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Message:
    subject: str
    what_happened: str
    facts: Facts


def new_payee(payee: Payee) -> Message:
    return Message(_("New payee"), _("A payee was added to your account."), _recipient(payee.name, payee.iban))


def large_payment(transfer: Transfer) -> Message:
    what = _("A large payment was made, or your payments of one day reached a large sum.")
    return Message(_("Large payment"), what, [*_amount(transfer), *_route(transfer), *_app(transfer)])


def large_exchange(exchange: Exchange) -> Message:
    what = _("A large amount was exchanged, or your payments of one day reached a large sum.")
    quote = exchange.quote
    facts = [
        (_("Sold"), amounts.with_code(quote.sell_currency, quote.sell_minor)),
        (_("Bought"), amounts.with_code(quote.buy_currency, quote.buy_minor)),
        (_("To"), quote.destination.name),
    ]
    return Message(_("Large exchange"), what, [*facts, *_app(exchange)])


def limit_raised(limit: PaymentLimit) -> Message:
    what = _("Your limit for payments to others was raised or removed.")
    amount = _("No limit") if limit.amount_minor is None else amounts.with_symbol(limit.currency, limit.amount_minor)
    return Message(_("Limit raised"), what, [(_("Limit"), f"{limit.currency}: {amount}")])


def new_order(order: ScheduledTransfer) -> Message:
    what = _("A payment order was set up.")
    facts = [(_("How often"), order.rhythm), *_amount(order), *_route(order), *_app(order)]
    return Message(_("New payment order"), what, facts)


def order_held(order: ScheduledTransfer) -> Message:
    if order.held_reason == ScheduledTransfer.HeldReason.STAFF:
        what = _("A payment order is on hold. It pays nothing until we release it. You can cancel it.")
    else:
        what = _("A payment order is on hold. It pays nothing until you resume it. You can also cancel it.")
    facts = [(_("Why"), str(order.get_held_reason_display())), *_amount(order), *_route(order), *_app(order)]
    return Message(_("Payment order on hold"), what, facts)


def order_not_paid(order: ScheduledTransfer) -> Message:
    what = _("A payment order could not be paid today. We try again several times until the end of the day.")
    facts = [(_("Why"), order.refusal_in_words), *_amount(order), *_route(order), *_app(order)]
    return Message(_("Payment order not paid yet"), what, facts)


def order_ended(order: ScheduledTransfer) -> Message:
    what = _("A payment order has ended. It pays nothing more.")
    why = str(order.get_end_reason_display()) or _(
        "The bank cancelled it, or somebody else who may pay from the account"
    )
    facts = [(_("Why"), why), *_amount(order), *_route(order), *_app(order)]
    return Message(_("Payment order ended"), what, facts)


def payment_not_made(transfer: Transfer) -> Message:
    if transfer.scheduled and transfer.scheduled.status == ScheduledTransfer.Status.COMPLETED:
        what = _("A payment of a payment order was not made. The order has ended, because it was the last one.")
    else:
        what = _("A payment of a payment order was not made. The order goes on with its next day.")
    why = ScheduledTransfer(refusal=transfer.status_reason).refusal_in_words
    facts = [(_("Why"), why), *_amount(transfer), *_route(transfer), *_app(transfer)]
    return Message(_("Payment not made"), what, facts)


def new_direct_debit(mandate: Mandate) -> Message:
    what = _("A direct debit was set up. You can cancel it at any time.")
    return Message(_("New direct debit"), what, _mandate(mandate))


def direct_debit_refused(mandate: Mandate) -> Message:
    what = _(
        "A direct debit was not paid: the account did not have enough money or may not pay at present, or the direct"
        " debit is not active."
    )
    return Message(_("Direct debit not paid"), what, _mandate(mandate))


def refunded(mandate: Mandate) -> Message:
    what = _("The money of a direct debit was paid back to your account, because you or somebody with access asked.")
    return Message(_("Direct debit refunded"), what, _mandate(mandate))


def refund_refused(mandate: Mandate) -> Message:
    what = _("The creditor's bank does not pay back a direct debit that you said you never allowed. Please contact us.")
    return Message(_("Direct debit not refunded"), what, _mandate(mandate))


def _mandate(mandate: Mandate) -> Facts:
    reference = harmless(mandate.reference)
    return [
        *_recipient(mandate.creditor_name, mandate.creditor_iban),
        *([(_("Reference"), reference)] if reference else []),
    ]


def _amount(payment: Transfer | ScheduledTransfer) -> Facts:
    return [(_("Amount"), amounts.with_symbol(payment.currency, payment.amount_minor))]


def _route(payment: Transfer | ScheduledTransfer) -> Facts:
    if payment.payee_iban:
        return _recipient(payment.payee_name, payment.payee_iban)
    return [(_("To"), payment.destination.name)] if payment.destination else []


def _recipient(name: str, identifier: str) -> Facts:
    shown = harmless(name)
    return [
        *([(_("To"), shown)] if shown else []),
        (_("Account number"), iban.masked(identifier) if identifier else ""),
    ]


def _app(payment: Transfer | ScheduledTransfer | Exchange) -> Facts:
    app = find_apps(payment.user_id, [payment.client_id]).get(payment.client_id)
    return [(_("App"), harmless(app.name))] if app else []


def harmless(name: str) -> str:
    """The name on one line, or an empty text if an email client could turn it into a link: apps and strangers choose
    names, but the email comes from this bank.
    """
    plain = display_names.plain(name, longest=60)
    return "" if re.search(r"[\w]\.[\w]|[/@\\]", plain) else plain
