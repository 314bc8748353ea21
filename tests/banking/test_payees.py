"""Stored payees, their cooling-off, and whether a name fits an account."""

import re
from datetime import timedelta
from functools import partial

import pytest
import time_machine
from django.utils import timezone

from banking.account_life import invitations
from banking.models import AccountAccess, Payee, Transfer
from tests.lib.ledger import funded
from tests.lib.threads import in_parallel
from tests.lib.transfers import ELSEWHERE, KEY, UNKNOWN, body_of, send

pytestmark = pytest.mark.django_db


@pytest.fixture
def payer(access_token, api, alice):
    return api(access_token(alice, "payees:read payees:write transfers:write transfers:read accounts:read"))


@pytest.fixture
def rich(alice):
    return funded(alice, "Rich", amount_minor=10_000_000)


def store(api, of=ELSEWHERE):
    return api.post("/api/v1/payees", of, format="json")


def test_a_payee_is_stored_shown_and_removed(payer):
    made = store(payer)
    body = made.json()
    assert made.status_code == 201
    assert (body["name"], body["identifier_masked"]) == ("Dora Demir", "DE••••••••••••••••3000")
    assert payer.get(made["Location"]).json() == body
    assert payer.get("/api/v1/payees").json()["data"] == [body]
    again = store(payer, {**ELSEWHERE, "name": "Another name"})
    assert (again.status_code, again.json()) == (200, body)
    assert payer.delete(made["Location"]).status_code == 204
    assert payer.delete(made["Location"]).status_code == 404
    assert payer.get("/api/v1/payees").json()["data"] == []


def test_an_invalid_iban_is_not_stored(payer):
    answer = store(payer, {**ELSEWHERE, "identifier": "DE00370400440532013000"})
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (400, "/identifier")


def test_the_payees_of_another_user_are_not_found(payer, access_token, api, bob):
    location = store(payer)["Location"]
    of_bob = api(access_token(bob, "payees:read payees:write transfers:write"))
    assert of_bob.get("/api/v1/payees").json()["data"] == []
    assert of_bob.get(location).status_code == 404
    assert of_bob.delete(location).status_code == 404
    account = funded(bob, "Bob's")
    payee_id = location.rsplit("/")[-1]
    answers = [send(of_bob, body_of(account, {"payee_id": one}), f"{KEY}{one}") for one in (payee_id, UNKNOWN)]
    assert [answer.json()["code"] for answer in answers] == ["payee_unreachable"] * 2


def test_a_payee_is_paid_by_its_id(payer, current, of_bob):
    payee_id = store(payer, {**ELSEWHERE, "identifier": of_bob.iban, "name": "Bob"}).json()["id"]
    answer = send(payer, body_of(current, {"payee_id": payee_id}))
    assert (answer.status_code, answer.json()["status"]) == (201, "posted")
    assert answer.json()["destination"]["name"] == "Bob"


# --- the cooling-off


@pytest.fixture
def limited(settings):
    settings.NEW_PAYEE_LIMIT_MINOR = {"GBP": 5000, "EUR": 5000}


@pytest.mark.usefixtures("limited")
@pytest.mark.parametrize("elsewhere", [True, False])
def test_a_new_payee_gets_a_limited_amount_in_a_day(payer, rich, of_bob, elsewhere):
    to = ELSEWHERE if elsewhere else {**ELSEWHERE, "identifier": of_bob.iban}
    assert send(payer, body_of(rich, to, 3000)).status_code == 201
    answer = send(payer, body_of(rich, to, 2001), f"{KEY}-2")
    assert (answer.status_code, answer.json()["code"]) == (422, "limit_exceeded")
    assert "50.00 GBP in 24 hours" in answer.json()["detail"]
    assert send(payer, body_of(rich, to, 2000), f"{KEY}-3").status_code == 201


