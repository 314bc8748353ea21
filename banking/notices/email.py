"""Sending a notice: one email to the user whose money it is, in their language."""

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.core.mail import EmailMessage
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import translation
from django.utils.module_loading import import_string

from banking.models import Payee, PaymentLimit, ScheduledTransfer, Transfer
from banking.notices import messages
from banking.notices.kinds import Kind
from banking.notices.messages import Message
from oauth.conf import conf

#: The model of each kind, the page that the email links to, and the function that writes the message.
_KINDS: dict[Kind, tuple[Any, str, Callable[[Any], Message]]] = {
    Kind.NEW_PAYEE: (Payee, "bank:payees", messages.new_payee),
    Kind.LARGE_PAYMENT: (Transfer, "bank:accounts", messages.large_payment),
    Kind.LIMIT_RAISED: (PaymentLimit, "bank:limits", messages.limit_raised),
    Kind.NEW_ORDER: (ScheduledTransfer, "bank:orders", messages.new_order),
    Kind.ORDER_HELD: (ScheduledTransfer, "bank:orders", messages.order_held),
    Kind.ORDER_NOT_PAID: (ScheduledTransfer, "bank:orders", messages.order_not_paid),
    Kind.ORDER_ENDED: (ScheduledTransfer, "bank:orders", messages.order_ended),
    Kind.PAYMENT_NOT_MADE: (Transfer, "bank:orders", messages.payment_not_made),
}


def send(kind: str, about: str) -> None:
    """Sends nothing to a user who is inactive or has no email address."""
    model, page, write = _KINDS[Kind(kind)]
    subject = model.objects.select_related("user").filter(pk=about).first()
    address = (
        getattr(subject.user, subject.user.get_email_field_name(), "") if subject and subject.user.is_active else ""
    )
    if not address:
        return
    language = import_string(conf.USER_LANGUAGE)(subject.user) if conf.USER_LANGUAGE else ""
    with translation.override(language or settings.LANGUAGE_CODE):
        message = write(subject)
        context = {
            "what": message.what_happened,
            "facts": message.facts,
            "page_url": f"{settings.ORIGIN}{reverse(page)}",
        }
        EmailMessage(message.subject, render_to_string("bank/email/notice.txt", context), to=[address]).send()
