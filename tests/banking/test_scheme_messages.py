"""Payments, refusals and returns by other banks: each message counts once. In whatever order they arrive, money is
taken once and given back once.
"""

from itertools import permutations
from uuid import UUID

import pytest
import time_machine
from django.db import IntegrityError, ProgrammingError, connection, transaction
from django.utils import timezone
from procrastinate.contrib.django.models import ProcrastinateJob

from banking import ledger, oversight, payments
from banking.ledger import audit
from banking.ledger.refusals import NotReversible
from banking.models import Account, LedgerTransaction, SchemeMessage, Transfer
from banking.payments.incoming import LONGEST_ANSWER
from banking.payments.messages import DifferentMessage, MalformedMessage
from banking.payments.scheme import IncomingAnswer, IncomingPayment, IncomingReturn, Outcome, Unanswered
from tests.lib.beside import Beside
from tests.lib.database import within_this_transaction
from tests.lib.ledger import FUNDS_MINOR, balances, funded, held
from tests.lib.other_banks import OtherBanks
from tests.lib.staff import browser_of, officer
from tests.lib.threads import in_parallel
from tests.lib.transfers import ELSEWHERE, body_of, send

pytestmark = pytest.mark.django_db
RIGHTS = ("freeze_account", "request_reversal", "approve_reversal")


@pytest.fixture
def others(monkeypatch):
    others = OtherBanks()
    monkeypatch.setattr("banking.payments.scheme.configured_scheme", lambda: others)
    return others


@pytest.fixture
def handed_over(others, alice_api, current):
    """A transfer of 25.00 that was handed over to another bank, which has not answered yet."""
    transfer = Transfer.objects.get(pk=send(alice_api, body_of(current, ELSEWHERE)).json()["id"])
    others.outcome = Unanswered("timeout")
    with pytest.raises(Unanswered):
        payments.settle(transfer.pk)
    others.outcome = Outcome()
    return transfer


@pytest.fixture
def first(db):
    return oversight.Officer(officer("first", *RIGHTS))


@pytest.fixture
def second(db):
    return oversight.Officer(officer("second", *RIGHTS))


@pytest.fixture(autouse=True)
def _audited():
    yield
    if not connection.needs_rollback:
        assert [one.question for one in audit() if not one.is_clean] == []


def incoming(account, amount_minor=1200, message_id="in-1", **members):
    given = {"currency": "GBP", "debtor_name": "Dora Demir", "debtor_iban": "DE89370400440532013000", **members}
    iban = getattr(account, "iban", account)
    return IncomingPayment(message_id, amount_minor, creditor_iban=iban, reference="Rent", **given)


def accepted(transfer, number=1):
    return payments.receive_answer(IncomingAnswer(f"a{number}", transfer.pk.hex))


def refused(transfer, number=1, reason="AC06"):
    return payments.receive_answer(IncomingAnswer(f"n{number}", transfer.pk.hex, reason))


def returned(transfer, number=1, reason="AC04", **members):
    given = {"amount_minor": transfer.amount_minor, "currency": transfer.currency, **members}
    return payments.receive_return(IncomingReturn(f"r{number}", transfer.pk.hex, reason=reason, **given))


def state(transfer):
    transfer.refresh_from_db()
    source = Account.objects.get(pk=transfer.source_id)
    return transfer.status, source.posted_minor, source.held_minor


def of_bank(name):
    return sum(Account.objects.filter(kind="internal", name__startswith=name).values_list("posted_minor", flat=True))


# --- incoming payments


def test_money_is_credited_once_however_often_the_message_comes(current, alice_api):
    first = payments.receive_payment(incoming(current))
    again = payments.receive_payment(incoming(current))
    assert (first.status, again.pk, balances(current)) == ("done", first.pk, [FUNDS_MINOR + 1200])
    [shown, _opening] = alice_api.get(f"/api/v1/accounts/{current.pk}/transactions").json()["data"]
    assert (shown["kind"], shown["direction"], shown["amount"]["minor_units"]) == ("incoming_payment", "in", 1200)
    assert shown["counterparty"] == {"name": "Dora Demir", "identifier_masked": "DE••••••••••••••••3000"}
    assert of_bank("Incoming payments") == -1200


@pytest.mark.django_db(transaction=True)
def test_a_message_that_comes_twice_in_the_same_moment_counts_once(current):
    """Both deliveries find no row, so the unique key decides."""
    beside = Beside(lambda: payments.receive_payment(incoming(current)))
    with transaction.atomic():
        ledger.lock([current.pk])
        beside.start_and_wait()
        received = payments.receive_payment(incoming(current))
    beside.join()
    assert [one.pk for one in beside.results] == [received.pk]
    assert balances(current) == [FUNDS_MINOR + 1200]