@pytest.mark.usefixtures("limited")
def test_a_stored_payee_counts_as_new_for_a_day(payer, access_token, api, alice, rich):
    payee_id = store(payer).json()["id"]
    for to in ({"payee_id": payee_id}, ELSEWHERE):
        assert send(payer, body_of(rich, to, 5001), f"{KEY}{len(to)}").json()["code"] == "limit_exceeded"
    with time_machine.travel(timezone.now() + timedelta(hours=25)):
        later = api(access_token(alice, "transfers:write payees:write"))
        assert send(later, body_of(rich, {"payee_id": payee_id}, 6000), f"{KEY}-3").status_code == 201
        # A payee that is removed and stored again counts as new again.
        later.delete(f"/api/v1/payees/{payee_id}")
        store(later)
        assert send(later, body_of(rich, ELSEWHERE, 6000), f"{KEY}-4").json()["code"] == "limit_exceeded"


@pytest.mark.usefixtures("limited")
@pytest.mark.parametrize("by", ["id", "iban"])
def test_a_joint_account_is_a_new_payee_for_a_day(payer, access_token, api, alice, bob, rich, of_bob, by):
    """Whoever took over a session may have accepted the invitation to it, to pay themselves."""
    sent = invitations.invite(of_bob.pk, alice.email, "holder", by=bob.pk, is_proven=True)
    invitations.accept(sent.pk, by=alice.pk, is_proven=True)
    to = of_bob if by == "id" else {**ELSEWHERE, "identifier": of_bob.iban}
    assert send(payer, body_of(rich, to, 3000)).status_code == 201
    assert send(payer, body_of(rich, to, 2001), f"{KEY}-2").json()["code"] == "limit_exceeded"
    assert send(payer, body_of(rich, ELSEWHERE, 2001), f"{KEY}-3").json()["code"] == "limit_exceeded"
    with time_machine.travel(timezone.now() + timedelta(hours=25)):
        later = api(access_token(alice, "transfers:write"))
        assert send(later, body_of(rich, to, 6000), f"{KEY}-4").status_code == 201


@pytest.mark.usefixtures("limited")
def test_own_accounts_have_no_cooling_off(payer, rich, savings):
    assert send(payer, body_of(rich, savings, 9000)).status_code == 201
    by_iban = {**ELSEWHERE, "identifier": savings.iban}
    assert send(payer, body_of(rich, by_iban, 9000), f"{KEY}-2").status_code == 201


# --- transfer rehearsals


def rehearse(api, body):
    return api.post("/api/v1/transfer-rehearsals", body, format="json")


def test_the_older_form_of_a_rehearsal_still_works_and_says_what_replaces_it(payer, current, savings):
    """RFC 9745."""
    headers = {"Idempotency-Key": KEY}
    answer = payer.post(
        "/api/v1/transfers?dry_run=true", body_of(current, savings, 2500), format="json", headers=headers
    )
    assert (answer.status_code, answer.json()) == (200, rehearse(payer, body_of(current, savings, 2500)).json())
    assert re.fullmatch("@[0-9]{10}", answer["Deprecation"])
    assert 'rel="deprecation"' in answer["Link"]
    assert '</api/v1/transfer-rehearsals>; rel="successor-version"' in answer["Link"]
    assert not Transfer.objects.exists()


def test_a_rehearsal_says_what_would_be_and_keeps_nothing(payer, access_token, api, alice, current, savings):
    answer = rehearse(payer, body_of(current, savings, 2500))
    assert (answer.status_code, answer.json()["status"]) == (200, "posted")
    sees_balances = api(access_token(alice, "transfers:write balances:read"))
    told = rehearse(sees_balances, body_of(current, savings, 2500)).json()
    assert told == {**answer.json(), "available_after": {"currency": "GBP", "minor_units": 7500}}
    assert rehearse(payer, body_of(current, ELSEWHERE, 2500)).json()["status"] == "pending"
    assert rehearse(payer, body_of(current, savings, 10_001)).json()["code"] == "insufficient_funds"
    assert not Transfer.objects.exists()
    current.refresh_from_db()
    assert (current.posted_minor, current.held_minor) == (10_000, 0)


