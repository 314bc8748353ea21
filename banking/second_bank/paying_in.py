"""The second bank pays into an account here, on command."""

from uuid import uuid4

from banking import payments
from banking.models import SchemeMessage
from banking.payments.scheme import IncomingPayment
from banking.second_bank import messages
from banking.second_bank.sandbox import require_sandbox


def pay_in(
    iban: str, amount_minor: int, currency: str, *, name: str = "", reference: str = "", message_id: str = ""
) -> SchemeMessage:
    """Pays to any IBAN, also to one that does not exist here. A repeated `message_id` pays nothing more. Raises
    NotASandbox, MalformedMessage or DifferentMessage.
    """
    require_sandbox()
    return payments.receive_payment(
        IncomingPayment(
            message_id or f"payment-{uuid4()}",
            amount_minor,
            currency,
            iban,
            debtor_name=name or messages.NAME,
            debtor_iban=messages.IBAN,
            reference=reference,
        )
    )