def test_another_payment_under_a_known_id_is_refused(current):
    payments.receive_payment(incoming(current))
    with pytest.raises(DifferentMessage):
        payments.receive_payment(incoming(current, 1300))
    assert balances(current) == [FUNDS_MINOR + 1200]


@pytest.mark.parametrize(
    "wrong",
    [
        {"message_id": ""}, {"message_id": "a b"}, {"message_id": "x" * 141}, {"amount_minor": 0}, {"amount_minor": -5},
        {"amount_minor": 10**15 + 1}, {"amount_minor": 1.5}, {"currency": "XXX"}, {"end_to_end_id": "x" * 36},
    ],
)  # fmt: skip
def test_a_malformed_message_moves_nothing(current, wrong):
    with pytest.raises(MalformedMessage):
        payments.receive_payment(incoming(current, **wrong))
    assert balances(current) == [FUNDS_MINOR]


def test_texts_of_other_banks_are_sanitized(current):
    """The text appears on pages, in emails and in statements: it must have no NUL, no control characters for the
    direction, and not be too long.
    """
    payments.receive_payment(
        incoming(current, debtor_name="Do\x00ra\u202e\n" + "x" * 300, debtor_iban="\x00" + "9" * 99)
    )
    entry = current.entries.get(transaction__kind="incoming_payment")
    assert entry.counterparty_name.startswith("Do ra x")
    assert (len(entry.counterparty_name), len(entry.counterparty_iban)) == (140, 34)


def test_a_frozen_account_is_credited(current, first):
    oversight.freeze(current.pk, by=first, reason="x")
    assert payments.receive_payment(incoming(current)).status == "done"
    assert balances(current) == [FUNDS_MINOR + 1200]


@pytest.fixture
def closed(alice):
    account = funded(alice, "Closed", amount_minor=0)
    Account.objects.filter(pk=account.pk).update(status="closed")
    return account


@pytest.mark.parametrize(("which", "reason"), [("unknown", "AC01"), ("closed", "AC04"), ("currency", "AC09")])
def test_money_that_cannot_be_credited_goes_to_suspense_and_back(others, current, closed, which, reason):
    account = {"unknown": "GB33BUKB20201555555555", "closed": closed, "currency": current}[which]
    message = payments.receive_payment(incoming(account, currency="EUR" if which == "currency" else "GBP"))
    assert (message.status, message.reason_code, message.account_id) == ("to_return", reason, None)
    assert (of_bank("Suspense"), of_bank("Incoming payments")) == (1200, -1200)
    [job] = ProcrastinateJob.objects.filter(task_name="banking.give_back_payment")
    assert job.args == {"message_id": str(message.pk)}
    payments.give_back(message.pk)
    payments.give_back(message.pk)
    assert [(one.original_id, one.amount_minor, one.reason) for one in others.given_back] == [("in-1", 1200, reason)]
    message.refresh_from_db()
    assert (message.status, of_bank("Suspense"), of_bank("Incoming payments")) == ("given_back", 0, 0)
    assert payments.receive_payment(incoming(account, currency=message.currency)).status == "given_back"


def test_what_the_other_bank_does_not_take_back_stays_in_suspense(others, closed):
    message = payments.receive_payment(incoming(closed))
    others.outcome = Unanswered("timeout")
    with pytest.raises(Unanswered):
        payments.give_back(message.pk)
    assert payments.resume_giving_back() == 0  # its own job is still working on it
    with time_machine.travel(timezone.now() + LONGEST_ANSWER * 2):
        assert payments.resume_giving_back() == 1
        others.outcome = Outcome("AC04")
        assert payments.resume_giving_back() == 0
    message.refresh_from_db()
    assert (message.status, of_bank("Suspense")) == ("suspense", 1200)
    assert {one.return_id for one in others.given_back} == {message.pk.hex}


def test_officers_take_it_out_of_suspense_before_it_is_given_back(others, closed):
    message = payments.receive_payment(incoming(closed))
    first, second = (oversight.Officer(officer(name, "request_reversal", "approve_reversal")) for name in "ab")
    asked = oversight.request_reversal(message.transaction_id, by=first, reason="x")
    reversal = oversight.approve_reversal(asked.pk, by=second).reversal
    payments.give_back(message.pk)
    message.refresh_from_db()
    assert (message.status, message.given_back_by) == ("given_back", reversal)
    assert (of_bank("Suspense"), of_bank("Incoming payments")) == (0, 0)


