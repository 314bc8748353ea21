"""The bank in the admin: searches are fast, rows cannot be edited, freezing needs a reason, and a reversal needs two
officers.
"""

import json
import re
from datetime import timedelta
from uuid import UUID

import pytest
from django.contrib.admin.models import LogEntry
from django.db import IntegrityError, ProgrammingError, connection, transaction
from django.test import Client as Browser
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import User
from banking import ledger, oversight, payments
from banking.accounts.opening import internal_account
from banking.ledger.bulk import Posting, post_all
from banking.ledger.refusals import AccountNotOpen, NotReversible
from banking.models import (
    Account,
    AccountAccess,
    Hold,
    LedgerEntry,
    LedgerTransaction,
    Payee,
    ReversalRequest,
    ScheduledTransfer,
    Transfer,
    Webhook,
    WebhookDelivery,
)
from banking.payments.scheme import IncomingPayment
from demo.seed import scale
from oauth.models import AuditEvent
from tests.lib.database import connected_as, site_role
from tests.lib.ledger import FUNDS_MINOR, balances, funded
from tests.lib.other_banks import OtherBanks
from tests.lib.staff import browser_of, officer
from tests.lib.threads import in_parallel
from tests.lib.transfers import ELSEWHERE, body_of, send

pytestmark = pytest.mark.django_db

LISTS = [
    "account", "ledgertransaction", "reversalrequest", "hold", "transfer", "scheduledtransfer", "payee", "consent",
    "webhook", "webhookdelivery", "schememessage",
]  # fmt: skip


@pytest.fixture
def admin_browser(db):
    return browser_of(User.objects.create_superuser("root@bank.test", "correct-horse-battery"))


@pytest.fixture
def asker(db):
    return officer("asker", "request_reversal", "approve_reversal", "freeze_account")


@pytest.fixture
def approver(db):
    return officer("approver", "request_reversal", "approve_reversal", "freeze_account")


@pytest.fixture
def payment(current, of_bob):
    """Alice has paid 20.00 to Bob by mistake."""
    return ledger.post([(current, -2_000), (of_bob, 2_000)], description="Wrong Bob", kind="transfer")


@pytest.fixture
def some_of_each(alice, asker, current, of_bob, payment):
    webhook = Webhook.objects.create(
        user=alice, client_id="an-app", authorization_id=current.pk, url="https://app.example/hook", events=["ping"]
    )
    order = ScheduledTransfer.objects.create(
        user=alice, client_id="an-app", idempotency_key="k" * 16, source=current, destination=of_bob, currency="GBP",
        amount_minor=100, reference="Rent", frequency="monthly", first_on=timezone.localdate(), next_on=timezone.localdate(),
    )  # fmt: skip
    hold = ledger.hold(current, 50, until=timezone.now() + timedelta(days=1))
    return {
        "account": current,
        "ledgertransaction": payment,
        "reversalrequest": ReversalRequest.objects.create(transaction=payment, reason="Wrong Bob", requested_by=asker),
        "hold": hold,
        "transfer": Transfer.objects.create(
            user=alice, client_id="an-app", idempotency_key="t" * 16, source=current, payee_name="Shop",
            payee_iban="GB33BUKB20201555555555", currency="GBP", amount_minor=50, reference="Rent", status="pending", hold=hold,
        ),
        "scheduledtransfer": order,
        "payee": Payee.objects.create(user=alice, name="Shop", iban="GB33BUKB20201555555555"),
        "consent": _consent(alice, current),
        "schememessage": payments.receive_payment(IncomingPayment("x", 5, "GBP", current.iban)),
        "webhook": webhook,
        "webhookdelivery": WebhookDelivery.objects.create(webhook=webhook, event="ping", status="failed", attempts=12),
    }  # fmt: skip


def _consent(user, account):
    from banking.models import Consent

    consent = Consent.objects.create(user=user, client_id="an-app", type="account_information", detail={})
    consent.accounts.set([account])
    return consent


