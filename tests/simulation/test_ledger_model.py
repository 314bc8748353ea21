"""The ledger on a real PostgreSQL agrees with a model made of a few dictionaries, after any sequence of operations.

After every step, the test compares all accounts and runs the audit. SEED=… repeats a run and looks for the shortest way
to its failure, EXAMPLES=… makes it longer.
"""

import os
import random
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import IntegrityError, OperationalError, transaction
from django.utils import timezone
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

from banking import ledger, payments
from banking.accounts.opening import internal_account, open_account
from banking.ledger.refusals import AmountOutOfRange, Refusal
from banking.models import Account, Hold, LedgerTransaction, Transfer
from banking.payments.idempotency import Answer, IdempotentRequest, fingerprint_of, run_idempotent
from banking.payments.refusals import IdempotencyKeyReused
from tests.lib.crash import Crash, crashing
from tests.lib.exchanges import exchanged, set_rate
from tests.simulation.model import ModelAccount, ModelLedger, Refusals

pytestmark = pytest.mark.simulation

AMOUNTS = st.one_of(st.integers(1, 200), st.integers(1, 2000))
#: A post has eight statements, a payment about twenty. Higher numbers mean “just before COMMIT”.
STATEMENTS = st.integers(1, 6)


class LedgerMachine(RuleBasedStateMachine):
    people: tuple[Any, ...] = ()

    accounts = Bundle("accounts")
    holds = Bundle("holds")
    postings = Bundle("postings")
    answered = Bundle("answered")

    def __init__(self) -> None:
        super().__init__()
        self.model = ModelLedger()
        self.world = internal_account("GBP", "Clearing")
        self.euros: dict[UUID, Account] = {}

    @initialize(target=accounts)
    def open(self) -> Any:
        """Opens accounts: two users with money, one with an overdraft, and an empty one."""
        opened = []
        set_rate()
        for person in self.people:
            self.euros[person.pk] = open_account(person, name="x", currency="EUR")
            self.model.accounts[self.euros[person.pk].pk] = ModelAccount()
        for owner, overdraft_minor, amount_minor in ((0, 0, 1500), (1, 0, 1500), (1, 300, 800), (0, 0, 0)):
            account = open_account(self.people[owner], name="x", currency="GBP", overdraft_minor=overdraft_minor)
            self.model.accounts[account.pk] = ModelAccount(overdraft_minor)
            if amount_minor:
                self.post((self.world, -amount_minor), (account, amount_minor))
            opened.append(account)
        return multiple(*opened)

    @rule(target=postings, account=accounts, amount_minor=AMOUNTS)
    def deposit(self, account: Account, amount_minor: int) -> Any:
        return self.post((self.world, -amount_minor), (account, amount_minor))

    @rule(target=postings, source=accounts, destination=accounts, amount_minor=AMOUNTS)
    def transfer(self, source: Account, destination: Account, amount_minor: int) -> Any:
        return self.post((source, -amount_minor), (destination, amount_minor))

    @rule(account=accounts, status=st.sampled_from(["open", "frozen"]))
    def freeze_or_open(self, account: Account, status: str) -> None:
        Account.objects.filter(pk=account.pk).update(status=status)
        self.model.accounts[account.pk].status = status

    @rule(target=postings, original=postings)
    def reverse(self, original: LedgerTransaction) -> Any:
        undone = self.expect(
            self.model.refuses_reversal(original.pk),
            lambda: ledger.in_transaction(lambda: ledger.reverse(original)),
        )
        if undone is None:
            return multiple()
        self.model.reverse(original.pk, undone.pk)
        return undone

    @rule(target=holds, account=accounts, amount_minor=AMOUNTS)
    def hold(self, account: Account, amount_minor: int) -> Any:
        until = timezone.now() + timedelta(days=1)
        held = self.expect(
            self.model.refuses_hold(account.pk, amount_minor),
            lambda: ledger.in_transaction(lambda: ledger.hold(account, amount_minor, until=until)),
        )
        if held is None:
            return multiple()
        self.model.hold(held.pk, account.pk, amount_minor)
        return held

    @rule(target=postings, held=holds)
    def capture(self, held: Hold) -> Any:
        if not self.model.holds[held.pk].is_pending:
            self.is_final(held, lambda: self.post((held.account, -1), (self.world, 1), capturing=held))
            return multiple()
        return self.post((held.account, -held.amount_minor), (self.world, held.amount_minor), capturing=held)

    @rule(held=holds, status=st.sampled_from([Hold.Status.RELEASED, Hold.Status.EXPIRED]))
    def release_or_expire(self, held: Hold, status: Hold.Status) -> None:
        def give_back() -> None:
            ledger.lock([held.account_id])
            ledger.release(held, status=status)

        if not self.model.holds[held.pk].is_pending:
            self.is_final(held, lambda: ledger.in_transaction(give_back))
            return
        ledger.in_transaction(give_back)
        self.model.end_hold(held.pk)

    @rule(target=postings, account=accounts, amount_minor=AMOUNTS, is_back=st.booleans())
    def exchange(self, account: Account, amount_minor: int, is_back: bool) -> Any:
        """The audit then checks that each currency sums to zero, and that the amounts follow the rate."""
        euro = self.euros[account.holder_id]
        source, destination = (euro, account) if is_back else (account, euro)
        part = Decimal("0.995") / Decimal("1.17") if is_back else Decimal("0.995") * Decimal("1.17")
        bought_minor = int(amount_minor * part)
        refusals = self.model.refuses((source.pk, -amount_minor), (destination.pk, bought_minor))
        user = SimpleNamespace(pk=account.holder_id)
        done = self.expect(
            refusals | ({AmountOutOfRange} if not bought_minor else set()),
            lambda: ledger.in_transaction(lambda: exchanged(user, source, destination, amount_minor, source.currency)),
        )
        if done is None:
            return multiple()
        self.model.exchange((done.sold_id, source.pk, -amount_minor), (done.bought_id, destination.pk, bought_minor))
        return multiple(done.sold, done.bought)

    @rule(target=answered, source=accounts, destination=accounts, amount_minor=AMOUNTS)
    def pay(self, source: Account, destination: Account, amount_minor: int) -> Any:
        request = (f"key-{uuid4()}", source, destination, amount_minor)
        return self.answered_as_due(request, self.send(*request))

    @rule(request=answered, is_same=st.booleans())
    def retry(self, request: Any, is_same: bool) -> None:
        (key, source, destination, amount_minor), first = request
        if is_same:
            again = self.send(key, source, destination, amount_minor)
            assert again == Answer(first.status, first.body, is_replay=True)
        else:
            with pytest.raises(IdempotencyKeyReused):
                self.send(key, source, destination, amount_minor + 1)

    @rule(target=answered, source=accounts, destination=accounts, amount_minor=AMOUNTS, before=STATEMENTS)
    def pay_while_it_crashes(self, source: Account, destination: Account, amount_minor: int, before: int) -> Any:
        """Either the transaction is retried automatically, or nothing was done and the app tries again. In both cases,
        the payment is made once.
        """
        request = (f"key-{uuid4()}", source, destination, amount_minor)
        try:
            with crashing(before_statement=before) as crash:
                answer = self.send(*request, crash=crash)
        except OperationalError:
            assert not Transfer.objects.filter(idempotency_key=request[0]).exists()
            answer = self.send(*request)
        assert not answer.is_replay
        return self.answered_as_due(request, answer)

    @rule(source=accounts, destination=accounts, amount_minor=AMOUNTS, before=STATEMENTS)
    def post_and_crash(self, source: Account, destination: Account, amount_minor: int, before: int) -> None:
        """The operation must have no effect. The invariants below compare the ledger with a model in which nothing
        happened.
        """
        entries = [(source, -amount_minor), (destination, amount_minor)]

        @transaction.atomic
        def post_and_die() -> None:
            ledger.post(entries, description="x", kind="test")
            crash.now()

        with crashing(before_statement=before) as crash, pytest.raises((OperationalError, Refusal)):
            post_and_die()

    @rule(held=consumes(holds))
    def forget(self, held: Hold) -> None:
        """Stops other rules from using this hold; otherwise they would mostly get holds that have ended."""

    @invariant()
    def accounts_are_as_in_the_model(self) -> None:
        fields = ("overdraft_minor", "posted_minor", "held_minor", "status")
        stored = Account.objects.filter(pk__in=self.model.accounts).values_list("pk", *fields)
        assert {pk: ModelAccount(*values) for pk, *values in stored} == self.model.accounts

    @invariant()
    def audit_is_clean(self) -> None:
        assert all(finding.is_clean for finding in ledger.audit())

    # --- helpers of the rules

    def expect(self, refusals: Refusals, work: Callable[[], Any]) -> Any:
        """Returns the result of `work`; None if it is refused. It must be refused if and only if there is one of these
        reasons.
        """
        try:
            result = work()
        except Refusal as refusal:
            result, refused_with = None, {type(refusal)}
        else:
            refused_with = set()
        assert refused_with <= refusals, (refused_with, refusals)
        assert refused_with or not refusals, refusals
        return result

    def post(self, *entries: tuple[Account, int], capturing: Hold | None = None) -> Any:
        due = [(account.pk, amount_minor) for account, amount_minor in entries]
        held = capturing.pk if capturing else None
        posted = self.expect(
            self.model.refuses(*due, capturing=held),
            lambda: ledger.in_transaction(
                lambda: ledger.post(entries, description="x", kind="test", capturing=capturing)
            ),
        )
        if posted is None:
            return multiple()
        self.model.post(posted.pk, *due, capturing=held)
        return posted

    def is_final(self, held: Hold, work: Callable[[], Any]) -> None:
        with pytest.raises(IntegrityError, match="is final"):
            work()

    def send(
        self, key: str, source: Account, destination: Account, amount_minor: int, *, crash: Crash | None = None
    ) -> Answer:
        is_own = source.holder_id == destination.holder_id
        order = payments.PaymentOrder(
            user_id=source.holder_id, client_id="app", key=key, source=source, destination=destination,
            amount_minor=amount_minor, currency="GBP", reference="x", payee_iban="" if is_own else destination.iban,
        )  # fmt: skip

        def work() -> Answer:
            try:
                made = payments.make(order)
            except Refusal as refusal:
                return Answer(422, {"code": refusal.code})
            if crash:
                crash.now()
            return Answer(201, {"id": str(made.pk), "transaction": str(made.transaction_id)})

        body = {"to": str(destination.pk), "amount": amount_minor}
        request = IdempotentRequest("app", str(source.holder_id), "x", key, fingerprint_of(body))
        return run_idempotent(
            request, work, made_in=Transfer, made_before=lambda: pytest.fail("no record is ever removed here")
        )

    def answered_as_due(self, request: tuple[str, Account, Account, int], answer: Answer) -> Any:
        _, source, destination, amount_minor = request
        due = [(source.pk, -amount_minor), (destination.pk, amount_minor)]
        refusals = self.model.refuses(*due)
        if answer.status == 201:
            assert not refusals, refusals
            self.model.post(UUID(answer.body["transaction"]), *due)
        else:
            assert answer.body["code"] in {refusal.code for refusal in refusals}
        return request, answer


@pytest.mark.django_db(transaction=True)
def test_the_ledger_does_what_the_model_says(alice, bob):
    """Random operations, in parallel and one by one, leave the same accounts as a simple model in memory."""
    number = int(os.environ.get("SEED") or random.SystemRandom().randrange(10**9))
    print(f"SEED={number} repeats this")  # noqa: T201 (pytest shows it where it fails)
    LedgerMachine.people = (alice, bob)
    phases = [Phase.generate, Phase.shrink] if "SEED" in os.environ else [Phase.generate]
    run_state_machine_as_test(
        seed(number)(LedgerMachine),
        settings=settings(
            max_examples=int(os.environ.get("EXAMPLES") or 15), stateful_step_count=30, deadline=None, database=None,
            phases=phases, suppress_health_check=list(HealthCheck),
        ),
    )  # fmt: skip
