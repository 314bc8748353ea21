"""A creditor collects (pacs.003): the account is debited once per message, or the collection is refused with a code of
ISO 20022, which the adapter returns to the scheme.
"""

from uuid import UUID

from django.utils import timezone

from banking import ledger, notices, webhooks
from banking.accounts.opening import internal_account
from banking.direct_debits.mandates import announce, lock_mandate, tell_holders
from banking.ledger.refusals import InsufficientFunds, Refusal
from banking.models import Account, Event, Mandate, SchemeMessage
from banking.payments import messages
from banking.payments.scheme import IncomingCollection

DIRECT_DEBITS = "Direct debits"


def receive_collection(collection: IncomingCollection) -> SchemeMessage:
    """Debits the account: `status` is done, or refused with a `reason_code`. Raises MalformedMessage or
    DifferentMessage."""
    told = {
        "kind": SchemeMessage.Kind.COLLECTION,
        "message_id": messages.identifier(collection.message_id, longest=140),
        "creditor_id": messages.identifier(collection.creditor_id, longest=35),
        "payment_id": messages.identifier(collection.mandate_reference, longest=35),
        "end_to_end_id": collection.end_to_end_id and messages.identifier(collection.end_to_end_id, longest=35),
        **messages.amount(collection.currency, collection.amount_minor),
        "reference": messages.text(collection.reference),
    }
    return messages.act_once(told, _collect)


def _collect(message: SchemeMessage) -> None:
    named = Mandate.objects.filter(creditor_id=message.creditor_id, reference=message.payment_id)
    pk: UUID | None = named.values_list("pk", flat=True).first()
    if pk is None:
        message.status, message.reason_code = SchemeMessage.Status.REFUSED, "MD01"
        return
    mandate = message.mandate = lock_mandate(pk)
    message.reason_code = _why_not(mandate, message.currency) or _debit(mandate, message)
    if message.reason_code:
        message.status = SchemeMessage.Status.REFUSED
        tell_holders(notices.Kind.DIRECT_DEBIT_REFUSED, mandate)
    announce(mandate)


def _why_not(mandate: Mandate, currency: str) -> str:
    """The code of ISO 20022 for the refusal; empty if the amount may be collected."""
    if mandate.status != Mandate.Status.ACTIVE:
        return "MD01"
    if mandate.account.status == Account.Status.CLOSED:
        return "AC04"
    if mandate.account.currency != currency:
        return "AC09"
    return "" if _may_pay(mandate.account) else "AC06"


def _may_pay(account: Account) -> bool:
    is_open = account.status == Account.Status.OPEN and account.dormant_since is None
    return is_open and account.holder is not None and account.holder.is_active


def _debit(mandate: Mandate, message: SchemeMessage) -> str:
    """Debits the account. Returns the code of ISO 20022 of a refusal; empty if the account was debited."""
    amount_minor = message.amount_minor or 0
    to = internal_account(message.currency, DIRECT_DEBITS, shard_by=message.pk)
    try:
        posted = ledger.post(
            [(mandate.account, -amount_minor), (to, amount_minor)],
            description=message.reference or mandate.reference,
            kind="direct_debit",
            counterparty=(mandate.creditor_name, mandate.creditor_iban),
        )
    except InsufficientFunds:
        return "AM04"
    except Refusal:
        return "AC06"
    message.transaction, message.account, message.status = posted, mandate.account, SchemeMessage.Status.DONE
    mandate.collected, mandate.last_minor, mandate.last_at = mandate.collected + 1, amount_minor, timezone.now()
    if mandate.sequence == Mandate.Sequence.ONE_OFF:
        mandate.status = Mandate.Status.COMPLETED
    mandate.save(update_fields=["collected", "last_minor", "last_at", "status"])
    webhooks.announce([(Event.TRANSACTION_BOOKED, mandate.account_id, posted.pk)])
    return ""
