"""The limit that a user sets, and the sums of a day that apps and pages show."""

from datetime import timedelta

import pytest
import time_machine
from django.core import mail
from django.test import Client as Browser
from django.utils import timezone

from banking import notices, orders
from banking.models import PaymentLimit, ScheduledTransfer, Transfer
from banking.notation import bank_day
from banking.notices import email
from banking.payments.own_limit import set_own_limit
from tests.lib.ledger import funded
from tests.lib.transfers import ELSEWHERE, KEY, body_of, detail_of_a_transfer, order, send
from tests.lib.web_bank import begin, new_payee, text

pytestmark = pytest.mark.django_db
ANOTHER = {**ELSEWHERE, "identifier": "FR7630006000011234567890189"}


@pytest.fixture
def limited(alice):
    """£50 a day."""
    return PaymentLimit.objects.create(user=alice, currency="GBP", amount_minor=5_000)


def limits_of(api):
    return {one["currency"]: one for one in api.get("/api/v1/limits").json()["data"]}


@pytest.mark.usefixtures("limited")
def test_payments_to_others_stay_within_the_users_own_limit(alice, alice_api, current, savings, of_bob):
    assert send(alice_api, body_of(current, savings, 6_000)).status_code == 201, "their own account"
    assert send(alice_api, body_of(savings, ELSEWHERE, 3_000), f"{KEY}-2").status_code == 201
    to_bob = {**ELSEWHERE, "identifier": of_bob.iban}
    over = send(alice_api, body_of(current, to_bob, 2_001), f"{KEY}-3")
    assert (over.status_code, over.json()["code"]) == (422, "own_limit_exceeded")
    assert "50.00 GBP in 24 hours" in over.json()["detail"].replace("\xa0", " ")
    assert send(alice_api, body_of(current, to_bob, 2_000), f"{KEY}-4").status_code == 201
    euros = funded(alice, "Euros", "EUR")
    assert send(alice_api, body_of(euros, ELSEWHERE, 9_000, "EUR"), f"{KEY}-5").status_code == 201


@pytest.mark.usefixtures("limited")
@pytest.mark.parametrize(
    ("scope", "is_told"), [("transfers:write", False), ("transfers:write transfers:read", True)], ids=["pays", "reads"]
)
def test_only_an_app_that_may_read_the_limits_is_told_the_amounts(access_token, api, alice, current, scope, is_told):
    """The sum is about all of the user's apps."""
    app = api(access_token(alice, scope))
    body = body_of(current, ELSEWHERE, 5_001)
    for answer in (send(app, body), send(app, body), app.post("/api/v1/transfer-rehearsals", body, format="json")):
        assert (answer.status_code, answer.json()["code"]) == (422, "own_limit_exceeded")
        assert ("50.00" in answer.json()["detail"]) is is_told


@pytest.mark.usefixtures("limited")
def test_a_cancelled_payment_takes_nothing_from_the_own_limit(alice_api, current):
    made = send(alice_api, body_of(current, ELSEWHERE, 5_000))
    assert send(alice_api, body_of(current, ANOTHER, 1), f"{KEY}-2").json()["code"] == "own_limit_exceeded"
    alice_api.post(f"{made['Location']}/cancel", {}, format="json")
    assert send(alice_api, body_of(current, ANOTHER, 5_000), f"{KEY}-3").status_code == 201


@pytest.mark.usefixtures("limited")
def test_a_day_of_the_own_limit_is_24_hours(access_token, api, alice, alice_api, current):
    assert send(alice_api, body_of(current, ELSEWHERE, 5_000)).status_code == 201
    for hours, status in ((23, 422), (25, 201)):
        with time_machine.travel(timezone.now() + timedelta(hours=hours)):
            later = api(access_token(alice, "transfers:write"))
            assert send(later, body_of(current, ELSEWHERE, 1_000), f"{KEY}-{hours}").status_code == status


@pytest.mark.usefixtures("limited")
def test_a_consent_to_one_transfer_does_not_lift_the_own_limit(access_token, api, alice, current, of_bob):
    to = {"scheme": "iban", "identifier": of_bob.iban, "name": "Bob"}
    detail = detail_of_a_transfer(alice, current, to, 5_001)
    token = access_token(alice, "transfers:write", authorization_details=(detail,))
    assert send(api(token), body_of(current, to, 5_001)).json()["code"] == "own_limit_exceeded"


@pytest.mark.usefixtures("limited")
def test_an_order_obeys_the_users_own_limit_and_counts_once(alice_api, current):
    """Of two due payments, one is paid, and the other is tried again on the same day."""
    today = bank_day.today().isoformat()
    order(alice_api, current, ELSEWHERE, KEY, 5_000, first_on=today)
    order(alice_api, current, ANOTHER, f"{KEY}-2", 5_000, first_on=today)
    assert limits_of(alice_api)["GBP"]["paid_to_others"]["minor_units"] == 10_000, "before they are paid"
    assert send(alice_api, body_of(current, ELSEWHERE, 1), f"{KEY}-3").json()["code"] == "own_limit_exceeded"
    assert orders.run_due() == 1
    assert Transfer.objects.get().status == "pending"
    refused = ScheduledTransfer.objects.get(status="active")
    assert (refused.refusal, refused.tried_on) == ("own_limit_exceeded", bank_day.today())


