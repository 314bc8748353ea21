"""Delayed messages of the second bank: rows of its table, which the background worker delivers when they are due."""

from collections.abc import Iterable
from dataclasses import asdict
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.utils import timezone

from banking import direct_debits, payments
from banking.database import jobs
from banking.models import SchemeMessage, SecondBankMessage
from banking.payments.scheme import (
    IncomingAnswer,
    IncomingCollection,
    IncomingPayment,
    IncomingReturn,
    NewMandate,
    OutgoingPayment,
)
from banking.second_bank.amounts import Message
from banking.second_bank.sandbox import require_sandbox

#: The background task that delivers one message. Its name is stored with waiting jobs.
DELIVER = "banking.second_bank_deliver"
#: The payer at the second bank.
NAME, IBAN = "Second Bank", "GB33BUKB20201555555555"
#: The creditor at the second bank.
CREDITOR_ID = "GB98ZZZ00000000001"


def schedule(payment: OutgoingPayment, messages: Iterable[Message]) -> None:
    """Stores the messages and enqueues their jobs, in the caller's transaction."""
    for message in messages:
        due_at = timezone.now() + timedelta(seconds=message.after_seconds)
        body = _body(payment, message)
        row = SecondBankMessage.objects.create(kind=message.kind, body=body, due_at=due_at)
        jobs.defer(DELIVER, in_seconds=message.after_seconds, message_id=str(row.pk))


def deliver(message_id: UUID) -> SchemeMessage | None:
    """Delivers the message. May be called again for the same message. Returns None if the message was delivered
    before.
    """
    require_sandbox()
    row = SecondBankMessage.objects.filter(pk=message_id, sent_at=None).first()
    if row is None:
        return None
    match row.kind:
        case SecondBankMessage.Kind.PAYMENT:
            received = payments.receive_payment(IncomingPayment(**row.body))
        case SecondBankMessage.Kind.COLLECTION:
            direct_debits.receive_mandate(NewMandate(**row.body["mandate"]))
            received = direct_debits.receive_collection(IncomingCollection(**row.body["collection"]))
        case SecondBankMessage.Kind.ANSWER:
            received = payments.receive_answer(IncomingAnswer(**row.body))
        case _:
            received = payments.receive_return(IncomingReturn(**row.body))
    SecondBankMessage.objects.filter(pk=row.pk).update(sent_at=timezone.now())
    return received


def deliver_due(*, also_later: bool = False) -> list[SchemeMessage]:
    """Delivers the due messages in the order of their times; with `also_later`, all messages. Does the same as the
    worker.
    """
    waiting = SecondBankMessage.objects.filter(sent_at=None).order_by("due_at", "pk")
    if not also_later:
        waiting = waiting.filter(due_at__lte=timezone.now())
    delivered = (deliver(pk) for pk in waiting.values_list("pk", flat=True))
    return [one for one in delivered if one]


def _body(payment: OutgoingPayment, message: Message) -> dict[str, Any]:
    message_id = f"{message.kind}-{payment.payment_id}-{message.id}"
    match message.kind:
        case "answer":
            return asdict(IncomingAnswer(message_id, payment.payment_id, message.reason))
        case "return":
            back = (payment.amount_minor, payment.currency, message.reason)
            return asdict(IncomingReturn(message_id, payment.payment_id, *back))
        case "collect":
            reference = f"SB-{payment.payment_id}"[:35]
            mandate = NewMandate(
                CREDITOR_ID, reference, payment.creditor_name, payment.creditor_iban, payment.debtor_iban
            )
            collected = (payment.amount_minor, payment.currency, payment.reference)
            collection = IncomingCollection(message_id, CREDITOR_ID, reference, *collected)
            return {"mandate": asdict(mandate), "collection": asdict(collection)}
        case "payment":
            return asdict(
                IncomingPayment(
                    message_id,
                    payment.amount_minor,
                    payment.currency,
                    payment.debtor_iban,
                    debtor_name=payment.creditor_name,
                    debtor_iban=payment.creditor_iban,
                    reference=payment.reference,
                )
            )