def test_a_bank_without_a_way_out_keeps_it_in_suspense(monkeypatch, closed):
    message = payments.receive_payment(incoming(closed))
    monkeypatch.setattr("banking.payments.scheme.configured_scheme", lambda: None)
    with pytest.raises(Unanswered):
        payments.give_back(message.pk)
    assert of_bank("Suspense") == 1200


# --- an outgoing payment: messages in every order


def test_a_returned_payment_comes_back_with_its_reason(alice_api, current, handed_over):
    accepted(handed_over)
    assert state(handed_over) == ("posted", FUNDS_MINOR - 2500, 0)
    assert returned(handed_over).status == "done"
    body = alice_api.get(f"/api/v1/transfers/{handed_over.pk}").json()
    assert (body["status"], body["status_reason"], body["status_reason_code"]) == ("returned", "account_closed", "AC04")
    back, taken, _ = alice_api.get(f"/api/v1/accounts/{current.pk}/transactions").json()["data"]
    assert (back["kind"], back["direction"], back["reverses"], back["id"]) == (
        "return", "in", taken["id"], body["reversed_by"],
    )  # fmt: skip
    assert back["counterparty"] == taken["counterparty"]
    assert back["counterparty"]["name"] == "Dora Demir", "not the bank's own account"
    assert body["transaction_ids"] == [taken["id"]]
    assert balances(current) == [FUNDS_MINOR]


_TELL = {"accepted": accepted, "refused": refused, "returned": returned}


@pytest.mark.parametrize("refusal", ["refused", "returned"])
@pytest.mark.parametrize(
    "order", sorted({*permutations(["accepted", "back", "back"]), *permutations(["accepted", "accepted", "back"])})
)
def test_in_every_order_the_money_is_back_once(handed_over, others, refusal, order):
    """Each message has its own id, so only the state of the transfer shows what has happened before."""
    for number, what in enumerate(order):
        _TELL[refusal if what == "back" else what](handed_over, number)
    status, posted, on_hold = state(handed_over)
    assert (posted, on_hold) == (FUNDS_MINOR, 0)
    assert status == ("rejected" if refusal == "refused" and order[0] == "back" else "returned")
    with pytest.raises(IntegrityError, match="is final"), transaction.atomic():
        Transfer.objects.filter(pk=handed_over.pk).update(status="posted")
    payments.settle(handed_over.pk)  # its job is late
    assert state(handed_over) == (status, posted, on_hold)


@pytest.mark.parametrize("was_accepted", [False, True], ids=["refused", "returned"])
def test_a_retry_gets_the_transfer_as_it_was_made_whatever_the_other_bank_said(
    alice_api, current, others, was_accepted
):
    first = send(alice_api, body_of(current, ELSEWHERE)).json()
    others.outcome = Outcome() if was_accepted else Outcome("AC04")
    payments.settle(UUID(first["id"]))
    if was_accepted:
        payments.receive_return(IncomingReturn("ret-1", UUID(first["id"]).hex, 2500, "GBP", "AC04"))
    assert alice_api.get(f"/api/v1/transfers/{first['id']}").json()["status_reason_code"] == "AC04"
    assert send(alice_api, body_of(current, ELSEWHERE)).json() == first


def test_each_message_is_answered_as_it_was(handed_over):
    assert [accepted(handed_over).status, accepted(handed_over).status] == ["done", "done"]
    assert [returned(handed_over).status, returned(handed_over).status] == ["done", "done"]
    assert [accepted(handed_over, 2).status, returned(handed_over, 2).status] == ["repeated", "repeated"]
    assert [refused(handed_over, 2).status, SchemeMessage.objects.count()] == ["repeated", 5]


def test_what_contradicts_what_we_know_moves_nothing(handed_over):
    refused(handed_over)
    assert [accepted(handed_over, 2).status, returned(handed_over, 2).status] == ["disputed", "disputed"]
    assert state(handed_over) == ("rejected", FUNDS_MINOR, 0)


@pytest.mark.parametrize("wrong", [{"amount_minor": 2400}, {"currency": "EUR"}])
def test_a_return_of_another_amount_moves_nothing(handed_over, wrong):
    accepted(handed_over)
    assert returned(handed_over, **wrong).status == "disputed"
    assert state(handed_over) == ("posted", FUNDS_MINOR - 2500, 0)


