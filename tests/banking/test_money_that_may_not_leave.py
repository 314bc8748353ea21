"""No money leaves a frozen or closed account, or an account of a disabled user; and what happens to transfers on their
way.
"""

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone
from procrastinate.contrib.django.models import ProcrastinateJob

from banking import ledger, orders, oversight, payments
from banking.ledger.bulk import Posting, post_all
from banking.ledger.refusals import AccountNotOpen
from banking.models import Account, AccountFreeze, LedgerTransaction, ReversalRequest, ScheduledTransfer, Transfer
from banking.oversight.own_money import OwnMoney
from banking.oversight.reversals import AlreadyRequested, SameUser
from banking.payments import scheme
from banking.payments.refusals import NotOwed
from tests.lib.ledger import FUNDS_MINOR, balances, held
from tests.lib.other_banks import OtherBanks
from tests.lib.staff import browser_of, officer
from tests.lib.transfers import ELSEWHERE, body_of, send

pytestmark = pytest.mark.django_db
RIGHTS = ("freeze_account", "request_reversal", "approve_reversal")


@pytest.fixture
def first(db):
    return oversight.Officer(officer("first", *RIGHTS))


@pytest.fixture
def second(db):
    return oversight.Officer(officer("second", *RIGHTS))


@pytest.fixture
def handed_over(monkeypatch):
    """Returns the ids of the transfers that were handed over to the other bank."""
    others = OtherBanks()
    monkeypatch.setattr("banking.payments.scheme.configured_scheme", lambda: others)
    return others.handed_over


@pytest.fixture
def pending(handed_over, alice_api, current):
    answer = send(alice_api, body_of(current, ELSEWHERE))
    return Transfer.objects.get(pk=answer.json()["id"])


@pytest.fixture
def stop(first, second, alice, current):
    """Changes the account or its user so that it may not pay."""

    def how(what):
        if what == "frozen":
            oversight.freeze(current.pk, by=first, reason="Police")
        elif what == "closed":
            with transaction.atomic():
                ledger.post([(current, -FUNDS_MINOR), (_clearing(current), FUNDS_MINOR)], description="x", kind="x")
            Account.objects.filter(pk=current.pk).update(status="closed")
        else:
            alice.is_active = False
            alice.save(update_fields=["is_active"])
        current.refresh_from_db()

    return how


def _clearing(account):
    return Account.objects.get(kind="internal", name="Clearing", currency=account.currency)


def test_the_receipt_says_why_a_transfer_waits(pending, stop, browser):
    assert "An account was frozen" not in (page := browser.get(f"/bank/transfers/{pending.pk}").content.decode())
    assert "until the other bank has answered" in page
    stop("frozen")
    payments.settle(pending.pk)
    assert "An account was frozen" in browser.get(f"/bank/transfers/{pending.pk}").content.decode()


# --- every kind of outgoing payment


def _by_the_api(alice_api, source, destination):
    answer = send(alice_api, body_of(source, destination))
    assert answer.status_code in (401, 403, 409), answer.content


def _by_an_order(source, **destination):
    today = timezone.localdate()
    order = ScheduledTransfer.objects.create(
        user=source.holder, client_id="x", idempotency_key="k", source=source, currency="GBP", amount_minor=1,
        reference="Rent", frequency="once", first_on=today, next_on=today,
        resumed_at=timezone.now(), **destination,
    )  # fmt: skip
    orders.run_due()
    assert not order.transfers.exclude(status="rejected").exists()


def _refused(work):
    with pytest.raises(AccountNotOpen), transaction.atomic():
        work()


