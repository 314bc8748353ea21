"""All answers about somebody else's account share one rate limit, so that none reveals more than the payee check."""

import pytest
from django.utils import timezone

from banking.models import IdempotencyRecord
from banking.notation import iban
from banking.payments import payee_lookups
from oauth.infrastructure.rate_limits import Limit
from tests.lib.transfers import KEY, body_of, order, send
from tests.lib.web_bank import filled, text

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock_stands")]
MOST = 5


@pytest.fixture(autouse=True)
def a_budget(monkeypatch):
    monkeypatch.setattr(payee_lookups, "LIMIT", Limit("payee-lookups", MOST))


@pytest.fixture
def app(access_token, api, alice):
    return api(access_token(alice, "accounts:read transfers:write payees:write"))


def unknown(of_bob, number):
    """Returns an IBAN of this bank that no account has."""
    start, account = of_bob.iban[4:-8], f"{10_000_000 + number}"
    return next(
        candidate
        for check in range(2, 99)
        if iban.is_valid(candidate := f"{of_bob.iban[:2]}{check:02}{start}{account}")
    )


def to(identifier):
    return {"scheme": "iban", "identifier": identifier, "name": "Bob Baker"}


class Doors:
    """Every request that reveals whether an account exists. Each method returns the status code."""

    def __init__(self, app, browser, source):
        self.app, self.browser, self.source = app, browser, source

    def transfer(self, identifier, number):
        return send(self.app, body_of(self.source, to(identifier), 1), f"{KEY}-{number}").status_code

    def rehearsal(self, identifier, number):
        headers = {"Idempotency-Key": f"{KEY}-{number}"}
        body = body_of(self.source, to(identifier), 1)
        return self.app.post("/api/v1/transfers?dry_run=true", body, format="json", headers=headers).status_code

    def other_currency(self, identifier, number):
        """Returns the status for a currency that the account does not have, which differs if the account exists."""
        body = body_of(self.source, to(identifier), 1, "EUR")
        headers = {"Idempotency-Key": f"{KEY}-{number}"}
        return self.app.post("/api/v1/transfers?dry_run=true", body, format="json", headers=headers).status_code

    def order(self, identifier, number):
        day = timezone.localdate().isoformat()
        return order(self.app, self.source, to(identifier), f"{KEY}-{number}", 1, first_on=day).status_code

    def payee_check(self, identifier, number):
        return self.app.post("/api/v1/payee-checks", to(identifier), format="json").status_code

    def web_form(self, identifier, number):
        given = filled(self.source, "new", "0.01", name="Bob Baker", iban=identifier)
        return self.browser.post("/bank/transfer", given).status_code

    def web_order(self, identifier, number):
        given = filled(self.source, "new", "0.01", name="Bob Baker", iban=identifier)
        days = {"frequency": "once", "first_on": f"{timezone.localdate()}", "execution_rule": "same_day"}
        return self.browser.post("/bank/orders/new", {**given, **days}).status_code


DOORS = ["transfer", "rehearsal", "other_currency", "order", "payee_check", "web_form", "web_order"]


@pytest.mark.parametrize("door", DOORS)
def test_no_way_to_look_up_payees_exceeds_the_budget(door, app, browser, current, of_bob):
    ask = getattr(Doors(app, browser, current), door)
    answers = [ask(unknown(of_bob, number), number) for number in range(MOST)]
    assert 429 not in answers
    assert ask(of_bob.iban, MOST) == 429
    assert not IdempotencyRecord.objects.filter(key=f"{KEY}-{MOST}").exists(), "the key can be used again"


@pytest.mark.parametrize("door", DOORS)
def test_the_budget_is_one_for_all_doors_and_apps(door, app, access_token, api, alice, browser, current, of_bob):
    another = api(access_token(alice, "transfers:write", client_id="another"))
    spent = Doors(another, browser, current)
    for number in range(MOST):
        spent.rehearsal(unknown(of_bob, number), number)
    assert getattr(Doors(app, browser, current), door)(of_bob.iban, MOST) == 429


def test_a_refusal_says_when_to_come_back(app, current, of_bob):
    for number in range(MOST):
        send(app, body_of(current, to(unknown(of_bob, number)), 1), f"{KEY}-{number}")
    answer = send(app, body_of(current, to(of_bob.iban), 1))
    assert (answer.status_code, answer.json()["code"]) == (429, "rate_limited")
    assert 0 < int(answer["Retry-After"]) <= 60


def test_lookups_of_own_accounts_other_banks_and_earlier_payees_are_free(app, browser, current, savings, of_bob):
    assert send(app, body_of(current, to(of_bob.iban), 1), f"{KEY}-paid").status_code == 201
    for number in range(MOST):
        send(app, body_of(current, to(unknown(of_bob, number)), 1), f"{KEY}-{number}")
    elsewhere = "DE89370400440532013000"
    for identifier in (of_bob.iban, savings.iban, elsewhere):
        assert send(app, body_of(current, to(identifier), 1), f"{KEY}-{identifier}").status_code == 201
    # The name of somebody who was paid before can still be guessed: that is always charged.
    assert Doors(app, browser, current).payee_check(of_bob.iban, 0) == 429


def test_the_web_form_says_it_in_words(app, browser, current, of_bob):
    doors = Doors(app, browser, current)
    for number in range(MOST):
        doors.rehearsal(unknown(of_bob, number), number)
    given = filled(current, "new", "0.01", name="Bob Baker", iban=of_bob.iban)
    page = browser.post("/bank/transfer", given)
    assert "wait a minute" in text(page)


def test_a_transfer_that_was_begun_is_not_charged_again(browser, current, of_bob):
    given = filled(current, "new", "0.01", name="Bob Baker", iban=of_bob.iban)
    where = browser.post("/bank/transfer", given)["Location"]
    for _ in range(2 * MOST):
        assert browser.get(where).status_code == 200
    assert "/bank/transfers/" in browser.post(where)["Location"]
