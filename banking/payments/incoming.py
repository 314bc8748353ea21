"""Money that other banks pay to accounts here. Each payment is credited once, also to a frozen account. Money for an
account that does not exist, is closed, or has another currency goes to suspense and is sent back.
"""

from datetime import timedelta
from uuid import UUID

from django.utils import timezone

from banking import ledger, webhooks
from banking.accounts.opening import SUSPENSE, internal_account
from banking.database import jobs
from banking.ledger.refusals import AccountNotOpen, AlreadyReversed, Refusal
from banking.models import Account, Event, LedgerTransaction, SchemeMessage
from banking.payments import messages, scheme

INCOMING = "Incoming payments"
#: The background task that sends money back. Its name is stored with waiting jobs.
GIVE_BACK = "banking.give_back_payment"
#: After this time the hourly task sends the money back, because the message's own job has given up.
LONGEST_ANSWER = timedelta(hours=6)


def receive_payment(payment: scheme.IncomingPayment) -> SchemeMessage:
    """Credits the account, or books the money to suspense and sends it back; once per `message_id`, however often the
    message comes. Raises MalformedMessage or DifferentMessage.
    """
    told = {
        "kind": SchemeMessage.Kind.PAYMENT,
        "message_id": messages.identifier(payment.message_id, longest=140),
        "end_to_end_id": payment.end_to_end_id and messages.identifier(payment.end_to_end_id, longest=35),
        **messages.amount(payment.currency, payment.amount_minor),
        "creditor_iban": messages.account_number(payment.creditor_iban),
        "debtor_iban": messages.account_number(payment.debtor_iban),
        "debtor_name": messages.text(payment.debtor_name),
        "reference": messages.text(payment.reference),
    }
    return messages.act_once(told, _book)


def give_back(message_id: UUID) -> None:
    """Sends back money that could not be credited. Safe to repeat. Raises scheme.Unanswered."""
    way = scheme.configured_scheme()
    if way is None:
        raise scheme.Unanswered("PAYMENT_SCHEME is not set; nothing was sent back.")
    message = SchemeMessage.objects.filter(pk=message_id, status=SchemeMessage.Status.TO_RETURN).first()
    if message is None:
        return
    outcome = way.give_back(scheme.return_of(message))
    ledger.in_transaction(lambda: _conclude(message_id, outcome))


def resume_giving_back() -> int:
    """Sends back money that has waited for a long time, because its own job has given up. Returns how many of these
    returns have no answer yet.
    """
    waiting = SchemeMessage.objects.filter(
        status=SchemeMessage.Status.TO_RETURN, received_at__lt=timezone.now() - LONGEST_ANSWER
    )
    return scheme.ask_each(waiting.order_by("pk").values_list("pk", flat=True)[:100], give_back)


def _book(message: SchemeMessage) -> None:
    amount_minor, incoming = message.amount_minor or 0, _incoming(message)
    account = Account.objects.filter(iban=message.creditor_iban, kind=Account.Kind.CUSTOMER).first()
    message.reason_code = _why_not(account, message.currency)
    if account and not message.reason_code:
        try:
            message.transaction = ledger.post(
                [(incoming, -amount_minor), (account, amount_minor)],
                description=message.reference,
                kind="incoming_payment",
                counterparty=(message.debtor_name, message.debtor_iban),
            )
        except Refusal as refusal:  # the account was closed just now, or the amount is too large
            message.reason_code = "AC04" if isinstance(refusal, AccountNotOpen) else "AM02"
        else:
            message.account, message.status = account, SchemeMessage.Status.DONE
            webhooks.announce([(Event.TRANSACTION_BOOKED, account.pk, message.transaction.pk)])
            return
    message.transaction = ledger.post(
        [(incoming, -amount_minor), (internal_account(message.currency, SUSPENSE), amount_minor)],
        description=message.reference,
        kind="incoming_payment",
    )
    message.status = SchemeMessage.Status.TO_RETURN
    jobs.defer(GIVE_BACK, message_id=str(message.pk))


def _why_not(account: Account | None, currency: str) -> str:
    """Why the account cannot be credited, as a code of ISO 20022; empty if it can."""
    if account is None:
        return "AC01"
    if account.status == Account.Status.CLOSED:
        return "AC04"
    return "" if account.currency == currency else "AC09"


def _conclude(message_id: UUID, outcome: scheme.Outcome) -> None:
    message = SchemeMessage.objects.select_for_update(no_key=True, of=("self",)).get(pk=message_id)
    if message.status != SchemeMessage.Status.TO_RETURN:
        return
    if outcome.reason:
        message.status = SchemeMessage.Status.SUSPENSE
    else:
        message.given_back_by = _reverse_once(message)
        message.status = SchemeMessage.Status.GIVEN_BACK
    message.save(update_fields=["status", "given_back_by"])


def _reverse_once(message: SchemeMessage) -> LedgerTransaction:
    """Returns the reversal of officers if they have already taken the money out of suspense."""
    assert message.transaction
    try:
        return ledger.reverse(message.transaction, kind="return")
    except AlreadyReversed:
        return LedgerTransaction.objects.get(reverses=message.transaction)


def _incoming(message: SchemeMessage) -> Account:
    return internal_account(message.currency, INCOMING, shard_by=message.pk)
