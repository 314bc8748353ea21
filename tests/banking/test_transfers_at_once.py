"""A transfer normally takes one statement. A payment that is not allowed, or that needs more rows, is decided by the
full code, with the same answer.
"""

from datetime import timedelta

import pytest
from django.db import OperationalError
from django.utils import timezone
from procrastinate.contrib.django.models import ProcrastinateJob

from banking.models import IdempotencyRecord, LedgerTransaction, Transfer, Webhook, WebhookDelivery
from banking.payments import at_once, payee_lookups
from oauth.infrastructure import rate_limits
from oauth.infrastructure.rate_limits import Limit
from oauth.models import Authorization
from tests.lib.ledger import FUNDS_MINOR, balances
from tests.lib.transfers import ELSEWHERE, KEY, UNKNOWN, body_of, send

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def made(settings, monkeypatch):
    """Records, each time that the one statement is sent, whether it has made the transfer."""
    settings.OAUTH = {**settings.OAUTH, "FAST_PATH": True}
    found, run = [], at_once._run

    def noted(*given):
        decision = run(*given)
        found.append(decision is not None)
        return decision

    monkeypatch.setattr(at_once, "_run", noted)
    return found


@pytest.fixture
def other_way(settings):
    def switch(is_on):
        settings.OAUTH = {**settings.OAUTH, "FAST_PATH": is_on}

    return switch


def to(account):
    return {"scheme": "iban", "identifier": account.iban, "name": "Bob Baker"}


def test_after_the_end_of_the_authorization_the_one_statement_does_nothing(made, alice_api, current, savings):
    """ASVS 10.4.9: payments stop when the authorization ends, not when the token expires."""
    Authorization.objects.all().revoke(Authorization.RevocationReason.USER)
    answer = send(alice_api, body_of(current, savings))
    assert (answer.status_code, answer.json()["code"]) == (401, "invalid_token")
    assert made == [False]
    assert not LedgerTransaction.objects.filter(kind="transfer").exists()
    assert not IdempotencyRecord.objects.exists()


def test_a_refusal_is_the_same_in_either_way(made, other_way, alice_api, current, savings, of_bob):
    """The one statement stores the refusal under the idempotency key, as the full code does."""
    bodies = [
        body_of(current, savings, FUNDS_MINOR + 1),  # by a constraint of the ledger
        body_of(current, current),
        body_of(current, savings, currency="EUR"),
        body_of(of_bob, savings),
        body_of(current, {"scheme": "payee", "payee_id": UNKNOWN}),
        body_of(current, {"account_id": str(of_bob.pk)}),
    ]
    answers = {}
    for is_on in (True, False):
        other_way(is_on)
        sent = [send(alice_api, body, f"{KEY}-{is_on}-{number}") for number, body in enumerate(bodies)]
        answers[is_on] = [(one.status_code, one.json().get("code"), one.json().get("field")) for one in sent]
        repeated = send(alice_api, bodies[0], f"{KEY}-{is_on}-0")
        assert repeated["Idempotent-Replayed"] == "true"
    assert answers[True] == answers[False]
    assert [status for status, *_ in answers[True]] == [422, 422, 422, 404, 422, 422]
    assert not any(made)
    assert not Transfer.objects.exists()


def test_what_needs_a_job_is_decided_with_it(made, settings, alice, alice_api, current, savings):
    """A row of the background worker is written in the transaction of the transfer, or not at all."""
    settings.STEP_UP_AMOUNT_MINOR = {"GBP": 1000}
    assert send(alice_api, body_of(current, ELSEWHERE, 1), f"{KEY}-elsewhere").json()["status"] == "pending"
    assert send(alice_api, body_of(current, savings, 1000), f"{KEY}-large").status_code == 201
    assert made == []  # known before
    Webhook.objects.create(
        user=alice,
        client_id="another",
        authorization_id=Authorization.objects.get().pk,
        url="https://app.example/",
        events=["transaction.booked"],
    )
    for number in range(2):
        assert send(alice_api, body_of(current, savings, 1), f"{KEY}-{number}").status_code == 201
    assert made == [False]  # the second transfer counts the first one
    tasks = list(ProcrastinateJob.objects.values_list("task_name", flat=True))
    assert sorted(tasks) == sorted(["banking.settle_transfer", "banking.tell_owner", *["banking.deliver_webhook"] * 4])
    assert balances(savings) == [1002]


