"""Strong authentication (RFC 9470, SCA-RTS): splitting a payment does not avoid it, and new payees and orders need
it.
"""

from datetime import timedelta
from functools import partial

import pytest
import time_machine
from bs4 import BeautifulSoup
from django.core import mail
from django.db import transaction
from django.utils import timezone

from banking import notices, orders
from banking.ledger import lock
from banking.models import Payee, ScheduledTransfer, Transfer
from banking.notices import email
from oauth.models import Client
from tests.lib.beside import Beside
from tests.lib.database import backends_waiting
from tests.lib.ledger import funded
from tests.lib.oauth_client import PASSWORD
from tests.lib.servers import wait_until
from tests.lib.threads import in_parallel
from tests.lib.transfers import ELSEWHERE, KEY, body_of, detail_of_a_transfer, order, send
from tests.lib.web_bank import begin, new_payee, text

pytestmark = pytest.mark.django_db
SCOPE = "accounts:read payees:read payees:write transactions:read transfers:read transfers:write"


@pytest.fixture(autouse=True)
def a_limit(settings):
    settings.STEP_UP_AMOUNT_MINOR = {"GBP": 5_000, "EUR": 5_000}


@pytest.fixture
def old(access_token, api, alice):
    """An app with a token from a login an hour ago."""
    return api(access_token(alice, SCOPE, auth_time=timezone.now() - timedelta(hours=1)))


@pytest.fixture
def fresh(access_token, api, alice):
    return api(access_token(alice, SCOPE))


def refused(answer):
    """RFC 9470 §3."""
    assert (answer.status_code, answer.json()["code"]) == (401, "insufficient_user_authentication")
    assert 'max_age="600"' in answer["WWW-Authenticate"]
    return True


@pytest.fixture
def told(monkeypatch):
    """Records every notice as (kind, id)."""
    seen = []
    tell = notices.enqueue_notice

    def listen(kind, about):
        seen.append((str(kind), about))
        tell(kind, about)

    monkeypatch.setattr(notices, "enqueue_notice", listen)
    return seen


def mailed(told):
    for kind, about in told:
        email.send(kind, str(about))
    return [(one.to, one.subject, one.body) for one in mail.outbox]


# --- the sum of a day


def test_small_payments_that_exceed_the_limit_together_need_a_proof(old, fresh, current, savings):
    assert send(old, body_of(current, savings, 4_999)).status_code == 201
    second = body_of(current, savings, 4_999)
    assert refused(send(old, second, f"{KEY}-2"))
    assert Transfer.objects.count() == 1
    assert send(fresh, second, f"{KEY}-2").status_code == 201, "the same key works after the proof"
    assert refused(send(old, body_of(current, savings, 1), f"{KEY}-3"))


def test_every_account_app_and_page_counts(old, access_token, api, alice, current, browser, of_bob):
    other = funded(alice, "Other")
    assert send(old, body_of(current, other, 2_500)).status_code == 201
    another_app = api(access_token(alice, SCOPE, client_id="another", auth_time=timezone.now() - timedelta(hours=1)))
    assert refused(send(another_app, body_of(other, current, 2_500)))
    with time_machine.travel(timezone.now() + timedelta(minutes=11)):
        where = begin(browser, other, amount="25.00", **new_payee(of_bob))
        assert "amount is large" in text(browser.get(where))
        assert browser.post(where)["Location"].startswith("/accounts/reauthenticate/")
    assert Transfer.objects.count() == 1


def test_each_currency_has_its_own_sum_and_a_day_is_24_hours(old, access_token, api, alice, current, savings):
    euros = [funded(alice, name, "EUR") for name in ("Euro", "Euro savings")]
    assert send(old, body_of(current, savings, 4_000)).status_code == 201
    assert send(old, body_of(*euros, 4_000, "EUR"), f"{KEY}-2").status_code == 201
    for hours, status in ((23, 401), (25, 201)):
        with time_machine.travel(timezone.now() + timedelta(hours=hours)):
            later = api(access_token(alice, SCOPE, auth_time=timezone.now() - timedelta(hours=1)))
            assert send(later, body_of(current, savings, 4_000), f"{KEY}-3").status_code == status


