"""Sending a notice: one email to the user whom it concerns, in their language."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.module_loading import import_string

from banking.models import (
    AccountAct,
    AccountApplication,
    AccountChange,
    AccountInvitation,
    Exchange,
    ExchangeRate,
    Mandate,
    Payee,
    PaymentLimit,
    ReversalRequest,
    ScheduledTransfer,
    StatementFile,
    TransactionQuestion,
    Transfer,
)
from banking.notices import account_messages, messages, topics
from banking.notices.kinds import Kind
from banking.notices.messages import Message
from oauth.conf import conf
from oauth.infrastructure import emails


@dataclass(frozen=True, slots=True)
class _Notice:
    """The model that a notice is about, the page that its email links to, and the function that writes the message."""

    model: Any
    page: str
    write: Callable[[Any], Message]
    is_for_officers: bool = False


_NOTICES: dict[Kind, _Notice] = {
    Kind.NEW_PAYEE: _Notice(Payee, "bank:payees", messages.new_payee),
    Kind.LARGE_PAYMENT: _Notice(Transfer, "bank:accounts", messages.large_payment),
    Kind.LARGE_EXCHANGE: _Notice(Exchange, "bank:accounts", messages.large_exchange),
    Kind.LIMIT_RAISED: _Notice(PaymentLimit, "bank:limits", messages.limit_raised),
    Kind.NEW_ORDER: _Notice(ScheduledTransfer, "bank:orders", messages.new_order),
    Kind.ORDER_HELD: _Notice(ScheduledTransfer, "bank:orders", messages.order_held),
    Kind.ORDER_NOT_PAID: _Notice(ScheduledTransfer, "bank:orders", messages.order_not_paid),
    Kind.ORDER_ENDED: _Notice(ScheduledTransfer, "bank:orders", messages.order_ended),
    Kind.PAYMENT_NOT_MADE: _Notice(Transfer, "bank:orders", messages.payment_not_made),
    Kind.ACCESS_GIVEN: _Notice(AccountAct, "bank:accounts", account_messages.access_given),
    Kind.ACCESS_ENDED: _Notice(AccountAct, "bank:accounts", account_messages.access_ended),
    Kind.OVERDRAFT_CHANGED: _Notice(AccountAct, "bank:accounts", account_messages.overdraft_changed),
    Kind.ACCOUNT_CLOSED: _Notice(AccountAct, "bank:accounts", account_messages.account_closed),
    Kind.ACCOUNT_DORMANT: _Notice(AccountAct, "bank:accounts", account_messages.account_dormant),
    Kind.ACCOUNT_USED_AGAIN: _Notice(AccountAct, "bank:accounts", account_messages.account_used_again),
    Kind.INVITED: _Notice(AccountInvitation, "bank:accounts", account_messages.invited),
    Kind.APPLICATION_DECIDED: _Notice(AccountApplication, "bank:accounts", account_messages.application_decided),
    Kind.APPLICATION_MADE: _Notice(
        AccountApplication, "admin:banking_accountapplication_changelist", account_messages.application_made, True
    ),
    Kind.QUESTION_ANSWERED: _Notice(TransactionQuestion, "bank:accounts", account_messages.question_answered),
    Kind.STATEMENT_READY: _Notice(StatementFile, "bank:accounts", account_messages.statement_ready),
    Kind.QUESTION_ASKED: _Notice(
        TransactionQuestion, "admin:banking_transactionquestion_changelist", account_messages.question_asked, True
    ),
    Kind.REVERSAL_REQUESTED: _Notice(
        ReversalRequest, "admin:banking_reversalrequest_changelist", account_messages.reversal_requested, True
    ),
    Kind.CHANGE_REQUESTED: _Notice(
        AccountChange, "admin:banking_accountchange_changelist", account_messages.change_requested, True
    ),
    Kind.RATE_REQUESTED: _Notice(
        ExchangeRate, "admin:banking_exchangerate_changelist", account_messages.rate_requested, True
    ),
    Kind.NEW_DIRECT_DEBIT: _Notice(Mandate, "bank:direct-debits", messages.new_direct_debit),
    Kind.DIRECT_DEBIT_REFUSED: _Notice(Mandate, "bank:direct-debits", messages.direct_debit_refused),
    Kind.REFUNDED: _Notice(Mandate, "bank:direct-debits", messages.refunded),
    Kind.REFUND_REFUSED: _Notice(Mandate, "bank:direct-debits", messages.refund_refused),
}


def send(kind: str, about: str, to: str = "") -> None:
    """Sends nothing to a user who is inactive or has turned off emails of this kind."""
    notice = _NOTICES[Kind(kind)]
    subject = notice.model.objects.filter(pk=about).first()
    user: Any = None
    if subject is not None:
        user = get_user_model()._default_manager.filter(pk=to).first() if to else subject.user
    address = getattr(user, user.get_email_field_name(), "") if user is not None and user.is_active else ""
    if not address:
        return
    if not notice.is_for_officers and not topics.is_wanted(Kind(kind), user.pk):
        return
    language = import_string(conf.USER_LANGUAGE)(user) if conf.USER_LANGUAGE else ""
    zone = import_string(conf.USER_TIME_ZONE)(user) if conf.USER_TIME_ZONE else ""
    with translation.override(language or settings.LANGUAGE_CODE), timezone.override(zone or settings.TIME_ZONE):
        message = notice.write(subject)
        context = {
            "what": message.what_happened,
            "facts": message.facts,
            "page_url": f"{settings.ORIGIN}{reverse(notice.page)}",
            "is_for_officers": notice.is_for_officers,
        }
        text = render_to_string("bank/email/notice.txt", context)
        emails.send(message.subject, text, to=[address], html_template="bank/email/notice.html", context=context)
