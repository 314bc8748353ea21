"""Answers of other banks about payments that we handed over: accepted, refused, or sent back.

Messages may be late, repeated or out of order. In any order, the user's money is taken at most once and given back at
most once:

| the transfer is | accepted | refused | returned |
| --- | --- | --- | --- |
| pending | posted | rejected, no longer held | posted, and returned |
| posted | repeated | returned | returned |
| returned | repeated | repeated | repeated |
| rejected | disputed | repeated | disputed |
| anything else | disputed | disputed | disputed |

A disputed message books nothing; staff compare it with the scheme's own statement.
"""

from uuid import UUID

from banking import ledger, webhooks
from banking.accounts.opening import SUSPENSE, internal_account
from banking.ledger.refusals import Refusal
from banking.models import Account, Event, LedgerTransaction, SchemeMessage, Transfer
from banking.payments import messages, scheme
from banking.payments.settlement import OUTGOING, conclude
from banking.payments.transfers import end, lock_transfer

_Status = SchemeMessage.Status


def receive_answer(answer: scheme.IncomingAnswer) -> SchemeMessage:
    """Accepts or refuses one of our payments, once per `message_id`. Raises MalformedMessage or DifferentMessage."""
    told = {
        "kind": SchemeMessage.Kind.ANSWER,
        "message_id": messages.identifier(answer.message_id, longest=140),
        "payment_id": messages.identifier(answer.payment_id, longest=35),
        "reason_code": messages.reason_code(answer.reason),
    }
    return messages.act_once(told, _take_answer)


def receive_return(returned: scheme.IncomingReturn) -> SchemeMessage:
    """Gives the money of one of our payments back to its user, once. Raises MalformedMessage or DifferentMessage."""
    told = {
        "kind": SchemeMessage.Kind.RETURN,
        "message_id": messages.identifier(returned.message_id, longest=140),
        "payment_id": messages.identifier(returned.payment_id, longest=35),
        **messages.amount(returned.currency, returned.amount_minor),
        "reason_code": messages.reason_code(returned.reason),
    }
    return messages.act_once(told, _take_return)


def _take_answer(message: SchemeMessage) -> None:
    transfer = _locked(message)
    message.status = _Status.DISPUTED
    if transfer is None:
        return
    match transfer.status, bool(message.reason_code):
        case Transfer.Status.PENDING, _:
            conclude(transfer.pk, scheme.Outcome(message.reason_code))
            message.status = _Status.DONE
        case (Transfer.Status.POSTED, False) | (Transfer.Status.RETURNED, _) | (Transfer.Status.REJECTED, True):
            message.status = _Status.REPEATED
        case Transfer.Status.POSTED, True:
            _bring_back(transfer, message)


def _take_return(message: SchemeMessage) -> None:
    transfer = _locked(message)
    message.status = _Status.DISPUTED
    if transfer is None or (transfer.amount_minor, transfer.currency) != (message.amount_minor, message.currency):
        return
    match transfer.status:
        case Transfer.Status.PENDING:
            # Only an accepted payment can be returned, so the acceptance has not arrived yet.
            if conclude(transfer.pk, scheme.Outcome()):
                _bring_back(lock_transfer(transfer.pk), message)
            else:  # The account is frozen, and the other bank has sent the money back, so only the hold ends.
                transfer.reason_code = message.reason_code
                end(transfer, Transfer.Status.REJECTED, scheme.word_for(message.reason_code))
                message.status = _Status.DONE
        case Transfer.Status.POSTED:
            _bring_back(transfer, message)
        case Transfer.Status.RETURNED:
            message.status = _Status.REPEATED


def _locked(message: SchemeMessage) -> Transfer | None:
    """The transfer that was handed over under this id, locked; None if there is none."""
    try:
        handed_over = Transfer.objects.filter(pk=UUID(message.payment_id), submitted_at__isnull=False)
    except ValueError:
        return None
    pk = handed_over.values_list("pk", flat=True).first()
    if pk is not None:
        message.transfer = lock_transfer(pk)
    return message.transfer


def _bring_back(transfer: Transfer, message: SchemeMessage) -> None:
    """Gives the money back to the account. If the account is closed, or officers have already reversed the transfer,
    the money goes to suspense."""
    assert transfer.transaction
    if SchemeMessage.objects.filter(transfer=transfer, status=_Status.SUSPENSE).exists():
        message.status = _Status.REPEATED
        return
    try:
        back = ledger.reverse(transfer.transaction, kind="return")
    except Refusal:
        message.transaction = _to_suspense(transfer)
        message.status = _Status.SUSPENSE
        return
    transfer.status, transfer.reason_code = Transfer.Status.RETURNED, message.reason_code
    transfer.status_reason = scheme.word_for(message.reason_code)
    transfer.save(update_fields=["status", "status_reason", "reason_code"])
    message.transaction, message.account, message.status = back, transfer.source, _Status.DONE
    webhooks.announce(
        [
            (Event.TRANSFER_UPDATED, transfer.source_id, transfer.pk),
            (Event.TRANSACTION_BOOKED, transfer.source_id, back.pk),
        ]
    )


def _to_suspense(transfer: Transfer) -> LedgerTransaction | None:
    """Moves the money to suspense. Returns None if officers have already moved it there."""
    suspense = internal_account(transfer.currency, SUSPENSE)
    if transfer.transaction and transfer.transaction.entries.filter(account=suspense).exists():
        return None
    outgoing: Account = internal_account(transfer.currency, OUTGOING, shard_by=transfer.pk)
    return ledger.post(
        [(outgoing, -transfer.amount_minor), (suspense, transfer.amount_minor)],
        description=transfer.reference,
        kind="return",
    )
