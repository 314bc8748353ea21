"""A fake payment scheme for tests, which answers as the test says."""

from collections.abc import Callable
from uuid import UUID

from banking.payments.scheme import Outcome, OutgoingPayment, OutgoingReturn, RefundClaim


class OtherBanks:
    """`outcome` is the answer, an exception, or a function that returns the answer. `handed_over` has the ids of the
    transfers that the scheme was asked to pay, `asked` the ids of those whose status was requested. `given_back` has
    the transfers that were returned to it, `claimed` those that it was asked to refund.
    """

    def __init__(self, outcome: Outcome | Exception | Callable[[], Outcome] = Outcome()) -> None:  # noqa: B008
        self.outcome = outcome
        self.handed_over: list[UUID] = []
        self.asked: list[UUID] = []
        self.given_back: list[OutgoingReturn] = []
        self.claimed: list[RefundClaim] = []

    def pay(self, payment: OutgoingPayment) -> Outcome:
        self.handed_over.append(UUID(payment.payment_id))
        return self._answer()

    def ask(self, payment: OutgoingPayment) -> Outcome | None:
        self.asked.append(UUID(payment.payment_id))
        return self._answer() if UUID(payment.payment_id) in self.handed_over else None

    def give_back(self, returned: OutgoingReturn) -> Outcome:
        self.given_back.append(returned)
        return self._answer()

    def claim_refund(self, claim: RefundClaim) -> Outcome:
        self.claimed.append(claim)
        return self._answer()

    def _answer(self) -> Outcome:
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return self.outcome if isinstance(self.outcome, Outcome) else self.outcome()