def test_a_key_with_another_body_moves_nothing(made, alice_api, current, savings):
    assert send(alice_api, body_of(current, savings, 1)).status_code == 201
    answer = send(alice_api, body_of(current, savings, 2))
    assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_key_reused")
    assert made == [True, False]
    assert balances(savings) == [1]


def test_the_app_of_the_payee_is_told(made, bob, alice_api, current, of_bob, access_token):
    """The payer has no webhook."""
    access_token(bob, "transactions:read webhooks:manage")
    Webhook.objects.create(
        user=bob, client_id="another", authorization_id=Authorization.objects.get(user=bob).pk,
        url="https://app.example/", events=["transaction.booked"],
    )  # fmt: skip
    assert send(alice_api, body_of(current, to(of_bob), 1)).status_code == 201
    assert made == [False]
    [told] = WebhookDelivery.objects.values_list("account_id", "resource_id")
    assert told == (of_bob.pk, Transfer.objects.get().transaction_id)
    assert ProcrastinateJob.objects.filter(task_name="banking.deliver_webhook").count() == 1


def test_without_a_fresh_login_nothing_is_written(made, settings, alice, access_token, api, current, savings):
    """RFC 9470: the sum of the day can require a fresh login, too. After the login, the same payment can use the same
    key.
    """
    settings.STEP_UP_AMOUNT_MINOR = {"GBP": 1000}
    old, scope = timezone.now() - timedelta(days=1), "transfers:write"
    tired = api(access_token(alice, scope, auth_time=old))
    assert send(tired, body_of(current, savings, 999), f"{KEY}-1").status_code == 201
    answer = send(tired, body_of(current, savings, 1), f"{KEY}-2")
    assert answer.status_code == 401
    assert "insufficient_user_authentication" in answer["WWW-Authenticate"]
    assert made == [True, False]
    assert not IdempotencyRecord.objects.filter(key=f"{KEY}-2").exists()
    assert send(api(access_token(alice, scope)), body_of(current, savings, 1), f"{KEY}-2").status_code == 201
    assert balances(savings) == [1000]


def test_the_first_of_a_day_that_reaches_the_limit_is_notified(made, settings, alice_api, current, savings):
    settings.STEP_UP_AMOUNT_MINOR = {"GBP": 1000}
    for number in range(3):
        assert send(alice_api, body_of(current, savings, 500), f"{KEY}-{number}").status_code == 201
    assert made == [True, False, True]
    assert ProcrastinateJob.objects.filter(task_name="banking.tell_owner").count() == 1


def test_the_budget_is_spent_once_and_only_by_what_reveals_something(
    made, monkeypatch, alice, alice_api, current, savings, of_bob
):
    """OWASP API4, API6."""
    monkeypatch.setattr(payee_lookups, "LIMIT", Limit("payee-lookups", 3))
    left = lambda: rate_limits.remaining(payee_lookups.LIMIT, str(alice.pk))  # noqa: E731
    assert send(alice_api, body_of(current, to(savings), 1), f"{KEY}-own").status_code == 201
    assert left() == 3
    assert send(alice_api, body_of(current, to(of_bob), 1)).status_code == 201
    assert left() == 2
    assert send(alice_api, body_of(current, to(of_bob), 1))["Idempotent-Replayed"] == "true"
    assert left() == 2
    assert send(alice_api, body_of(current, to(of_bob), FUNDS_MINOR * 2), f"{KEY}-refused").status_code == 422
    assert left() == 1
    assert made == [True, True, False, False]
    payee_lookups.spend(alice.pk)
    assert send(alice_api, body_of(current, to(of_bob), 1), f"{KEY}-paid-before").status_code == 201
    assert made == [True, True, False, False]  # without a remaining rate limit, it is not tried


@pytest.mark.parametrize(
    ("state", "status"), [("40P01", 201), ("40001", 201), ("55P03", 201), ("57P01", 503), ("08006", 503), (None, 503)]
)
def test_only_what_cannot_have_been_committed_is_tried_again(
    made, monkeypatch, alice_api, current, savings, state, status
):
    """The server may end the connection after COMMIT. Then only the app can repeat the request, with its key."""

    def failed(*_):
        raise OperationalError("no answer") from _Lost(state)

    monkeypatch.setattr(at_once, "rows", failed)
    answer = send(alice_api, body_of(current, savings))
    assert answer.status_code == status
    assert Transfer.objects.count() == (status == 201)


class _Lost(Exception):
    """An error with a SQLSTATE, like the errors of psycopg."""

    def __init__(self, state):
        super().__init__(state)
        self.sqlstate = state