def page(browser, url, status=200) -> str:
    answer = browser.get(url)
    assert answer.status_code == status, answer.content
    return answer.content.decode()


def statements(browser, url) -> list[str]:
    with CaptureQueriesContext(connection) as context:
        page(browser, url)
    return [query["sql"] for query in context.captured_queries]


# --- looking


@pytest.mark.parametrize("name", LISTS)
def test_everything_is_looked_at_and_nothing_is_edited(admin_browser, some_of_each, name):
    row = some_of_each[name]
    page(admin_browser, f"/admin/banking/{name}/")
    page(admin_browser, f"/admin/banking/{name}/?q={row.pk}")
    shown = page(admin_browser, f"/admin/banking/{name}/{row.pk}/change/")
    assert 'name="_save"' not in shown
    before = type(row).objects.filter(pk=row.pk).values().get()
    assert admin_browser.post(f"/admin/banking/{name}/{row.pk}/change/", {"status": "closed"}).status_code == 403
    assert admin_browser.post(f"/admin/banking/{name}/{row.pk}/delete/", {"post": "yes"}).status_code == 403
    assert admin_browser.get(f"/admin/banking/{name}/add/").status_code == 403
    assert type(row).objects.filter(pk=row.pk).values().get() == before


def test_entries_are_in_no_list_of_their_own(admin_browser):
    assert admin_browser.get("/admin/banking/ledgerentry/").status_code == 404


def test_amounts_are_written_as_people_write_them(admin_browser, alice, current):
    yen = funded(alice, "Yen", currency="JPY", amount_minor=1_234)
    assert "100.00 GBP" in page(admin_browser, "/admin/banking/account/")
    assert "1,234 JPY" in page(admin_browser, f"/admin/banking/account/{yen.pk}/change/")


@pytest.mark.parametrize("typed", ["{0.iban}", "{0.id}", "alice@example.test", " ALICE@example.test "])
def test_an_account_is_found_by_one_whole_value(admin_browser, current, of_bob, typed):
    found = page(admin_browser, f"/admin/banking/account/?q={typed.format(current)}")
    assert str(current.pk) in found
    assert str(of_bob.pk) not in found


@pytest.mark.parametrize("typed", ["alice", "GB00", "0" * 3000, "'", "nobody@example.test"])
def test_what_is_no_whole_value_finds_nothing_and_breaks_nothing(admin_browser, current, typed):
    for name in LISTS:
        assert str(current.pk) not in page(admin_browser, f"/admin/banking/{name}/?q={typed}")


def test_joint_holders_find_the_account_too(admin_browser, bob, current, of_bob):
    AccountAccess.objects.create(account=current, user=bob, role="holder")
    found = page(admin_browser, "/admin/banking/account/?q=bob@example.test")
    assert str(current.pk) in found
    assert str(of_bob.pk) in found
    assert "Joint holder" in page(admin_browser, f"/admin/banking/account/{current.pk}/change/")


@pytest.mark.parametrize("typed", ["{0.iban}", "alice@example.test"])
def test_transactions_are_found_by_account_and_user(admin_browser, alice, current, of_bob, payment, typed):
    other = ledger.post([(of_bob, -1), (internal_account("GBP", "Clearing"), 1)], description="Other", kind="card")
    found = page(admin_browser, f"/admin/banking/ledgertransaction/?q={typed.format(current)}")
    assert str(payment.pk) in found
    assert str(other.pk) not in found


def test_entries_of_an_account_are_paged_by_their_number(admin_browser, current, of_bob):
    now = timezone.now()
    post_all([Posting(current.pk, of_bob.pk, 1, f"No {number}", "transfer", now) for number in range(250)])
    url, seen = f"/admin/banking/account/{current.pk}/entries/", []
    path = url
    while path:
        shown = page(admin_browser, path)
        seen += [int(number) for number in re.findall(r'<th scope="row">(\d+)</th>', shown)]
        older = re.search(r'href="(\?before=\d+)"', shown)
        path = older and url + older[1]
    assert seen == list(range(251, 0, -1))
    for nonsense in ("x", "-1", "9" * 30):
        page(admin_browser, f"{url}?before={nonsense}")


