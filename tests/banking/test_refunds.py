"""A refund of a direct debit: once, within the time limit, and whatever the creditor's bank answers."""

import json
from datetime import date, datetime, timedelta
from uuid import UUID, uuid4

import pytest
import time_machine
from django.db import IntegrityError, connection, transaction
from django.utils import timezone
from procrastinate.contrib.django.models import ProcrastinateJob

from banking import direct_debits, ledger, oversight, payments, tasks
from banking.account_life.closing import close
from banking.account_life.refusals import NotClosable
from banking.direct_debits.deadlines import deadlines
from banking.direct_debits.refunds import CLAIM
from banking.ledger import audit
from banking.models import Account, AccountAccess, DirectDebitRefund, LedgerTransaction, SchemeMessage
from banking.payments import scheme
from banking.payments.scheme import IncomingCollection, IncomingPayment, NewMandate, Outcome
from tests.lib.bank_notices import sent_notices
from tests.lib.database import within_this_transaction
from tests.lib.ledger import FUNDS_MINOR, balances
from tests.lib.other_banks import OtherBanks
from tests.lib.staff import officer
from tests.lib.threads import in_parallel

pytestmark = pytest.mark.django_db
#: Noon, so that bank days are days of UTC here.
NOW = datetime.now(tz=timezone.get_default_timezone()).replace(hour=12, minute=0, second=0, microsecond=0)


@pytest.fixture(autouse=True)
def _audited():
    yield
    if not connection.needs_rollback:
        assert [one.question for one in audit() if not one.is_clean] == []


@pytest.fixture
def others(monkeypatch):
    banks = OtherBanks()
    monkeypatch.setattr("banking.payments.scheme.configured_scheme", lambda: banks)
    return banks


@pytest.fixture
def collection(current, others):
    direct_debits.receive_mandate(NewMandate("c", "CP-1", "City Power", "DE89370400440532013000", current.iban))
    return direct_debits.receive_collection(IncomingCollection("c-1", "c", "CP-1", 4500, "GBP", "November"))


@pytest.fixture
def app(access_token, api, alice):
    return api(access_token(alice, "direct-debits:read direct-debits:write transactions:read"))


def url_of(collection):
    return f"/api/v1/direct-debits/{collection.mandate_id}/collections"


def ask(api, collection, reason="disputed"):
    body = json.dumps({"reason": reason})
    return api.post(f"{url_of(collection)}/{collection.pk}/refund", body, content_type="application/json")


def ask_directly(collection, user, reason="disputed"):
    return ledger.in_transaction(
        lambda: direct_debits.ask_for_refund(
            collection.pk, reason, among=SchemeMessage.objects.all(), user_id=user.pk, client_id="x", is_proven=True
        )
    )