def test_a_cancelled_payment_still_counts(old, current):
    """Otherwise, somebody could order part of an amount, cancel it and order it again."""
    made = send(old, body_of(current, ELSEWHERE, 4_000))
    assert old.post(f"{made['Location']}/cancel", {}, format="json").json()["status"] == "cancelled"
    assert refused(send(old, body_of(current, ELSEWHERE, 4_000), f"{KEY}-2"))


def test_an_order_that_is_due_today_counts_and_is_made_without_another_proof(old, fresh, current, savings):
    today = timezone.localdate()
    assert order(fresh, current, savings, first_on=today.isoformat(), amount_minor=4_000).status_code == 201
    assert refused(send(old, body_of(current, savings, 1_000), f"{KEY}-2"))
    assert orders.run_due(today=today) == 1
    assert Transfer.objects.get().status == "posted"
    assert refused(send(old, body_of(current, savings, 1_000), f"{KEY}-3"))


def test_what_the_bank_refused_does_not_count(old, alice, current, savings):
    Transfer.objects.create(
        user=alice, client_id="x", idempotency_key="k", source=current, destination=savings, currency="GBP",
        amount_minor=4_999, reference="x", status="rejected", status_reason="insufficient_funds",
    )  # fmt: skip
    assert send(old, body_of(current, savings, 4_999)).status_code == 201


@pytest.mark.django_db(transaction=True)
def test_two_payments_at_once_do_not_pass_together(access_token, api, alice):
    """The payments are from two accounts, which have no common lock. Both requests have arrived before either can
    post.
    """
    sources = [funded(alice, name, amount_minor=100_000) for name in ("One", "Two")]
    target = funded(alice, "Target", amount_minor=0)
    client = api(access_token(alice, SCOPE, auth_time=timezone.now() - timedelta(hours=1)))
    payments = [
        Beside(partial(send, client, body_of(source, target, 4_999), f"{KEY}-{source.pk}")) for source in sources
    ]
    with transaction.atomic():
        lock([target.pk])
        for payment in payments:
            payment.start()
        wait_until(lambda: backends_waiting() == len(payments))
    for payment in payments:
        payment.join()
    assert sorted(answer.status_code for payment in payments for answer in payment.results) == [201, 401]


def test_a_rehearsal_says_so_too(old, current, savings):
    body = body_of(current, savings, 5_000)
    assert refused(old.post("/api/v1/transfers?dry_run=true", body, format="json", headers={"Idempotency-Key": KEY}))


def test_a_consent_to_one_transfer_is_no_proof(access_token, api, alice, current, of_bob):
    """RFC 9396: the user may have consented in an old session."""
    to = {"scheme": "iban", "identifier": of_bob.iban, "name": "Bob"}
    detail = detail_of_a_transfer(alice, current, to, 5_000)
    for minutes, status in ((60, 401), (5, 201)):
        at = timezone.now() - timedelta(minutes=minutes)
        token = access_token(alice, "transfers:write", authorization_details=(detail,), auth_time=at)
        assert send(api(token), body_of(current, to, 5_000)).status_code == status


# --- payees and orders


def test_a_new_payee_needs_a_proof_and_causes_a_notice(old, fresh, told):
    assert refused(old.post("/api/v1/payees", ELSEWHERE, format="json"))
    assert not Payee.objects.exists()
    assert fresh.post("/api/v1/payees", ELSEWHERE, format="json").status_code == 201
    assert old.post("/api/v1/payees", ELSEWHERE, format="json").status_code == 200, "nothing new"
    [(to, subject, body)] = mailed(told)
    assert (to, subject) == (["alice@example.test"], "New payee")
    assert "Dora Demir" in body
    assert ELSEWHERE["identifier"] not in body


