"""The demo's world beyond the bank: every account elsewhere is open, but those whose number ends in 0000."""

from banking.models import Transfer
from banking.payments.scheme import Outcome


def pay(transfer: Transfer) -> Outcome:
    return Outcome("account_closed" if transfer.payee_iban.endswith("0000") else "")