def age(collection, days):
    """Makes the collection this many days older. Only the owner of the tables can do so."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE scheme_message DISABLE TRIGGER scheme_message_guard")
        SchemeMessage.objects.filter(pk=collection.pk).update(received_at=timezone.now() - timedelta(days=days))
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE scheme_message ENABLE TRIGGER scheme_message_guard")
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")
    collection.refresh_from_db()


def reverse(posted):
    first, second = (oversight.Officer(officer(name, "request_reversal", "approve_reversal")) for name in "ab")
    asked = oversight.request_reversal(posted.pk, by=first, reason="x")
    return oversight.approve_reversal(asked.pk, by=second).reversal


def refund_of(collection):
    return DirectDebitRefund.objects.get(collection=collection)


def test_the_money_is_back_at_once_and_the_creditors_bank_pays(app, others, collection, current, alice):
    [before] = app.get(url_of(collection)).json()["data"]
    assert (before["status"], before["refund"], before["transaction_id"]) == (
        "collected", None, str(collection.transaction_id),
    )  # fmt: skip
    answer = ask(app, collection)
    assert (answer.status_code, answer.json()["refund"]["status"]) == (200, "refunded")
    assert balances(current) == [FUNDS_MINOR]
    assert sent_notices("refunded") == {alice.email}
    refund = refund_of(collection)
    assert refund.status == "refunded"
    [job] = ProcrastinateJob.objects.filter(task_name=CLAIM)
    direct_debits.claim_refund(UUID(job.args["refund_id"]))
    refund.refresh_from_db()
    assert (refund.status, refund.transaction.kind, refund.transaction.reverses_id) == (
        "settled", "refund", collection.transaction_id,
    )  # fmt: skip
    [claim] = others.claimed
    assert (claim.original_id, claim.amount_minor, claim.reason) == ("c-1", 4500, "MD06")
    shown = app.get(f"/api/v1/accounts/{current.pk}/transactions").json()["data"][0]
    assert (shown["kind"], shown["direction"], shown["reverses"], shown["counterparty"]["name"]) == (
        "refund", "in", str(collection.transaction_id), "City Power",
    )  # fmt: skip
    [after] = app.get(url_of(collection)).json()["data"]
    assert after == {**before, "refund": answer.json()["refund"]}
    assert collection.mandate.status == "active"


def test_it_is_refunded_once(app, others, collection, current):
    assert ask(app, collection).status_code == 200
    again = ask(app, collection, "unauthorized")
    assert (again.status_code, again.json()["code"]) == (409, "collection_already_refunded")
    for _ in range(3):
        direct_debits.claim_refund(refund_of(collection).pk)
    assert (balances(current), len(others.claimed)) == ([FUNDS_MINOR], 1)


@pytest.mark.django_db(transaction=True)
def test_asked_on_several_machines_at_once_it_is_refunded_once(others, collection, current, alice):
    def try_it():
        try:
            return ask_directly(collection, alice).pk
        except direct_debits.refusals.AlreadyRefunded:
            return None

    made = [one for one in in_parallel(*[try_it] * 4) if one]
    assert len(made) == 1
    in_parallel(*[lambda: direct_debits.claim_refund(made[0])] * 3)
    assert (balances(current), refund_of(collection).status) == ([FUNDS_MINOR], "settled")
    assert LedgerTransaction.objects.filter(kind="refund").count() == 1


@pytest.mark.parametrize(
    ("days", "reason", "status"),
    [
        (56, "disputed", "refunded"), (57, "disputed", None), (57, "unauthorized", "claimed"),
        (56, "unauthorized", "refunded"), (390, "unauthorized", "claimed"), (400, "unauthorized", None),
    ],
)  # fmt: skip
def test_how_long_it_can_be_asked_back(others, collection, current, alice, app, days, reason, status):
    """EPC016-06 §4.3.4, Directive (EU) 2015/2366 art. 71, 76 and 77."""
    age(collection, days)
    answer = ask(app, collection, reason)
    if status is None:
        assert (answer.status_code, answer.json()["code"]) == (409, "refund_too_late")
        assert not DirectDebitRefund.objects.exists()
        return
    assert (answer.status_code, refund_of(collection).status) == (200, status)
    assert balances(current) == [FUNDS_MINOR if status == "refunded" else FUNDS_MINOR - 4500]


def test_the_last_days_are_of_the_calendar():
    until = deadlines(datetime(2025, 1, 31, 12, tzinfo=timezone.get_default_timezone()))
    assert (until.disputed, until.unauthorized) == (date(2025, 3, 28), date(2026, 2, 28))


@pytest.mark.parametrize(("outcome", "status", "paid_back"), [("", "settled", 4500), ("AM05", "refused", 0)])
def test_an_old_one_is_claimed_first(others, collection, current, alice, app, outcome, status, paid_back):
    age(collection, 200)
    shown = ask(app, collection, "unauthorized").json()
    assert shown["refund"]["status"] == "pending"
    collection.mandate.refresh_from_db()
    assert collection.mandate.status == "cancelled"
    refund = refund_of(collection)
    others.outcome = scheme.Unanswered("timeout")
    with pytest.raises(scheme.Unanswered):
        direct_debits.claim_refund(refund.pk)
    others.outcome = Outcome(outcome)
    direct_debits.claim_refund(refund.pk)
    refund.refresh_from_db()
    assert (refund.status, refund.reason_code, others.claimed[-1].reason) == (status, outcome, "MD01")
    assert balances(current) == [FUNDS_MINOR - 4500 + paid_back]
    assert sent_notices("refund_refused") == ({alice.email} if outcome else set())
    [after] = app.get(url_of(collection)).json()["data"]
    assert after["refund"]["status"] == ("refused" if outcome else "refunded")


def test_what_the_creditors_bank_does_not_pay_is_in_suspense(others, collection, current, app):
    """The user keeps the money."""
    ask(app, collection)
    others.outcome = Outcome("AM05")
    direct_debits.claim_refund(refund_of(collection).pk)
    assert (refund_of(collection).status, balances(current)) == ("contested", [FUNDS_MINOR])
    suspense = Account.objects.get(kind="internal", name__startswith="Suspense")
    assert suspense.posted_minor == -4500
    [shown] = app.get(url_of(collection)).json()["data"]
    assert shown["refund"]["status"] == "refunded"


def test_a_refund_of_an_unauthorized_collection_needs_a_fresh_login(access_token, api, alice, collection, current):
    old = api(access_token(alice, "direct-debits:write", auth_time=timezone.now() - timedelta(hours=1)))
    answer = ask(old, collection, "unauthorized")
    assert (answer.status_code, answer.json()["code"]) == (401, "insufficient_user_authentication")
    assert not DirectDebitRefund.objects.exists()
    assert ask(old, collection).status_code == 200


def test_a_refund_of_an_old_collection_asks_for_a_fresh_login(access_token, api, alice, bob, collection):
    """The app knows the collection from an earlier list. RFC 9470: a challenge, not 404."""
    age(collection, 100)
    stale = api(access_token(alice, "direct-debits:read direct-debits:write", auth_time=None))
    assert stale.get(url_of(collection)).json()["data"] == []
    answer = ask(stale, collection, "unauthorized")
    assert (answer.status_code, answer.json()["code"]) == (401, "insufficient_user_authentication")
    assert 'error="insufficient_user_authentication"' in answer["WWW-Authenticate"]
    assert ask(api(access_token(bob, "direct-debits:write", auth_time=None)), collection).status_code == 404
    fresh = api(access_token(alice, "direct-debits:write"))
    assert ask(fresh, collection, "unauthorized").json()["refund"]["status"] == "pending"


def test_what_officers_gave_back_is_not_refunded(app, collection, current):
    ledger.reverse(collection.transaction)
    answer = ask(app, collection)
    assert (answer.status_code, answer.json()["code"]) == (409, "already_reversed")
    assert not DirectDebitRefund.objects.exists()


def test_what_was_refused_is_not_refunded(app, collection):
    refused = direct_debits.receive_collection(IncomingCollection("c-2", "c", "CP-1", FUNDS_MINOR, "GBP"))
    assert ask(app, refused).status_code == 404
    shown = app.get(url_of(collection)).json()["data"][0]
    assert (shown["status"], shown["status_reason"], shown["status_reason_code"]) == (
        "refused", "insufficient_funds", "AM04",
    )  # fmt: skip
    assert (shown["refundable_until"], shown["transaction_id"]) == (None, None)


def test_a_frozen_account_is_refunded(others, collection, current, savings, alice):
    oversight.freeze(current.pk, by=oversight.Officer(officer("first", "freeze_account")), reason="x")
    assert ask_directly(collection, alice).status == "refunded"


def test_an_account_with_a_claim_is_not_closed(others, collection, current, savings, alice):
    age(collection, 200)
    refund = ask_directly(collection, alice, "unauthorized")
    rest = FUNDS_MINOR - 4500
    ledger.post([(current, -rest), (savings, rest)], description="x", kind="x")
    with pytest.raises(NotClosable), transaction.atomic():
        close(current.pk, by=alice.pk, is_proven=True)
    others.outcome = Outcome("AM05")
    direct_debits.claim_refund(refund.pk)
    close(current.pk, by=alice.pk, is_proven=True)
    assert Account.objects.get(pk=current.pk).status == "closed"


def test_a_closed_account_is_not_refunded(others, collection, current, savings, alice, app):
    rest = FUNDS_MINOR - 4500
    ledger.post([(current, -rest), (savings, rest)], description="x", kind="x")
    close(current.pk, by=alice.pk, is_proven=True)
    assert ask(app, collection).json()["code"] == "account_not_open"


def test_an_app_sees_and_refunds_nothing_from_before_its_history(access_token, api, alice, current, collection):
    detail = {
        "type": "account_information", "identifier": str(uuid4()), "actions": ["transactions"],
        "accounts": [str(current.pk)], "history_from": "2999-01-01",
    }  # fmt: skip
    scope = "direct-debits:read direct-debits:write"
    limited = api(access_token(alice, scope, authorization_details=(detail,)))
    assert limited.get(url_of(collection)).json()["data"] == []
    assert ask(limited, collection).status_code == 404
    age(collection, 91)
    stale = api(access_token(alice, scope, auth_time=timezone.now() - timedelta(hours=1)))
    assert stale.get(url_of(collection)).json()["data"] == []


def test_what_officers_gave_back_meanwhile_is_settled(others, collection, current, alice):
    """The account is credited once, and the creditor's bank pays for the officers' reversal."""
    age(collection, 200)
    refund = ask_directly(collection, alice, "unauthorized")
    by_officers = reverse(collection.transaction)
    direct_debits.claim_refund(refund.pk)
    refund.refresh_from_db()
    assert (refund.status, refund.transaction, balances(current)) == ("settled", by_officers, [FUNDS_MINOR])


def test_a_broken_row_stops_no_other(others, collection, alice):
    """The hourly task asks about the others, also about returns of payments, and then fails."""
    refund = ask_directly(collection, alice)
    broken = payments.receive_payment(IncomingPayment("in-1", 500, "GBP", "GB33BUKB20201555555555"))
    fine = payments.receive_payment(IncomingPayment("in-2", 500, "GBP", "GB33BUKB20201555555555"))
    give_back = others.give_back

    def only_fine(returned):
        if returned.return_id == broken.pk.hex:
            raise KeyError("a bug of the adapter")
        return give_back(returned)

    others.give_back = only_fine
    with time_machine.travel(timezone.now() + timedelta(hours=7)), pytest.raises(scheme.NotAllAsked, match="1 failed"):
        tasks.resume_transfers(timestamp=0)
    for row in (refund, broken, fine):
        row.refresh_from_db()
    assert (refund.status, broken.status, fine.status) == ("settled", "to_return", "given_back")


def test_the_hourly_task_asks_again(others, collection, alice):
    refund = ask_directly(collection, alice)
    assert direct_debits.resume_claims() == 0
    assert others.claimed == []
    with time_machine.travel(timezone.now() + timedelta(hours=7)):
        others.outcome = scheme.Unanswered("timeout")
        assert direct_debits.resume_claims() == 1
        others.outcome = Outcome()
        assert direct_debits.resume_claims() == 0
    refund.refresh_from_db()
    assert refund.status == "settled"


def test_the_user_asks_on_a_page(client, alice, bob, others, collection, current):
    AccountAccess.objects.create(account=current, user=bob, role="reader")
    here = f"/bank/direct-debits/{collection.mandate_id}"
    there = f"{here}/collections/{collection.pk}/refund"
    client.force_login(bob)
    page = client.get(here).content.decode()
    assert "City Power" in page
    assert there not in page
    assert client.post(there, {"reason": "disputed"}).status_code == 404
    client.force_login(alice)
    assert there in client.get(here).content.decode()
    assert client.post(there, {"reason": "x"}).status_code == 303
    assert not DirectDebitRefund.objects.exists()
    assert client.post(there, {"reason": "disputed"}).status_code == 303
    page = client.get(here).content.decode()
    assert "Paid back" in page
    assert there not in page
    assert balances(current) == [FUNDS_MINOR]


def test_a_refund_stays_as_it_was(others, collection, alice):
    refund = ask_directly(collection, alice)
    for change in ({"reason": "unauthorized"}, {"client_id": "y"}, {"status": "claimed", "transaction": None}):
        with pytest.raises(IntegrityError), transaction.atomic():
            DirectDebitRefund.objects.filter(pk=refund.pk).update(**change)
    direct_debits.claim_refund(refund.pk)
    with pytest.raises(IntegrityError, match="is fixed"), transaction.atomic():
        DirectDebitRefund.objects.filter(pk=refund.pk).update(status="contested")


def test_the_sites_role_may_do_all_of_it(others, collection, alice):
    within_this_transaction()
    refund = ask_directly(collection, alice)
    others.outcome = Outcome("AM05")
    direct_debits.claim_refund(refund.pk)
    assert refund_of(collection).status == "contested"