WAYS = {
    "a transfer to an own account": lambda api, current, savings, of_bob: _by_the_api(api, current, savings),
    "a transfer to somebody here": lambda api, current, savings, of_bob: _by_the_api(
        api, current, {"scheme": "iban", "identifier": of_bob.iban, "name": "Bob"}
    ),
    "a transfer to another bank": lambda api, current, savings, of_bob: _by_the_api(api, current, ELSEWHERE),
    "an order to an own account": lambda api, current, savings, of_bob: _by_an_order(current, destination=savings),
    "an order to another bank": lambda api, current, savings, of_bob: _by_an_order(
        current, payee_iban="DE89370400440532013000", payee_name="Dora"
    ),
}
LEDGERS_OWN = {
    "a posting": lambda current, savings: ledger.post([(current, -1), (savings, 1)], description="x", kind="x"),
    "a posting in bulk": lambda current, savings: post_all(
        [Posting(current.pk, savings.pk, 1, "x", "x", timezone.now())]
    ),
    "a hold": lambda current, savings: ledger.hold(current, 1, until=timezone.now()),
}


@pytest.mark.parametrize("what", ["frozen", "closed", "disabled"])
@pytest.mark.parametrize("way", WAYS)
def test_no_payment_leaves(way, what, stop, alice_api, current, savings, of_bob, handed_over):
    stop(what)
    before = balances(current, savings, of_bob)
    WAYS[way](alice_api, current, savings, of_bob)
    assert balances(current, savings, of_bob) == before
    assert (held(current), handed_over) == (0, [])


@pytest.mark.parametrize("what", ["frozen", "closed"])
@pytest.mark.parametrize("way", LEDGERS_OWN)
def test_the_ledger_itself_lets_nothing_leave(way, what, stop, current, savings):
    stop(what)
    _refused(lambda: LEDGERS_OWN[way](current, savings))


def test_a_hold_on_an_account_that_was_frozen_since_is_not_captured(stop, current, savings):
    kept = ledger.hold(current, 5, until=timezone.now() + timedelta(days=1))
    stop("frozen")
    _refused(lambda: ledger.post([(current, -5), (savings, 5)], description="x", kind="x", capturing=kept))
    assert held(current) == 5


def test_a_hold_without_a_transfer_expires(current, pending):
    """The hold of a transfer ends with the transfer instead."""
    for days in (-1, 1):
        ledger.hold(current, 5, until=timezone.now() + timedelta(days=days))
    assert payments.expire() == 1
    assert payments.expire() == 0
    assert held(current) == 2500 + 5


# --- a transfer on its way to another bank


@pytest.mark.parametrize("what", ["frozen", "disabled"])
def test_it_is_not_handed_over(what, stop, alice, first, second, current, pending, handed_over):
    """The bank never pays for somebody who may not pay; the money stays held, and can be cancelled or expires."""
    stop(what)
    payments.settle(pending.pk)
    payments.settle(pending.pk)
    pending.refresh_from_db()
    assert (pending.status, pending.status_reason, pending.submitted_at) == ("pending", "account_not_open", None)
    assert (held(current), handed_over) == (2500, [])
    assert payments.resume() == 0
    assert handed_over == []
    if what == "frozen":
        Account.objects.filter(pk=current.pk).update(status="open")
    else:
        alice.is_active = True
        alice.save(update_fields=["is_active"])
    payments.resume()
    pending.refresh_from_db()
    assert (pending.status, pending.status_reason, handed_over) == ("posted", "", [pending.pk])


def test_unfreezing_hands_over_what_was_withheld_at_once(stop, first, second, current, pending):
    stop("frozen")
    payments.settle(pending.pk)
    jobs = ProcrastinateJob.objects.filter(task_name="banking.settle_transfer")
    before = jobs.count()
    oversight.unfreeze(current.pk, by=second, reason="x")
    assert jobs.count() == before + 1


def test_apps_hear_that_it_is_withheld(stop, monkeypatch, current, pending):
    told = []
    monkeypatch.setattr("banking.webhooks.announce", lambda events: told.extend(events))
    stop("frozen")
    payments.settle(pending.pk)
    payments.settle(pending.pk)
    assert told == [("transfer.updated", current.pk, pending.pk)]


@pytest.fixture
def owed(stop, pending, monkeypatch):
    """A transfer whose account was frozen while the other bank answered: the other bank was paid, and the money is
    still held.
    """

    def answer():
        if not AccountFreeze.objects.exists():
            stop("frozen")
        return scheme.Outcome()

    others = OtherBanks(answer)
    monkeypatch.setattr("banking.payments.scheme.configured_scheme", lambda: others)
    with pytest.raises(scheme.Unanswered):
        payments.settle(pending.pk)
    pending.refresh_from_db()
    assert payments.is_owed(pending)
    return pending