def test_the_web_bank_asks_for_a_proof_and_keeps_what_was_typed(browser, told):
    given = {"name": "Dora Demir", "iban": ELSEWHERE["identifier"]}
    with time_machine.travel(timezone.now() + timedelta(minutes=11)):
        to_prove = browser.post("/bank/payees", given)["Location"]
        assert to_prove == "/accounts/reauthenticate/?next=%2Fbank%2Fpayees"
        assert not Payee.objects.exists()
        assert browser.post(to_prove, {"password": PASSWORD})["Location"] == "/bank/payees"
        form = BeautifulSoup(browser.get("/bank/payees").content, "html.parser").select_one(
            "form[action='/bank/payees']"
        )
        typed = {one["name"]: one.get("value", "") for one in form.select("input[name]")}
        assert (typed["name"], typed["iban"]) == (given["name"], given["iban"].replace(" ", ""))
        browser.post("/bank/payees", given)
    assert Payee.objects.get().name == "Dora Demir"
    assert [kind for kind, _ in told] == ["new_payee"]


def test_every_new_order_needs_a_proof_and_is_told_with_the_apps_name(old, fresh, current, savings, told):
    day = (timezone.localdate() + timedelta(days=3)).isoformat()
    assert refused(order(old, current, savings, amount_minor=1, first_on=day, frequency="weekly"))
    assert not ScheduledTransfer.objects.exists()
    assert order(fresh, current, savings, amount_minor=1, first_on=day, frequency="weekly").status_code == 201
    [(to, subject, body)] = mailed(told)
    assert (to, subject) == (["alice@example.test"], "New payment order")
    assert Client.objects.get(client_id="client-of-the-tests").name in body


def test_orders_are_capped_over_all_apps(fresh, access_token, api, alice, current, savings, settings):
    settings.BANK_MOST_ORDERS = 2
    day = (timezone.localdate() + timedelta(days=3)).isoformat()
    made = [order(fresh, current, savings, f"{KEY}-{n}", amount_minor=1, first_on=day) for n in range(3)]
    assert [answer.status_code for answer in made] == [201, 201, 409]
    assert made[2].json()["code"] == "too_many_orders"
    another = api(access_token(alice, SCOPE, client_id="another"))
    assert order(another, current, savings, amount_minor=1, first_on=day).status_code == 409
    fresh.post(f"{made[0]['Location']}/cancel", {}, format="json")
    assert order(another, current, savings, f"{KEY}-5", amount_minor=1, first_on=day).status_code == 201


@pytest.mark.django_db(transaction=True)
def test_the_cap_on_orders_is_not_raced(access_token, api, alice, current, savings, settings, monkeypatch):
    settings.BANK_MOST_ORDERS = 1
    client = api(access_token(alice, SCOPE))
    there = []

    def wait_for_the_others(*_):
        there.append(1)
        wait_until(lambda: len(there) + backends_waiting() == 4)

    monkeypatch.setattr(notices, "enqueue_notice", wait_for_the_others)  # before COMMIT
    day = (timezone.localdate() + timedelta(days=3)).isoformat()
    keys = [f"{KEY}-{number}" for number in range(4)]
    made = in_parallel(*(partial(order, client, current, savings, key, 1, first_on=day) for key in keys))
    assert sorted(answer.status_code for answer in made) == [201, 409, 409, 409]


def test_a_large_payment_and_one_that_reaches_the_sum_cause_a_notice(fresh, current, savings, told):
    for number, amount in enumerate((4_000, 2_000, 500)):
        send(fresh, body_of(current, savings, amount), f"{KEY}-{number}")
    [(kind, about)] = told
    assert (kind, Transfer.objects.get(pk=about).amount_minor) == ("large_payment", 2_000)
    send(fresh, body_of(savings, current, 5_000), f"{KEY}-9")
    assert len(told) == 2
    assert "Savings" in mailed(told)[0][2]


def test_a_name_that_an_app_chose_is_no_link_in_our_mail(alice):
    """An email from the bank must not contain a link that somebody else has written."""
    payee = Payee.objects.create(user=alice, name="Call evil.example/x now\nBank", iban=ELSEWHERE["identifier"])
    email.send("new_payee", str(payee.pk))
    assert "evil" not in mail.outbox[0].body
    assert "\n" not in mail.outbox[0].subject