@pytest.mark.parametrize("payment_id", ["x", "0" * 32, "internal", "cancelled"])
def test_nothing_comes_back_for_what_was_never_handed_over(others, alice_api, current, savings, payment_id):
    """The message names a transfer that is unknown, within this bank or was cancelled before, or its id is
    malformed.
    """
    if payment_id in ("internal", "cancelled"):
        to = savings if payment_id == "internal" else ELSEWHERE
        pk = send(alice_api, body_of(current, to)).json()["id"]
        if payment_id == "cancelled":
            payments.cancel(UUID(pk))
        payment_id = UUID(pk).hex
    before = balances(current, savings)
    told = [
        payments.receive_answer(IncomingAnswer("a", payment_id)),
        payments.receive_answer(IncomingAnswer("n", payment_id, "AC04")),
        payments.receive_return(IncomingReturn("r", payment_id, 2500, "GBP", "AC04")),
    ]
    assert [one.status for one in told] == ["disputed"] * 3
    assert (balances(current, savings), held(current)) == (before, 0)


@pytest.mark.django_db(transaction=True)
def test_all_at_once_the_money_is_back_once(handed_over):
    in_parallel(
        lambda: accepted(handed_over), lambda: returned(handed_over), lambda: returned(handed_over, 2),
        lambda: payments.settle(handed_over.pk), lambda: returned(handed_over, 2),
    )  # fmt: skip
    assert state(handed_over) == ("returned", FUNDS_MINOR, 0)
    assert LedgerTransaction.objects.filter(kind="return").count() == 1


# --- accounts that are frozen or closed meanwhile


def test_a_return_to_a_frozen_account_is_credited(handed_over, current, first):
    accepted(handed_over)
    oversight.freeze(current.pk, by=first, reason="x")
    assert returned(handed_over).status == "done"
    assert state(handed_over) == ("returned", FUNDS_MINOR, 0)


def test_a_return_before_the_acceptance_frees_the_money_of_a_frozen_account(handed_over, current, first):
    """It cannot be debited, so the hold ends instead."""
    oversight.freeze(current.pk, by=first, reason="x")
    assert returned(handed_over).status == "done"
    assert state(handed_over) == ("rejected", FUNDS_MINOR, 0)
    assert (handed_over.status_reason, handed_over.reason_code) == ("account_closed", "AC04")


@pytest.mark.parametrize("how", [payments.settle, lambda _pk: payments.resume()], ids=["its job", "the hourly task"])
def test_a_payment_accepted_while_its_account_was_frozen_is_settled_afterwards(
    others, handed_over, current, first, second, how
):
    """The site does not ask for the status, because the other bank has already sent it in a message."""
    jobs = ProcrastinateJob.objects.filter(task_name="banking.settle_transfer")
    others.outcome = Unanswered("It answers no question.")
    others.asked.clear()
    oversight.freeze(current.pk, by=first, reason="x")
    accepted(handed_over)
    assert state(handed_over) == ("pending", FUNDS_MINOR, 2500)
    before = jobs.count()
    oversight.unfreeze(current.pk, by=second, reason="x")
    assert jobs.count() == before + 1
    how(handed_over.pk)
    assert (state(handed_over), others.asked) == (("posted", FUNDS_MINOR - 2500, 0), [])


def test_a_return_to_a_closed_account_stays_in_suspense(handed_over, current, savings):
    accepted(handed_over)
    ledger.post([(current, 2500 - FUNDS_MINOR), (savings, FUNDS_MINOR - 2500)], description="x", kind="x")
    Account.objects.filter(pk=current.pk).update(status="closed")
    assert [returned(handed_over).status, returned(handed_over, 2).status] == ["suspense", "repeated"]
    assert (state(handed_over), of_bank("Suspense")) == (("posted", 0, 0), 2500)
    assert of_bank("Outgoing payments") == 0


def test_what_officers_gave_back_before_fills_suspense_again(handed_over, first, second):
    """They took the money from suspense, because it had already left the bank."""
    accepted(handed_over)
    paid = LedgerTransaction.objects.get(transfer=handed_over)
    oversight.approve_reversal(oversight.request_reversal(paid.pk, by=first, reason="x").pk, by=second)
    assert of_bank("Suspense") == -2500
    assert [returned(handed_over).status, returned(handed_over, 2).status] == ["suspense", "repeated"]
    assert (state(handed_over), of_bank("Suspense")) == (("posted", FUNDS_MINOR, 0), 0)
    # otherwise, our clearing account would show that the other bank still has the money
    with pytest.raises(NotReversible):
        oversight.request_reversal(LedgerTransaction.objects.get(kind="return", reverses=None).pk, by=first, reason="x")


