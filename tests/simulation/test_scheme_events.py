"""Messages of other banks in any order, repeated and interrupted. The books must equal a model made of a few
dictionaries.

After every step, the test compares the account and runs the audit. SEED=… repeats a run, EXAMPLES=… makes it longer.
"""

import contextlib
import os
import random
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import OperationalError
from django.utils import timezone
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from banking import direct_debits, ledger, oversight, payments
from banking.accounts.opening import internal_account, open_account
from banking.models import Account, SchemeMessage, Transfer
from banking.payments import scheme
from banking.payments.scheme import (
    IncomingAnswer,
    IncomingCollection,
    IncomingPayment,
    IncomingReturn,
    NewMandate,
    Outcome,
)
from tests.lib.crash import crashing
from tests.lib.other_banks import OtherBanks
from tests.lib.staff import officer

pytestmark = pytest.mark.simulation

FUNDS = 100_000
AMOUNT = 700
NUMBERS = st.integers(1, 2)
#: The statement before which the connection ends. The highest numbers mean never.
DIES = st.integers(1, 60)


class SchemeMachine(RuleBasedStateMachine):
    """Messages repeat, because there are only two ids of each kind for a transfer."""

    people: tuple[Any, ...] = ()
    officers: tuple[Any, ...] = ()
    others: OtherBanks

    transfers = Bundle("transfers")

    @initialize()
    def open(self) -> None:
        self.run = uuid4().hex
        self.account = open_account(self.people[0], name="x", currency="GBP")
        ledger.post(
            [(internal_account("GBP", "Clearing"), -FUNDS), (self.account, FUNDS)], description="x", kind="opening"
        )
        direct_debits.receive_mandate(NewMandate("c", self.run, "Creditor", "", self.account.iban or ""))
        self.others.outcome = Outcome()
        self.received: Counter[str] = Counter()
        self.is_frozen = False

    @rule(target=transfers)
    def order(self) -> UUID:
        """Makes a transfer as the API does, of at most the available amount. A frozen account makes none."""
        if self.is_frozen:
            self.thaw()
        held = ledger.in_transaction(lambda: _pending(self.account))
        return held

    @rule(transfer=transfers, answer=st.sampled_from(["accepts", "refuses", "is silent"]), dies=DIES)
    def settle(self, transfer: UUID, answer: str, dies: int) -> None:
        if answer == "is silent":
            self.others.outcome = scheme.Unanswered("timeout")
        else:
            self.others.outcome = Outcome("" if answer == "accepts" else "AC04")
        with contextlib.suppress(scheme.Unanswered):
            self.survive(lambda: payments.settle(transfer), dies)
        assert self.others.handed_over.count(transfer) <= 2, "it is asked about, not handed over again and again"

    @rule(transfer=transfers, number=NUMBERS, dies=DIES)
    def accept(self, transfer: UUID, number: int, dies: int) -> None:
        self.survive(lambda: payments.receive_answer(IncomingAnswer(f"a-{transfer}-{number}", transfer.hex)), dies)

    @rule(transfer=transfers, number=NUMBERS, dies=DIES)
    def refuse(self, transfer: UUID, number: int, dies: int) -> None:
        message = IncomingAnswer(f"n-{transfer}-{number}", transfer.hex, "AC06")
        self.survive(lambda: payments.receive_answer(message), dies)

    @rule(transfer=transfers, number=NUMBERS, dies=DIES)
    def bring_back(self, transfer: UUID, number: int, dies: int) -> None:
        message = IncomingReturn(f"r-{transfer}-{number}", transfer.hex, AMOUNT, "GBP", "AC04")
        self.survive(lambda: payments.receive_return(message), dies)

    @rule(number=st.integers(1, 5), dies=DIES, is_known=st.booleans())
    def pay_in(self, number: int, dies: int, is_known: bool) -> None:
        iban = self.account.iban if is_known else "GB33BUKB20201555555555"
        payment = IncomingPayment(f"p-{self.run}-{number}-{is_known}", 50, "GBP", iban or "")
        message = self.survive(lambda: payments.receive_payment(payment), dies)
        if is_known:
            self.received[message.message_id] = 50
        else:
            self.others.outcome = Outcome()
            self.survive(lambda: payments.give_back(message.pk), dies)

    @rule(number=st.integers(1, 5), dies=DIES)
    def collect(self, number: int, dies: int) -> None:
        message = self.survive(
            lambda: direct_debits.receive_collection(
                IncomingCollection(f"c-{self.run}-{number}", "c", self.run, 30, "GBP")
            ),
            dies,
        )
        if message.status == SchemeMessage.Status.DONE:
            self.received[message.message_id] = -30

    @rule()
    def freeze(self) -> None:
        if not self.is_frozen:
            oversight.freeze(self.account.pk, by=self.officers[0], reason="x")
            self.is_frozen = True

    @rule()
    def thaw(self) -> None:
        if self.is_frozen:
            oversight.unfreeze(self.account.pk, by=self.officers[1], reason="x")
            self.is_frozen = False

    @invariant()
    def nothing_is_lost_or_doubled(self) -> None:
        mine = Transfer.objects.filter(source=self.account)
        taken = AMOUNT * mine.filter(status=Transfer.Status.POSTED).count()
        on_hold = AMOUNT * mine.filter(status=Transfer.Status.PENDING).count()
        stored = Account.objects.get(pk=self.account.pk)
        due = FUNDS + sum(self.received.values()) - taken
        assert (stored.posted_minor, stored.held_minor) == (due, on_hold)

    @invariant()
    def audit_is_clean(self) -> None:
        assert [one.question for one in ledger.audit() if not one.is_clean] == []

    @staticmethod
    def survive(work: Callable[[], Any], dies: int) -> Any:
        """Processes the message. If the connection breaks meanwhile, the sender sends the message again."""
        try:
            with crashing(before_statement=dies):
                return work()
        except OperationalError:
            return work()


def _pending(account: Account) -> UUID:
    held = ledger.hold(account, AMOUNT, until=timezone.now() + timedelta(days=1))
    made = Transfer.objects.create(
        user_id=account.holder_id, client_id="x", idempotency_key=uuid4().hex, source=account, currency="GBP",
        amount_minor=AMOUNT, reference="x", payee_iban="DE89370400440532013000", payee_name="Dora", hold=held,
        status=Transfer.Status.PENDING,
    )  # fmt: skip
    return made.pk


@pytest.mark.django_db(transaction=True)
def test_whatever_other_banks_say_in_whatever_order(alice, monkeypatch):
    """Each message has an effect only once, and the money of each transfer is taken once and given back once."""
    number = int(os.environ.get("SEED") or random.SystemRandom().randrange(10**9))
    print(f"SEED={number} repeats this")  # noqa: T201 (pytest shows it where it fails)
    SchemeMachine.people = (alice,)
    SchemeMachine.officers = tuple(oversight.Officer(officer(name, "freeze_account")) for name in ("first", "second"))
    SchemeMachine.others = others = OtherBanks()
    monkeypatch.setattr("banking.payments.scheme.configured_scheme", lambda: others)
    phases = [Phase.generate, Phase.shrink] if "SEED" in os.environ else [Phase.generate]
    run_state_machine_as_test(
        seed(number)(SchemeMachine),
        settings=settings(
            max_examples=int(os.environ.get("EXAMPLES") or 10), stateful_step_count=30, deadline=None, database=None,
            phases=phases, suppress_health_check=list(HealthCheck),
        ),
    )  # fmt: skip
