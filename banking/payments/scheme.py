"""The interface to other banks: the methods that the adapter of a payment scheme must have, and the scheme's messages.

The setting PAYMENT_SCHEME names a class that implements `PaymentScheme`. Without it no other bank can be paid. The
adapter passes the scheme's messages to `receive_payment`, `receive_answer` and `receive_return` of `banking.payments`.
Each message has the scheme's own id and is processed once; messages may arrive in any order.
"""

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from django.conf import settings
from django.utils.module_loading import import_string

from banking.models import SchemeMessage, Transfer
from banking.notation.currencies import PLAY_MONEY
from oauth.infrastructure import outage

logger = logging.getLogger(__name__)

#: The reason code of a refused or returned payment (ISO 20022, ExternalStatusReason1Code) -> our name for this reason.
REASONS = {
    "AC01": "account_unknown",
    "AC03": "account_unknown",
    "AC04": "account_closed",
    "AC06": "account_blocked",
    "AC07": "account_closed",
    "AC09": "currency_mismatch",
    "AG01": "not_allowed",
    "AM02": "amount_not_allowed",
    "AM04": "insufficient_funds",
    "AM05": "duplicate",
    "BE04": "address_missing",
    "CUST": "asked_by_payee",
    "FOCR": "recalled",
    "MD01": "no_mandate",
    "MD07": "payee_deceased",
    "MS02": "asked_by_payee",
    "MS03": "refused_by_other_bank",
    "TM01": "too_late",
}


class Unanswered(Exception):
    """The outcome is unknown, because the scheme did not answer in time. The scheme is asked again later."""


class NotAllAsked(Exception):
    """Some questions to the scheme failed for another reason than a missing answer. The next run repeats them."""


def ask_each(waiting: Iterable[UUID], ask: Callable[[UUID], None]) -> int:
    """Calls `ask` for each, and returns how many are unanswered. If one fails, asks about the others, and then raises
    NotAllAsked, so that one broken row does not keep the money of the others from moving.
    """
    unanswered, failed = 0, []
    for pk in waiting:
        try:
            ask(pk)
        except Unanswered:
            unanswered += 1
        except outage.ERRORS:
            raise
        except Exception:
            logger.exception("Asking the payment scheme about %s failed", pk)
            failed.append(str(pk))
    if failed:
        raise NotAllAsked(f"{len(failed)} failed, see the log: {', '.join(failed[:10])}")
    return unanswered


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome of a payment. `reason` is the code of ISO 20022 of a refusal, such as AC04; empty if the payment was
    accepted.
    """

    reason: str = ""


@dataclass(frozen=True, slots=True)
class OutgoingPayment:
    """A payment to another bank (pacs.008). `payment_id` is its permanent id of 32 characters; `end_to_end_id` was
    chosen by the user and need not be unique.
    """

    payment_id: str
    end_to_end_id: str
    amount_minor: int
    currency: str
    debtor_name: str
    debtor_iban: str
    creditor_name: str
    creditor_iban: str
    reference: str


@dataclass(frozen=True, slots=True)
class OutgoingReturn:
    """Money that we send back (pacs.004), because we could not credit it. `original_id` is the scheme's id of the
    payment."""

    return_id: str
    original_id: str
    amount_minor: int
    currency: str
    reason: str


@dataclass(frozen=True, slots=True)
class RefundClaim:
    """The claim that a collection be refunded to the debtor (pacs.004). `original_id` is the scheme's id of the
    collection, `reason` MD06 within eight weeks, or MD01 if the debtor never allowed it.
    """

    claim_id: str
    original_id: str
    amount_minor: int
    currency: str
    reason: str


class PaymentScheme(Protocol):
    """The interface of an adapter for a payment scheme. Each method raises Unanswered if it does not learn the outcome
    in time.
    """

    def pay(self, payment: OutgoingPayment) -> Outcome:
        """Hands the payment over. May be called again with the same `payment_id`, and must then pay only once."""

    def ask(self, payment: OutgoingPayment) -> Outcome | None:
        """The status of a payment that was handed over (pacs.028). None if the scheme does not know the payment, and
        will pay it only if it is handed over again.
        """

    def give_back(self, returned: OutgoingReturn) -> Outcome:
        """Sends money back. May be called again with the same `return_id`, and must then send it only once."""

    def claim_refund(self, claim: RefundClaim) -> Outcome:
        """Asks the creditor's bank to pay a collection back. May be called again with the same `claim_id`, and must
        then claim only once. An Outcome with a reason must come from the creditor's bank, for example because the
        mandate is valid.
        """


@dataclass(frozen=True, slots=True)
class IncomingPayment:
    """Money that another bank paid to an account here. `message_id` is the scheme's own id of the payment."""

    message_id: str
    amount_minor: int
    currency: str
    creditor_iban: str
    debtor_name: str = ""
    debtor_iban: str = ""
    reference: str = ""
    end_to_end_id: str = ""


@dataclass(frozen=True, slots=True)
class IncomingAnswer:
    """The other bank accepted or refused one of our payments (pacs.002), possibly long after we handed it over, and
    possibly again. `reason` is empty if it accepted."""

    message_id: str
    payment_id: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class IncomingReturn:
    """The other bank returns one of our payments (pacs.004)."""

    message_id: str
    payment_id: str
    amount_minor: int
    currency: str
    reason: str


@dataclass(frozen=True, slots=True)
class NewMandate:
    """A creditor may collect from an account here from now on (pain.009). `creditor_id` and `reference` identify the
    mandate; `sequence` is `one_off` or `recurring`.
    """

    creditor_id: str
    reference: str
    creditor_name: str
    creditor_iban: str
    debtor_iban: str
    sequence: str = "recurring"


@dataclass(frozen=True, slots=True)
class IncomingCollection:
    """A creditor collects by a mandate (pacs.003)."""

    message_id: str
    creditor_id: str
    mandate_reference: str
    amount_minor: int
    currency: str
    reference: str = ""
    end_to_end_id: str = ""


def configured_scheme() -> PaymentScheme | None:
    if not settings.PAYMENT_SCHEME:
        return None
    scheme: PaymentScheme = import_string(settings.PAYMENT_SCHEME)()
    return scheme


def pays(currency: str) -> bool:
    """Whether payments to other banks are possible in this currency. Payments with play money are possible only on a
    site without real money.
    """
    return (currency != PLAY_MONEY or settings.BANK_SANDBOX) and configured_scheme() is not None


def payment_of(transfer: Transfer) -> OutgoingPayment:
    """Returns the transfer in the form for the scheme, which is the same each time."""
    holder = transfer.source.holder
    return OutgoingPayment(
        payment_id=transfer.pk.hex,
        end_to_end_id=transfer.end_to_end_id or transfer.pk.hex,
        amount_minor=transfer.amount_minor,
        currency=transfer.currency,
        debtor_name=holder.get_full_name() if holder else "",
        debtor_iban=transfer.source.iban or "",
        creditor_name=transfer.payee_name,
        creditor_iban=transfer.payee_iban,
        reference=transfer.reference,
    )


def return_of(message: SchemeMessage) -> OutgoingReturn:
    """Returns the message that sends an incoming payment back, which is the same each time."""
    return OutgoingReturn(
        return_id=message.pk.hex,
        original_id=message.message_id,
        amount_minor=message.amount_minor or 0,
        currency=message.currency,
        reason=message.reason_code,
    )


def word_for(reason: str) -> str:
    """Our name for a reason code of ISO 20022."""
    return REASONS.get(reason, "refused_by_other_bank")
