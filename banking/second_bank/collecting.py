"""The second bank collects from an account here by direct debit, on command."""

from uuid import uuid4

from banking import direct_debits
from banking.models import SchemeMessage
from banking.payments.scheme import IncomingCollection, NewMandate
from banking.second_bank import messages
from banking.second_bank.sandbox import require_sandbox


def collect(
    iban: str, amount_minor: int, currency: str, *, name: str = "", reference: str = "", message_id: str = ""
) -> SchemeMessage:
    """Collects by the mandate with that reference, which it sets up first. A repeated `message_id` collects nothing
    more. Raises NotASandbox, MalformedMessage or DifferentMessage.
    """
    require_sandbox()
    mandate = reference or f"SB-{uuid4().hex}"
    creditor = (name or messages.NAME, messages.IBAN)
    direct_debits.receive_mandate(NewMandate(messages.CREDITOR_ID, mandate, *creditor, iban))
    message = message_id or f"collect-{uuid4()}"
    return direct_debits.receive_collection(
        IncomingCollection(message, messages.CREDITOR_ID, mandate, amount_minor, currency)
    )