@pytest.mark.parametrize("path", ["transfer-rehearsals", "transfers?dry_run=true"])
@pytest.mark.parametrize(
    ("scope", "details"),
    [
        ("transfers:write", []),
        ("transfers:write transfers:read transactions:read", []),
        ("transfers:write balances:read", ["transfers:write"]),
        ("transfers:write balances:read", ["balances:read"]),
    ],
)
def test_a_rehearsal_tells_no_balance_to_an_app_that_may_not_read_it(
    access_token, api, alice, current, savings, scope, details, path
):
    """OWASP API3. In the last two cases, the user picked the paying account for payments or another one for balances."""
    both = [str(current.pk), str(savings.pk)]
    picked = [{"type": "account_access", "scopes": ["transfers:write"], "accounts": both}] if details else []
    if details == ["balances:read"]:
        picked += [{"type": "account_access", "scopes": details, "accounts": [str(savings.pk)]}]
    app = api(access_token(alice, scope, authorization_details=picked))
    body = body_of(current, savings, 2500)
    answer = app.post(f"/api/v1/{path}", body, format="json", headers={"Idempotency-Key": KEY})
    assert (answer.status_code, answer.json()["available_after"]) == (200, None)


def test_an_invalid_value_of_dry_run_is_400(payer, current, savings):
    answer = payer.post("/api/v1/transfers?dry_run=maybe", body_of(current, savings), format="json")
    assert answer.status_code == 400


# --- does the name fit?


@pytest.mark.parametrize(
    ("name", "result", "told"),
    [("Bob Baker", "match", None), ("BAKER, Bob", "match", None), ("Bob Bäker", "match", None),
     ("Bob Bakers", "close_match", "Bob Baker"), ("Mallory", "no_match", None)],
)  # fmt: skip
def test_a_name_is_compared_as_people_write_it(payer, of_bob, name, result, told):
    asked = {"scheme": "iban", "identifier": of_bob.iban, "name": name}
    assert payer.post("/api/v1/payee-checks", asked, format="json").json() == {"result": result, "name": told}


@pytest.mark.parametrize(
    ("of_account", "name", "result"),
    [("राम शर्मा", "राम शर्मा", "match"), ("राम शर्मा", "रीमा शर्मा", "close_match"), ("सीता", "सूत", "no_match"),
     ("สมชาย ใจดี", "สมชาย ใจดี", "match"), ("กิตติ", "กตต", "no_match"), ("がとう", "かとう", "no_match"),
     ("がとう", "か\u3099とう", "match"), ("김민수", "김민서", "no_match"), ("أَحْمَد", "احمد", "match"),
     ("علی\u200cرضا", "علیرضا", "match"), ("Nguyễn Thị", "NGUYEN THI", "match"), ("O’Brien", "OBrien", "match"),
     ("Anna-Maria Koch", "Koch, Maria Anna", "match"), ("...", "!", "no_match"), ("", "!", "no_match")],
)  # fmt: skip
def test_names_of_all_scripts_are_compared_by_the_letters_that_distinguish_them(
    payer, bob, of_bob, of_account, name, result
):
    """Vowel signs and voicing marks are letters of a name; accents are not."""
    bob.name = of_account
    bob.save()
    asked = {"scheme": "iban", "identifier": of_bob.iban, "name": name}
    assert payer.post("/api/v1/payee-checks", asked, format="json").json()["result"] == result


def test_the_name_of_each_holder_of_a_joint_account_matches(payer, bob, of_bob, django_user_model):
    dan = django_user_model.objects.create_user("dan@example.com", name="Dan Fisher")
    eve = django_user_model.objects.create_user("eve@example.com", name="Eve Walker")
    AccountAccess.objects.create(account=of_bob, user=dan, role="holder")
    AccountAccess.objects.create(account=of_bob, user=eve, role="delegate")
    for name, result in (("Bob Baker", "match"), ("Dan Fisher", "match"), ("Eve Walker", "no_match")):
        asked = {"scheme": "iban", "identifier": of_bob.iban, "name": name}
        assert payer.post("/api/v1/payee-checks", asked, format="json").json()["result"] == result
    asked = {"scheme": "iban", "identifier": of_bob.iban, "name": "Dan Fischer"}
    assert payer.post("/api/v1/payee-checks", asked, format="json").json() == {
        "result": "close_match", "name": "Dan Fisher",
    }  # fmt: skip


