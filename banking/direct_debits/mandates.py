"""Mandates begin with a message of the payment scheme. They end with a message, or when the user cancels them."""

from uuid import UUID

from django.db import transaction
from django.utils import timezone

from banking import ledger, notices, webhooks
from banking.direct_debits.refusals import MandateNotActive
from banking.models import Account, AccountAccess, Event, Mandate
from banking.models.mandate import MandateQuerySet
from banking.models.role import HOLDING
from banking.payments import messages
from banking.payments.messages import MalformedMessage
from banking.payments.refusals import NotTheirs
from banking.payments.scheme import NewMandate


def receive_mandate(told: NewMandate) -> Mandate:
    """Stores the mandate, once per creditor and reference, and notifies all holders of the account. A cancelled mandate
    stays cancelled: the creditor needs a new reference. Raises MalformedMessage, also if no open account has this
    number.
    """
    creditor_id = messages.identifier(told.creditor_id, longest=35)
    reference = messages.identifier(told.reference, longest=35)
    name = messages.text(told.creditor_name)
    if told.sequence not in Mandate.Sequence.values or not name:
        raise MalformedMessage("A mandate must have the creditor's name, and must be one_off or recurring.")
    account = Account.objects.filter(iban=messages.account_number(told.debtor_iban), kind=Account.Kind.CUSTOMER)
    found = account.exclude(status=Account.Status.CLOSED).first()
    if found is None:
        raise MalformedMessage("No account of this bank has this number.")
    with transaction.atomic():
        mandate, is_new = Mandate.objects.get_or_create(
            creditor_id=creditor_id,
            reference=reference,
            defaults={
                "account": found,
                "creditor_name": name,
                "creditor_iban": messages.account_number(told.creditor_iban),
                "sequence": told.sequence,
            },
        )
        if is_new:
            tell_holders(notices.Kind.NEW_DIRECT_DEBIT, mandate)
            announce(mandate)
    if mandate.account_id != found.pk:
        raise messages.DifferentMessage(f"The mandate {reference} belongs to another account.")
    return mandate


def receive_cancellation(creditor_id: str, reference: str) -> Mandate | None:
    """The creditor ends the mandate. Returns None if there is no such mandate."""

    def run() -> Mandate | None:
        pk = Mandate.objects.filter(creditor_id=creditor_id, reference=reference).values_list("pk", flat=True).first()
        if pk is None:
            return None
        mandate = lock_mandate(pk)
        return end(mandate) if mandate.status == Mandate.Status.ACTIVE else mandate

    return ledger.in_transaction(run)


def cancel(mandate_id: UUID, *, among: MandateQuerySet) -> Mandate:
    """Cancels the mandate in the caller's transaction, so nothing can be collected any more. Raises MandateNotActive,
    or NotTheirs if the mandate is not in `among`, the mandates that the user may cancel.
    """
    if not among.filter(pk=mandate_id).exists():
        raise NotTheirs
    mandate = lock_mandate(mandate_id)
    if mandate.status != Mandate.Status.ACTIVE:
        raise MandateNotActive
    return end(mandate)


def lock_mandate(mandate_id: UUID) -> Mandate:
    """Locks the account first, then the mandate. All code uses this order, so there are no deadlocks."""
    ledger.lock(Mandate.objects.filter(pk=mandate_id).values_list("account_id", flat=True))
    mandates = Mandate.objects.select_for_update(no_key=True, of=("self",))
    return mandates.select_related("account__holder").get(pk=mandate_id)


def end_all_of_account(account_id: UUID) -> None:
    """Call it after closing the account, in the same transaction, which holds the lock of the account.

    Mandates belong to the account: they stay when the user who gave them loses access to it.
    """
    for mandate in Mandate.objects.filter(account=account_id, status=Mandate.Status.ACTIVE).order_by("pk"):
        end(mandate)


def tell_holders(kind: notices.Kind, mandate: Mandate) -> None:
    """Sends an email to everybody who holds the account."""
    holding = AccountAccess.objects.filter(account=mandate.account_id, role__in=HOLDING).order_by("user_id")
    for user_id in holding.values_list("user_id", flat=True):
        notices.enqueue_notice(kind, mandate.pk, to=user_id)


def announce(mandate: Mandate) -> None:
    webhooks.announce([(Event.DIRECT_DEBIT_UPDATED, mandate.account_id, mandate.pk)])


def end(mandate: Mandate) -> Mandate:
    """Ends an active mandate, which the caller has locked."""
    mandate.status, mandate.cancelled_at = Mandate.Status.CANCELLED, timezone.now()
    mandate.save(update_fields=["status", "cancelled_at"])
    announce(mandate)
    return mandate
