"""The second bank as a payment scheme. It stores each payment by its id, and pays it once."""

from django.db import transaction

from banking.models import SecondBankPayment
from banking.payments.scheme import Outcome, OutgoingPayment, OutgoingReturn, RefundClaim, Unanswered
from banking.second_bank import amounts, messages
from banking.second_bank.sandbox import require_sandbox


class SecondBank:
    """Raises NotASandbox on a site with real money."""

    def __init__(self) -> None:
        require_sandbox()

    def pay(self, payment: OutgoingPayment) -> Outcome:
        behaviour = amounts.behaviour(payment.amount_minor, payment.creditor_iban)
        with transaction.atomic():
            known, is_new = SecondBankPayment.objects.get_or_create(
                payment_id=payment.payment_id,
                defaults={
                    "amount_minor": payment.amount_minor,
                    "currency": payment.currency,
                    "creditor_iban": payment.creditor_iban,
                },
            )
            calls = self._count(known.payment_id)
            if is_new:
                messages.schedule(payment, behaviour.then)
        return self._answer(behaviour, calls)

    def ask(self, payment: OutgoingPayment) -> Outcome | None:
        behaviour = amounts.behaviour(payment.amount_minor, payment.creditor_iban)
        with transaction.atomic():
            if not SecondBankPayment.objects.filter(payment_id=payment.payment_id).exists():
                return None
            calls = self._count(payment.payment_id)
        if behaviour.loses_first and calls == 2:  # simulates that the first call did not arrive
            return None
        return self._answer(behaviour, calls)

    def give_back(self, returned: OutgoingReturn) -> Outcome:
        is_refused = f"{returned.amount_minor:04}".endswith(amounts.RETURN_REFUSED)
        return Outcome("AC04" if is_refused else "")

    def claim_refund(self, claim: RefundClaim) -> Outcome:
        is_refused = f"{claim.amount_minor:04}".endswith(amounts.CLAIM_REFUSED)
        return Outcome("AM05" if is_refused else "")

    @staticmethod
    def _count(payment_id: str) -> int:
        """Counts the calls about this payment. Returns the number, this call included."""
        known = SecondBankPayment.objects.select_for_update(no_key=True).get(payment_id=payment_id)
        known.calls += 1
        known.save(update_fields=["calls"])
        return known.calls

    @staticmethod
    def _answer(behaviour: amounts.Behaviour, calls: int) -> Outcome:
        if calls <= behaviour.silences:
            raise Unanswered("The second bank gave no answer in time.")
        return Outcome(behaviour.reason)