def test_what_officers_took_to_suspense_comes_back_from_there(handed_over, current, first, second):
    oversight.freeze(current.pk, by=first, reason="x")
    accepted(handed_over)
    oversight.approve_reversal(oversight.request_capture(handed_over.pk, by=first, reason="x").pk, by=second)
    assert returned(handed_over).status == "done"
    assert (state(handed_over), of_bank("Suspense")) == (("returned", FUNDS_MINOR, 0), 0)


# --- hand-over, and a process that dies on the way


def test_what_was_handed_over_is_asked_about_and_never_paid_twice(others, handed_over):
    payments.settle(handed_over.pk)
    assert (others.handed_over, others.asked) == ([handed_over.pk], [handed_over.pk])
    assert state(handed_over) == ("posted", FUNDS_MINOR - 2500, 0)


def test_a_process_that_died_before_it_handed_over_hands_over_after_it_asked(others, alice_api, current):
    """`submitted_at` is stored, but the other bank has not received the transfer."""
    transfer = Transfer.objects.get(pk=send(alice_api, body_of(current, ELSEWHERE)).json()["id"])
    Transfer.objects.filter(pk=transfer.pk).update(submitted_at=timezone.now())
    payments.settle(transfer.pk)
    assert (others.asked, others.handed_over) == ([transfer.pk], [transfer.pk])
    assert state(transfer)[0] == "posted"


def test_it_is_not_handed_over_again_from_an_account_that_is_frozen_since(others, alice_api, current, first):
    """Officers do not take the money either, because nobody was paid."""
    transfer = Transfer.objects.get(pk=send(alice_api, body_of(current, ELSEWHERE)).json()["id"])
    Transfer.objects.filter(pk=transfer.pk).update(submitted_at=timezone.now())
    oversight.freeze(current.pk, by=first, reason="x")
    with pytest.raises(Unanswered):
        payments.settle(transfer.pk)
    transfer.refresh_from_db()
    assert (others.handed_over, payments.is_owed(transfer), held(current)) == ([], False, 2500)


# --- who reads and who writes


def test_messages_stay_as_they_were_written(closed):
    message = payments.receive_payment(incoming(closed))
    for change in (
        {"amount_minor": 1},
        {"status": "done"},
        {"message_id": "x"},
        {"status": "suspense", "amount_minor": 1},
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            SchemeMessage.objects.filter(pk=message.pk).update(**change)
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        SchemeMessage.objects.all().delete()


def test_a_message_without_its_booking_does_not_commit(current, savings):
    """A row of a message without a ledger transaction must neither credit an account nor return a transfer."""
    posted = ledger.post([(current, -5), (savings, 5)], description="x", kind="x")
    row = {"message_id": "x", "kind": "payment", "status": "done", "amount_minor": 6, "currency": "GBP"}
    with pytest.raises(IntegrityError, match="not credited"):
        _at_commit(lambda: SchemeMessage.objects.create(**row, account=savings, transaction=posted))


def test_a_transfer_is_not_returned_before_the_money_is(handed_over):
    accepted(handed_over)
    with pytest.raises(IntegrityError, match="nothing came back"):
        _at_commit(lambda: Transfer.objects.filter(pk=handed_over.pk).update(status="returned"))


@transaction.atomic
def _at_commit(work):
    work()
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


def test_the_sites_role_may_do_all_of_it_and_change_nothing(others, handed_over, current, closed):
    within_this_transaction()
    payments.receive_payment(incoming(current))
    accepted(handed_over)
    returned(handed_over)
    to_return = payments.receive_payment(incoming(closed, message_id="in-2"))
    payments.give_back(to_return.pk)
    assert state(handed_over) == ("returned", FUNDS_MINOR + 1200, 0)
    for change in ({"amount_minor": 1}, {"transfer": None}, {"reason_code": "X"}):
        with pytest.raises(ProgrammingError, match="permission denied"), transaction.atomic():
            SchemeMessage.objects.update(**change)


def test_staff_find_what_waits_for_them(closed, db):
    payments.receive_payment(incoming(closed))
    page = browser_of(officer("auditor", "view_schememessage")).get(
        "/admin/banking/schememessage/?status__exact=to_return"
    )
    assert "Dora Demir" in page.content.decode()


def test_the_user_sees_why_it_came_back(client, alice, handed_over):
    accepted(handed_over)
    returned(handed_over)
    client.force_login(alice)
    page = client.get(f"/bank/transfers/{handed_over.pk}").content.decode()
    assert "Came back" in page
    assert "The account at the other bank is closed." in page
