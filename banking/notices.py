"""What the owner of money is told by email: a new payee, a large payment, a new order, an order that we hold.

A notice is a job of the transaction that it tells of. The job holds ids only; the background worker reads the rest.
"""

import re
from collections.abc import Callable
from enum import StrEnum
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.mail import EmailMessage
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import translation
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _

from banking import amounts, apps_of_users, iban, jobs
from banking.models import Payee, ScheduledTransfer, Transfer
from oauth import shown_names
from oauth.conf import conf

TELL = "banking.tell_owner"

#: Subject, what happened, and the facts of it.
Said = tuple[str, str, list[tuple[str, str]]]


class Kind(StrEnum):
    NEW_PAYEE = "new_payee"
    LARGE_PAYMENT = "large_payment"
    NEW_ORDER = "new_order"
    ORDER_HELD = "order_held"


def tell_later(kind: Kind, about: UUID) -> None:
    """`about` is the primary key of the payee, transfer or order."""
    jobs.defer(TELL, kind=str(kind), about=str(about))


def send(kind: str, about: str) -> None:
    model, page, say = _KINDS[Kind(kind)]
    one = model.objects.select_related("user").filter(pk=about).first()
    address = getattr(one.user, one.user.get_email_field_name(), "") if one and one.user.is_active else ""
    if not address:
        return
    language = import_string(conf.USER_LANGUAGE)(one.user) if conf.USER_LANGUAGE else ""
    with translation.override(language or settings.LANGUAGE_CODE):
        subject, what, facts = say(one)
        context = {"what": what, "facts": facts, "page_url": f"{settings.ISSUER}{reverse(page)}"}
        EmailMessage(subject, render_to_string("bank/email/notice.txt", context), to=[address]).send()


def _of_payee(payee: Payee) -> Said:
    return _("New payee"), _("A payee was added to your account."), _to(payee.name, payee.iban)


def _of_payment(transfer: Transfer) -> Said:
    what = _("A large payment was ordered, or one with which your payments of a day reach a large sum.")
    return _("Large payment"), what, [*_amount(transfer), *_of_route(transfer), *_by(transfer)]


def _of_new_order(order: ScheduledTransfer) -> Said:
    what = _("A payment for days to come was ordered.")
    facts = [(_("How often"), str(order.get_frequency_display())), *_amount(order), *_of_route(order), *_by(order)]
    return _("New payment order"), what, facts


def _of_held_order(order: ScheduledTransfer) -> Said:
    what = _("We hold a payment order: nothing is paid by it until you resume it. You can also cancel it.")
    facts = [(_("Why"), str(order.get_held_reason_display())), *_amount(order), *_of_route(order), *_by(order)]
    return _("Payment order on hold"), what, facts


_KINDS: dict[Kind, tuple[Any, str, Callable[[Any], Said]]] = {
    Kind.NEW_PAYEE: (Payee, "bank:payees", _of_payee),
    Kind.LARGE_PAYMENT: (Transfer, "bank:accounts", _of_payment),
    Kind.NEW_ORDER: (ScheduledTransfer, "bank:orders", _of_new_order),
    Kind.ORDER_HELD: (ScheduledTransfer, "bank:orders", _of_held_order),
}


def _amount(one: Transfer | ScheduledTransfer) -> list[tuple[str, str]]:
    return [(_("Amount"), amounts.written(one.currency, one.amount_minor))]


def _of_route(one: Transfer | ScheduledTransfer) -> list[tuple[str, str]]:
    if one.payee_iban:
        return _to(one.payee_name, one.payee_iban)
    return [(_("To"), one.destination.name)] if one.destination else []


def _to(name: str, identifier: str) -> list[tuple[str, str]]:
    shown = _harmless(name)
    return [*([(_("To"), shown)] if shown else []), (_("Account number"), iban.masked(identifier) or "")]


def _by(one: Transfer | ScheduledTransfer) -> list[tuple[str, str]]:
    app = apps_of_users.find(one.user_id, [one.client_id]).get(one.client_id)
    return [(_("App"), _harmless(app.name))] if app else []


def _harmless(name: str) -> str:
    """A name that an app or a stranger chose, in an email of ours: one line, and nothing that a reader takes for a
    link. Empty where nothing of that kind is left."""
    plain = shown_names.plain(name, longest=60)
    return "" if re.search(r"[\w]\.[\w]|[/@\\]", plain) else plain