def test_an_app_reads_limits_and_sums(alice, alice_api, current, savings, settings):
    settings.STEP_UP_AMOUNT_MINOR = {"GBP": 70_000}
    settings.NEW_PAYEE_LIMIT_MINOR = {"GBP": 80_000}
    send(alice_api, body_of(current, savings, 1_000))
    send(alice_api, body_of(current, ELSEWHERE, 200), f"{KEY}-2")

    def pounds(minor_units):
        return {"currency": "GBP", "minor_units": minor_units}

    expected = {
        "currency": "GBP", "fresh_log_in_from": pounds(70_000), "ordered": pounds(1_200), "own_limit": None,
        "paid_to_others": pounds(200), "new_payees_limit": pounds(80_000), "new_payee_hours": 24,
    }  # fmt: skip
    assert limits_of(alice_api) == {"GBP": expected}
    set_own_limit(alice.pk, "GBP", 0, is_proven=False)
    assert limits_of(alice_api)["GBP"]["own_limit"] == pounds(0)
    assert send(alice_api, body_of(current, ELSEWHERE, 1), f"{KEY}-3").json()["code"] == "own_limit_exceeded"


def test_an_app_for_one_transfer_reads_no_limits(access_token, api, alice, current):
    """RFC 9396: the user allowed one transfer, not a look at what else they paid."""
    detail = {"type": "transfer", "debtor_account": str(current.pk), "identifier": str(current.pk)}
    token = access_token(alice, "transfers:read transfers:write", authorization_details=(detail,))
    assert api(token).get("/api/v1/limits").json() == {"data": []}


def test_of_another_users_payments_nothing_is_summed(access_token, api, bob, alice_api, current, of_bob):
    send(alice_api, body_of(current, {**ELSEWHERE, "identifier": of_bob.iban}, 500))
    theirs = limits_of(api(access_token(bob, "transfers:read")))["GBP"]
    assert (theirs["ordered"]["minor_units"], theirs["paid_to_others"]["minor_units"]) == (0, 0)


# --- the page


def most():
    limit = PaymentLimit.objects.first()
    return limit.amount_minor if limit else None


def save(browser, amount, currency="GBP"):
    return browser.post("/bank/limits", {"currency": currency, f"{currency}-amount": amount})


@pytest.mark.usefixtures("current")
def test_a_limit_is_lowered_at_once_and_raised_with_a_fresh_login(browser, monkeypatch):
    told = []
    monkeypatch.setattr(notices, "enqueue_notice", lambda kind, about: told.append((str(kind), about)))
    with time_machine.travel(timezone.now() + timedelta(minutes=11)):
        assert save(browser, "50.00").status_code == 303
        assert save(browser, "20.00").status_code == 303
        assert (most(), told) == (2_000, [])
        for higher in ("20.01", ""):
            assert save(browser, higher)["Location"].startswith("/accounts/reauthenticate/?next=%2Fbank%2Flimits")
        assert most() == 2_000
        assert 'value="20.00"' in browser.get("/bank/limits").content.decode()
    assert save(browser, "20.01").status_code == 303
    assert most() == 2_001
    assert save(browser, "").status_code == 303
    assert most() is None
    assert [kind for kind, _ in told] == ["limit_raised", "limit_raised"]
    email.send(*map(str, told[-1]))
    assert "No limit" in mail.outbox[0].body


@pytest.mark.usefixtures("current")
@pytest.mark.parametrize("typed", ["-1", "1.234", "1e5", "twelve", "99999999999999.00", "1,2,3"])
def test_an_invalid_limit_is_refused_with_a_reason(browser, typed):
    answer = save(browser, typed)
    assert (answer.status_code, most()) == (400, None)
    assert 'class="errorlist"' in answer.content.decode()


@pytest.mark.usefixtures("current")
def test_a_currency_without_an_account_has_no_limit(browser):
    for currency in ("EUR", "XXX", ""):
        assert save(browser, "1.00", currency).status_code == 400
    assert not PaymentLimit.objects.exists()


def test_the_page_has_each_currency_of_the_user(browser, alice, current, of_bob):
    funded(alice, "Yen", "JPY", amount_minor=500)
    page = text(browser.get("/bank/limits"))
    assert "GBP" in page
    assert "JPY" in page
    assert save(browser, "1500", "JPY").status_code == 303
    assert save(browser, "1500.5", "JPY").status_code == 400
    assert most() == 1_500
    assert Browser().get("/bank/limits").status_code == 302


@pytest.mark.usefixtures("limited")
def test_the_web_bank_explains_the_limit(browser, current, of_bob):
    """The form shows it at the amount. The confirmation page shows it if the limit was lowered meanwhile."""
    confirmation = begin(browser, current, amount="50.00", **new_payee(of_bob))
    PaymentLimit.objects.update(amount_minor=4_999)
    answer = browser.post(confirmation)
    assert answer.status_code == 422
    assert "You set a limit" in text(answer)