def test_a_list_tells_that_there_is_more_and_its_pages_are_disjoint(admin_browser, current, of_bob):
    now = timezone.now()
    ids = post_all([Posting(current.pk, of_bob.pk, 1, "x", "transfer", now) for _ in range(120)])
    seen: list[str] = []
    for number in (1, 2, 3):
        shown = page(admin_browser, f"/admin/banking/ledgertransaction/?p={number}")
        seen += set(re.findall(r"/admin/banking/ledgertransaction/([0-9a-f-]{36})/change/", shown))
        assert (f"?p={number + 1}" in shown) == (number < 3)
        assert "all=" not in shown  # lists do not count their rows
    assert len(seen) == len(set(seen)) == LedgerTransaction.objects.count()
    assert {str(pk) for pk in ids} <= set(seen)
    assert admin_browser.get("/admin/banking/ledgertransaction/?p=99").status_code == 302
    page(admin_browser, "/admin/banking/ledgertransaction/?p=x")


URLS = [
    *(f"/admin/banking/{name}/" for name in LISTS),
    "/admin/banking/account/?q=alice@example.test",
    "/admin/banking/account/?status__exact=frozen",
    "/admin/banking/account/{account.pk}/change/",
    "/admin/banking/account/{account.pk}/entries/",
    "/admin/banking/ledgertransaction/?q={account.iban}",
    "/admin/banking/ledgertransaction/{transaction.pk}/change/",
    "/admin/banking/transfer/?status__exact=pending",
    "/admin/banking/transfer/{transfer.pk}/change/",
    "/admin/banking/hold/{hold.pk}/change/",
]


@pytest.mark.large
def test_ten_thousand_rows_take_as_many_statements_as_ten_and_none_that_counts(admin_browser, some_of_each, current):
    rows = {
        "account": current, "transaction": some_of_each["ledgertransaction"], "transfer": some_of_each["transfer"],
        "hold": some_of_each["hold"],
    }  # fmt: skip
    urls = [url.format(**rows) for url in URLS]
    for url in urls:
        page(admin_browser, url)  # content types are read once
    few = {url: statements(admin_browser, url) for url in urls}
    scale.seed(0.01, password="x", now=timezone.now(), say=lambda text: None)
    assert LedgerEntry.objects.count() >= 10_000
    many = {url: statements(admin_browser, url) for url in urls}
    assert {url: len(said) for url, said in many.items()} == {url: len(said) for url, said in few.items()}
    assert max(len(said) for said in many.values()) <= 10
    assert not [said for url in urls for said in many[url] if "COUNT(" in said.upper()]


def test_staff_without_the_right_see_nothing(browser, current):
    """This applies to Alice, a customer, and to staff without the permission."""
    assert browser.get("/admin/banking/account/").status_code == 302
    stranger = browser_of(User.objects.create_user("temp@bank.test", "correct-horse-battery", is_staff=True))
    for url in ("", f"{current.pk}/change/", f"{current.pk}/entries/", f"{current.pk}/freeze/"):
        assert stranger.get(f"/admin/banking/account/{url}").status_code == 403
    assert stranger.post(f"/admin/banking/account/{current.pk}/freeze/", {"reason": "x"}).status_code == 403


# --- freezing