def test_two_officers_take_what_was_handed_over_to_suspense(owed, first, second, current):
    request = oversight.request_capture(owed.pk, by=first, reason="Paid before the freeze")
    with pytest.raises(SameUser):
        oversight.approve_reversal(request.pk, by=first)
    assert held(current) == 2500
    oversight.approve_reversal(request.pk, by=second)
    owed.refresh_from_db()
    assert (owed.status, owed.transaction_id) == ("posted", ReversalRequest.objects.get().reversal_id)
    assert (balances(current), held(current)) == ([FUNDS_MINOR - 2500], 0)
    assert Account.objects.get(name="Suspense").posted_minor == 2500
    assert owed.hold.status == "captured"
    assert all(finding.is_clean for finding in ledger.audit())


def test_it_is_taken_once_and_only_if_the_other_bank_was_paid(owed, first, second, savings):
    request = oversight.request_capture(owed.pk, by=first, reason="x")
    with pytest.raises(AlreadyRequested):
        oversight.request_capture(owed.pk, by=second, reason="x")
    oversight.decline_reversal(request.pk, by=second, reason="x")
    again = oversight.request_capture(owed.pk, by=first, reason="x")
    oversight.unfreeze(owed.source_id, by=second, reason="x")
    payments.settle(owed.pk)  # the account is open again, so that the transfer was settled
    with pytest.raises(NotOwed):
        oversight.approve_reversal(again.pk, by=second)
    with pytest.raises(NotOwed):
        oversight.request_capture(owed.pk, by=first, reason="x")


def test_nobody_takes_it_for_money_that_was_never_handed_over(stop, first, pending):
    stop("frozen")
    payments.settle(pending.pk)
    pending.refresh_from_db()
    with pytest.raises(NotOwed):
        oversight.request_capture(pending.pk, by=first, reason="x")


def test_nobody_asks_for_it_or_decides_about_it_with_access_to_the_account(owed, first, alice):
    with pytest.raises(OwnMoney):
        oversight.request_capture(owed.pk, by=oversight.Officer(alice), reason="x")
    request = oversight.request_capture(owed.pk, by=first, reason="x")
    with pytest.raises(OwnMoney):
        oversight.approve_reversal(request.pk, by=oversight.Officer(alice))
    with pytest.raises(IntegrityError, match="touched account"), transaction.atomic():
        ReversalRequest.objects.filter(pk=request.pk).update(
            status="declined", decided_by=alice, decided_at=timezone.now()
        )


def test_officers_do_it_in_the_admin(owed, first, second, current):
    asking = browser_of(first.user)
    page = f"/admin/banking/transfer/{owed.pk}"
    assert "request-capture" in asking.get(f"{page}/change/").content.decode()
    assert asking.post(f"{page}/request-capture/", {"reason": "Paid"}).status_code == 302
    request = ReversalRequest.objects.get()
    deciding, url = browser_of(second.user), f"/admin/banking/reversalrequest/{request.pk}"
    shown = deciding.get(f"{url}/approve/").content.decode()
    assert "Dora Demir" in shown
    assert "25.00" in shown
    assert deciding.get("/admin/banking/reversalrequest/").status_code == 200
    assert deciding.post(f"{url}/approve/", {"reason": ""}).status_code == 302
    assert balances(current) == [FUNDS_MINOR - 2500]
    assert "request-capture" not in asking.get(f"{page}/change/").content.decode()


def test_without_an_approval_nothing_debits_a_frozen_account(owed, first, current, savings):
    """An open request, a declined one and somebody else's approval do not count."""
    oversight.request_capture(owed.pk, by=first, reason="x")
    _refused(lambda: ledger.post([(current, -1), (savings, 1)], description="x", kind="x"))
    assert LedgerTransaction.objects.filter(kind="x").count() == 0