def test_of_another_bank_nothing_is_known_and_an_unknown_account_is_no_match(payer, of_bob):
    assert payer.post("/api/v1/payee-checks", ELSEWHERE, format="json").json()["result"] == "not_available"
    of_bob.iban, iban = None, of_bob.iban
    of_bob.save()
    asked = {**ELSEWHERE, "identifier": iban}
    assert payer.post("/api/v1/payee-checks", asked, format="json").json()["result"] == "no_match"


@pytest.mark.usefixtures("clock_stands")
def test_nobody_tries_out_names(payer, of_bob):
    """OWASP API4: 30 a minute per client and user; THROTTLE_SCALE is 1 here."""
    asked = {"scheme": "iban", "identifier": of_bob.iban, "name": "x"}
    answers = [payer.post("/api/v1/payee-checks", asked, format="json") for _ in range(32)]
    assert answers[0]["RateLimit-Policy"] == '"payee-checks";q=30;w=60'
    assert answers[0]["RateLimit"].startswith('"payee-checks";r=29;t=')
    assert {answer.status_code for answer in answers[:30]} == {200}
    assert (answers[31].status_code, answers[31].json()["code"]) == (429, "rate_limited")
    assert int(answers[31]["Retry-After"]) <= 60
    assert payer.get("/api/v1/payees").status_code == 200


@pytest.mark.usefixtures("limited")
def test_many_new_payees_get_no_more_than_one(payer, rich, of_bob):
    """An attacker who has taken over a session could split the money over many accounts."""
    ibans = ["DE89370400440532013000", "FR7630006000011234567890189", of_bob.iban]
    answers = [
        send(payer, body_of(rich, {**ELSEWHERE, "identifier": iban}, 2000), f"{KEY}-{iban}").status_code
        for iban in ibans
    ]
    assert answers == [201, 201, 422]


@pytest.mark.usefixtures("limited")
def test_a_cancelled_transfer_takes_nothing_from_the_limit(payer, rich):
    made = send(payer, body_of(rich, ELSEWHERE, 4000)).json()
    assert send(payer, body_of(rich, ELSEWHERE, 4000), f"{KEY}-2").json()["code"] == "limit_exceeded"
    assert payer.post(f"/api/v1/transfers/{made['id']}/cancel", {}, format="json").status_code == 200
    assert send(payer, body_of(rich, ELSEWHERE, 4000), f"{KEY}-3").status_code == 201


@pytest.mark.usefixtures("limited")
def test_each_currency_has_its_own_limit(payer, rich, alice):
    euros = funded(alice, "Euros", "EUR", amount_minor=10_000_000)
    assert send(payer, body_of(rich, ELSEWHERE, 4000)).status_code == 201
    assert send(payer, body_of(euros, ELSEWHERE, 4000, "EUR"), f"{KEY}-2").status_code == 201
    assert send(payer, body_of(euros, ELSEWHERE, 4000, "EUR"), f"{KEY}-3").json()["code"] == "limit_exceeded"


@pytest.mark.usefixtures("limited")
def test_an_established_payee_takes_nothing_from_the_limit(payer, rich, of_bob):
    Payee.objects.create(
        user=rich.holder, name="Dora", iban="DE89370400440532013000", created_at=timezone.now() - timedelta(days=2)
    )
    assert send(payer, body_of(rich, ELSEWHERE, 9000)).status_code == 201
    to_bob = {**ELSEWHERE, "identifier": of_bob.iban}
    assert send(payer, body_of(rich, to_bob, 5000), f"{KEY}-2").status_code == 201
    assert send(payer, body_of(rich, to_bob, 1), f"{KEY}-3").json()["code"] == "limit_exceeded"


@pytest.mark.usefixtures("limited")
@pytest.mark.django_db(transaction=True)
def test_two_accounts_at_once_do_not_double_it(access_token, api, alice):
    sources = [funded(alice, name, amount_minor=100_000) for name in ("One", "Two")]
    client = api(access_token(alice, "transfers:write"))
    answers = in_parallel(
        *(partial(send, client, body_of(source, ELSEWHERE, 3000), f"{KEY}-{source.pk}") for source in sources)
    )
    assert sorted(answer.status_code for answer in answers) == [201, 422]