def test_a_frozen_account_refuses_debits_and_takes_credits(
    asker, approver, current, of_bob, alice_api, access_token, api, bob
):
    staff = browser_of(asker)
    url = f"/admin/banking/account/{current.pk}"
    assert "Freeze" in page(staff, f"{url}/change/")
    answer = staff.post(f"{url}/freeze/", {"reason": "Card reported stolen"})
    assert answer.status_code == 302
    to_bob = {"scheme": "iban", "identifier": of_bob.iban, "name": "Bob Baker"}
    refused = send(alice_api, body_of(current, to_bob))
    assert (refused.status_code, refused.json()["code"]) == (409, "account_not_open")
    bobs = api(access_token(bob, "transfers:write"))
    assert (
        send(bobs, body_of(of_bob, {**to_bob, "identifier": current.iban}), key="credit-to-the-frozen-one").status_code
        == 201
    )
    event = AuditEvent.objects.get(action="staff_acted")
    assert (event.endpoint, event.user, event.actor, event.address) == (
        "bank.account_frozen", str(current.holder_id), str(asker.pk), "127.0.0.1",
    )  # fmt: skip
    assert "Card reported stolen" in event.reason
    assert "Card reported stolen" in LogEntry.objects.get().change_message
    assert browser_of(approver).post(f"{url}/unfreeze/", {"reason": "A new card is out"}).status_code == 302
    assert send(alice_api, body_of(current, to_bob), key="debit-after-unfreezing").status_code == 201


def test_freezing_needs_a_reason_a_post_and_the_right(asker, current):
    staff, url = browser_of(asker), f"/admin/banking/account/{current.pk}/freeze/"
    assert "Reason" in page(staff, url)  # a GET request changes nothing
    assert staff.post(url, {"reason": " "}).status_code == 200
    viewer = browser_of(officer("viewer"))
    assert viewer.get(url).status_code == 403
    assert viewer.post(url, {"reason": "x"}).status_code == 403
    assert f"{current.pk}/freeze/" not in page(viewer, f"/admin/banking/account/{current.pk}/change/")
    assert Browser(enforce_csrf_checks=True).post(url, {"reason": "x"}).status_code in (302, 403)
    strict = Browser(enforce_csrf_checks=True)
    strict.force_login(asker)
    assert strict.post(url, {"reason": "x"}).status_code == 403
    current.refresh_from_db()
    assert current.status == "open"


def test_the_banks_own_accounts_cannot_be_frozen(admin_browser):
    own = internal_account("GBP", "Clearing")
    answer = admin_browser.post(f"/admin/banking/account/{own.pk}/freeze/", {"reason": "x"})
    assert "Only an open account of a customer" in answer.content.decode()
    own.refresh_from_db()
    assert own.status == "open"


def test_an_act_without_its_row_in_the_audit_log_does_not_happen(asker, current):
    """Fails closed."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE oauth_auditevent ADD CHECK (action <> 'staff_acted') NOT VALID")
    with pytest.raises(IntegrityError), transaction.atomic():
        oversight.freeze(current.pk, by=oversight.Officer(asker), reason="x")
    current.refresh_from_db()
    assert current.status == "open"


# --- reversals by two officers


def asked_for(browser, payment, reason="Paid to the wrong Bob"):
    answer = browser.post(f"/admin/banking/ledgertransaction/{payment.pk}/request-reversal/", {"reason": reason})
    assert answer.status_code == 302
    return ReversalRequest.objects.get(transaction=payment, status="open")


def decide(browser, request, how="approve", **form):
    return browser.post(f"/admin/banking/reversalrequest/{request.pk}/{how}/", form)


def test_one_asks_another_approves_and_the_money_is_back(asker, approver, payment, current, of_bob):
    request = asked_for(browser_of(asker), payment)
    second = browser_of(approver)
    assert "Paid to the wrong Bob" in page(second, f"/admin/banking/reversalrequest/{request.pk}/approve/")
    assert decide(second, request).status_code == 302
    request.refresh_from_db()
    assert (request.status, request.requested_by, request.decided_by) == ("approved", asker, approver)
    assert request.reversal.reverses == payment
    for account in (current, of_bob):
        account.refresh_from_db()
        assert account.posted_minor == FUNDS_MINOR
    told = AuditEvent.objects.filter(action="staff_acted").order_by("id").values_list("endpoint", "user", "actor")
    assert set(told) == {
        (f"bank.{act}", str(holder), str(who.pk))
        for act, who in (("reversal_requested", asker), ("reversal_approved", approver))
        for holder in (current.holder_id, of_bob.holder_id)
    }
    assert LogEntry.objects.count() == 2
    shown = page(second, f"/admin/banking/ledgertransaction/{payment.pk}/change/")
    assert str(request.reversal.pk) in shown
    assert "request-reversal" not in shown
    assert all(finding.is_clean for finding in ledger.audit())


def test_the_page_explains_a_refusal_and_the_request_stays_open(asker, approver, payment, of_bob):
    ledger.post([(of_bob, -11_000), (internal_account("GBP", "Cards"), 11_000)], description="Spent", kind="card")
    request = asked_for(browser_of(asker), payment)
    said = decide(browser_of(approver), request).content.decode()
    assert "The account does not have enough money for this." in said
    request.refresh_from_db()
    assert request.status == "open"
    assert not LedgerTransaction.objects.filter(reverses=payment).exists()


def test_two_officers_take_back_what_a_frozen_account_got(asker, approver, payment, current, of_bob):
    """One officer alone cannot do this, and no other payment from the account is possible."""
    oversight.freeze(of_bob.pk, by=oversight.Officer(asker), reason="x")
    with pytest.raises(AccountNotOpen), transaction.atomic():
        ledger.reverse(payment)
    request = asked_for(browser_of(asker), payment)
    assert decide(browser_of(approver), request).status_code == 302
    assert balances(current, of_bob) == [FUNDS_MINOR, FUNDS_MINOR]
    with pytest.raises(AccountNotOpen), transaction.atomic():
        ledger.post([(of_bob, -1), (current, 1)], description="x", kind="transfer")


def test_a_settled_payment_to_another_bank_comes_back_from_suspense(asker, approver, alice_api, current, monkeypatch):
    """The money has left the bank, so the account for outgoing payments keeps it. The customer does not see the
    internal reason.
    """
    monkeypatch.setattr("banking.payments.scheme.configured_scheme", OtherBanks)
    made = send(alice_api, body_of(current, ELSEWHERE)).json()
    payments.settle(UUID(made["id"]))
    paid = LedgerTransaction.objects.get(transfer=made["id"])
    request = asked_for(browser_of(asker), paid, reason="Fraud desk, case 7")
    assert decide(browser_of(approver), request).status_code == 302
    reversal = LedgerTransaction.objects.get(reverses=paid)
    assert (reversal.kind, reversal.description) == ("return", "Return: Rent")
    moved = dict(reversal.entries.values_list("account__name", "amount_minor"))
    assert moved == {"Current account": 2500, "Suspense": -2500}
    assert balances(current) == [FUNDS_MINOR]
    assert alice_api.get(f"/api/v1/transfers/{made['id']}").json()["reversed_by"] == str(reversal.pk)
    newest, before = alice_api.get(f"/api/v1/accounts/{current.pk}/transactions").json()["data"][:2]
    assert (newest["kind"], newest["reverses"], newest["reversed_by"]) == ("return", str(paid.pk), None)
    assert (before["kind"], before["reverses"], before["reversed_by"]) == ("transfer", None, str(reversal.pk))
    assert newest["counterparty"] == before["counterparty"]
    assert "Fraud" not in json.dumps(newest)


def test_a_reversal_is_not_reversed(asker, approver, payment):
    request = asked_for(browser_of(asker), payment)
    decide(browser_of(approver), request)
    request.refresh_from_db()
    with pytest.raises(NotReversible):
        oversight.request_reversal(request.reversal.pk, by=oversight.Officer(asker), reason="x")


def test_declining_moves_nothing_and_it_may_be_asked_again(asker, approver, payment, current):
    first, second = browser_of(asker), browser_of(approver)
    request = asked_for(first, payment)
    assert decide(second, request, "decline").status_code == 200  # the form asks for the reason
    assert decide(second, request, "decline", reason="It was the right Bob").status_code == 302
    assert "approved or declined before" in decide(second, request).content.decode()
    current.refresh_from_db()
    assert current.posted_minor == FUNDS_MINOR - 2_000
    assert asked_for(first, payment) != request


@pytest.mark.parametrize("is_superuser", [False, True])
def test_nobody_approves_what_they_asked_for(asker, payment, current, is_superuser):
    """Neither the button, a second request nor a direct POST works."""
    asker.is_superuser = is_superuser
    asker.save()
    staff = browser_of(asker)
    request = asked_for(staff, payment)
    assert "Somebody else must decide" in decide(staff, request).content.decode()
    assert "Somebody else must decide" in decide(staff, request, "decline", reason="Mine").content.decode()
    again = staff.post(f"/admin/banking/ledgertransaction/{payment.pk}/request-reversal/", {"reason": "Again"})
    assert "waits for a second officer" in again.content.decode()
    assert ReversalRequest.objects.count() == 1
    form = {"status": "approved", "decided_by": str(asker.pk), "requested_by": str(current.holder_id)}
    assert staff.post(f"/admin/banking/reversalrequest/{request.pk}/change/", form).status_code == 403
    assert not LedgerTransaction.objects.filter(reverses=payment).exists()


@pytest.mark.parametrize(
    "change",
    [
        "status = 'approved', decided_by_id = requested_by_id, decided_at = now(), reversal_id = %(reversal)s",
        "status = 'declined', decided_by_id = requested_by_id, decided_at = now()",
        "requested_by_id = %(other)s",
        "reason = 'Something else'",
        "transaction_id = %(reversal)s",
        "status = 'approved', decided_by_id = %(other)s, decided_at = now()",
        "status = 'approved', decided_by_id = %(other)s, decided_at = now(), reversal_id = %(unrelated)s",
    ],
)
def test_the_database_itself_wants_two_people(asker, approver, payment, current, savings, change):
    """This is true for every role, including the owner of the tables."""
    reversal = ledger.reverse(payment)
    unrelated = ledger.post([(current, -1), (savings, 1)], description="x", kind="transfer")
    request = ReversalRequest.objects.create(transaction=payment, reason="Wrong", requested_by=asker)
    values = {"reversal": reversal.pk, "other": approver.pk, "unrelated": unrelated.pk, "id": request.pk}
    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"UPDATE reversal_request SET {change} WHERE id = %(id)s", values)
    with pytest.raises(IntegrityError), transaction.atomic():
        ReversalRequest.objects.create(transaction=payment, reason="Once more", requested_by=approver)
    with pytest.raises(IntegrityError), transaction.atomic():
        ReversalRequest.objects.create(
            transaction=unrelated, reason="At once", requested_by=asker, decided_by=approver, status="approved",
            decided_at=timezone.now(), reversal=reversal,
        )  # fmt: skip
    with pytest.raises(IntegrityError), transaction.atomic():
        request.delete()


def test_a_decided_reversal_request_stays_decided(asker, approver, payment):
    request = oversight.request_reversal(payment.pk, by=oversight.Officer(asker), reason="Wrong")
    oversight.decline_reversal(request.pk, by=oversight.Officer(approver), reason="No")
    with pytest.raises(IntegrityError), transaction.atomic():
        ReversalRequest.objects.filter(pk=request.pk).update(status="open", decided_by=None, decided_at=None)


@pytest.mark.django_db(transaction=True)
def test_two_who_approve_at_once_reverse_once(alice, bob):
    current, of_bob = funded(alice, "Current"), funded(bob, "Bob's")
    asker = officer("asker", "request_reversal")
    approvers = [User.objects.create_user(f"approver-{number}@bank.test") for number in range(4)]
    payment = ledger.post([(current, -2_000), (of_bob, 2_000)], description="x", kind="transfer")
    request = oversight.request_reversal(payment.pk, by=oversight.Officer(asker), reason="Wrong")
    works = [lambda who=who: oversight.approve_reversal(request.pk, by=oversight.Officer(who)) for who in approvers]
    results = in_parallel(*works)
    refused = [result for result in results if isinstance(result, Exception)]
    assert {type(one).__name__ for one in refused} == {"AlreadyDecided"}
    assert len(refused) == 3
    assert LedgerTransaction.objects.filter(reverses=payment).count() == 1
    assert Account.objects.get(pk=current.pk).posted_minor == FUNDS_MINOR


def test_asking_and_approving_are_rights_of_their_own(payment, asker):
    request = asked_for(browser_of(asker), payment)
    only_asks = browser_of(officer("only-asks", "request_reversal"))
    assert decide(only_asks, request).status_code == 403
    only_approves = browser_of(officer("only-approves", "approve_reversal"))
    url = f"/admin/banking/ledgertransaction/{payment.pk}/request-reversal/"
    assert only_approves.post(url, {"reason": "x"}).status_code == 403
    assert decide(only_approves, request).status_code == 302


# --- webhooks


def test_a_webhook_is_pinged_and_a_failed_delivery_sent_again(admin_browser, some_of_each):
    webhook, failed = some_of_each["webhook"], some_of_each["webhookdelivery"]
    assert admin_browser.post(f"/admin/banking/webhook/{webhook.pk}/ping/").status_code == 302
    ping = webhook.deliveries.exclude(pk=failed.pk).get()
    assert (ping.event, ping.status) == ("ping", "pending")
    assert admin_browser.post(f"/admin/banking/webhookdelivery/{failed.pk}/send-again/").status_code == 302
    failed.refresh_from_db()
    assert (failed.status, failed.attempts) == ("pending", 0)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT args ->> 'delivery_id' FROM procrastinate_jobs WHERE task_name = 'banking.deliver_webhook'"
        )
        assert {row[0] for row in cursor.fetchall()} == {str(ping.pk), str(failed.pk)}
    log = page(admin_browser, f"/admin/banking/webhookdelivery/?q={webhook.pk}")
    assert str(failed.pk) in log
    assert str(ping.pk) in log
    viewer = browser_of(officer("viewer"))
    assert viewer.post(f"/admin/banking/webhook/{webhook.pk}/ping/").status_code == 403


def test_a_successful_delivery_is_not_sent_again(admin_browser, some_of_each):
    delivery = some_of_each["webhookdelivery"]
    WebhookDelivery.objects.filter(pk=delivery.pk).update(status="delivered", attempts=1)
    admin_browser.post(f"/admin/banking/webhookdelivery/{delivery.pk}/send-again/")
    delivery.refresh_from_db()
    assert (delivery.status, delivery.attempts) == ("delivered", 1)


def test_holds_show_what_is_set_aside(admin_browser, some_of_each):
    assert "0.50 GBP" in page(admin_browser, "/admin/banking/hold/?status__exact=pending")
    assert Hold.objects.get().account.held_minor == 50


@pytest.mark.django_db(transaction=True)
def test_the_sites_role_has_the_rights_for_all_of_it(alice, bob):
    current, of_bob = funded(alice, "Current"), funded(bob, "Bob's")
    first, second = (
        oversight.Officer(officer(name, "freeze_account", "request_reversal")) for name in ("first", "second")
    )
    payment = ledger.post([(current, -2_000), (of_bob, 2_000)], description="x", kind="transfer")
    with site_role() as role, connected_as(role):
        oversight.freeze(current.pk, by=first, reason="x")
        oversight.unfreeze(current.pk, by=second, reason="x")
        request = oversight.request_reversal(payment.pk, by=first, reason="x")
        oversight.approve_reversal(request.pk, by=second)
        with pytest.raises(ProgrammingError), transaction.atomic():
            ReversalRequest.objects.filter(pk=request.pk).update(requested_by=second.user)
        post_all([Posting(current.pk, of_bob.pk, 1, "x", "transfer", timezone.now())])
    assert Account.objects.get(pk=current.pk).posted_minor == FUNDS_MINOR - 1
