"""POST /transfers: exactly once, or not at all."""

import contextlib
import json
from datetime import timedelta
from functools import partial

import pytest
import time_machine
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st
from rest_framework.exceptions import ParseError
from rest_framework.test import APIClient

from banking.api.json import loads
from banking.ledger import audit
from banking.ledger.retry import in_transaction
from banking.models import Account, AccountAccess, IdempotencyRecord, Transfer
from oauth.models import Authorization, Client
from tests.lib.error_ids import without_error_id
from tests.lib.hosts import on_host
from tests.lib.ledger import FUNDS_MINOR, balances, funded
from tests.lib.lossy_database import through_a_network_that_loses
from tests.lib.threads import in_parallel
from tests.lib.transfers import KEY, UNKNOWN, body_of, send

pytestmark = pytest.mark.django_db


def test_a_transfer_between_own_accounts_is_posted_at_once(alice_api, current, savings):
    answer = send(alice_api, body_of(current, savings))
    body = answer.json()
    assert answer.status_code == 201
    assert (body["status"], body["amount"]) == ("posted", {"currency": "GBP", "minor_units": 2500})
    assert balances(current, savings) == [FUNDS_MINOR - 2500, 2500]
    shown = alice_api.get(answer["Location"]).json()
    assert shown == body
    assert alice_api.get("/api/v1/transfers").json()["data"] == [body]
    [transaction_id] = body["transaction_ids"]
    entry = alice_api.get(f"/api/v1/accounts/{savings.pk}/transactions/{transaction_id}").json()
    assert (entry["transfer_id"], entry["description"]) == (body["id"], "Rent")


def test_a_user_is_paid_by_iban(alice_api, current, of_bob):
    spaced = " ".join(of_bob.iban[i : i + 4] for i in range(0, len(of_bob.iban), 4)).lower()
    answer = send(alice_api, body_of(current, {"scheme": "iban", "identifier": spaced, "name": "Bob"}))
    assert answer.status_code == 201
    assert of_bob.iban not in answer.content.decode()
    assert balances(current, of_bob) == [FUNDS_MINOR - 2500, FUNDS_MINOR + 2500]


def test_a_long_name_of_the_other_side_is_cut_in_the_entry(alice, alice_api, current, of_bob):
    """A user's name may be longer than the column of entries."""
    alice.name = "A" * 150
    alice.save()
    to_bob = {"scheme": "iban", "identifier": of_bob.iban, "name": "Bob"}
    assert send(alice_api, body_of(current, to_bob)).status_code == 201
    assert of_bob.entries.latest("account_seq").counterparty_name == "A" * 140


def test_a_repeated_request_is_answered_again_and_done_once(alice_api, current, savings):
    first = send(alice_api, body_of(current, savings))
    second = send(alice_api, body_of(current, savings), f'"{KEY}"')
    assert second.status_code == 201
    assert second.json() == first.json()
    assert second["Idempotent-Replayed"] == "true"
    assert "Idempotent-Replayed" not in first
    assert balances(current, savings) == [FUNDS_MINOR - 2500, 2500]


def test_the_same_key_for_another_body_is_refused(alice_api, current, savings):
    """draft-ietf-httpapi-idempotency-key-header §2.7: 422."""
    send(alice_api, body_of(current, savings))
    answer = send(alice_api, body_of(current, savings, 2501))
    assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_key_reused")
    assert Transfer.objects.count() == 1


def test_a_retry_after_the_record_is_gone_finds_the_transfer(alice_api, current, savings):
    """Idempotency records are deleted after a week; the transfer keeps its key forever."""
    first = send(alice_api, body_of(current, savings))
    IdempotencyRecord.objects.all().delete()
    second = send(alice_api, body_of(current, savings))
    assert (second.status_code, second.json(), second["Idempotent-Replayed"]) == (201, first.json(), "true")
    other = send(alice_api, body_of(current, savings, 2501))
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    assert balances(current, savings) == [FUNDS_MINOR - 2500, 2500]


@pytest.mark.parametrize("role", ["reader", "delegate"])
def test_an_account_that_the_user_only_has_access_to_is_not_shown_as_their_own(alice_api, alice, current, of_bob, role):
    """It is paid like somebody else's account, so the payment is shown with the payee that the user named."""
    AccountAccess.objects.create(account=of_bob, user=alice, role=role)
    to_bob = {"scheme": "iban", "identifier": of_bob.iban, "name": "Bob Baker"}
    made = send(alice_api, body_of(current, to_bob))
    assert made.json()["destination"]["name"] == "Bob Baker"
    assert alice_api.get(made["Location"]).json() == made.json()
    assert alice_api.get("/api/v1/transfers").json()["data"] == [made.json()]


def test_a_key_is_one_users_and_one_clients(access_token, api, alice, bob, alice_api, current, savings, of_bob):
    send(alice_api, body_of(current, savings))
    other_app = api(access_token(alice, "transfers:write", client_id="another"))
    assert send(other_app, body_of(current, savings)).status_code == 201
    bobs_other = funded(bob, "Other", amount_minor=0)
    assert send(api(access_token(bob, "transfers:write")), body_of(of_bob, bobs_other)).status_code == 201
    assert Transfer.objects.count() == 3


def test_a_refusal_of_the_ledger_is_remembered_too(alice_api, current, savings):
    """The transfer is rolled back to a savepoint, and only the idempotency record is committed."""
    first = send(alice_api, body_of(current, savings, FUNDS_MINOR + 1))
    assert (first.status_code, first.json()["code"]) == (422, "insufficient_funds")
    assert first["Content-Type"] == "application/problem+json"
    second = send(alice_api, body_of(current, savings, FUNDS_MINOR + 1))
    assert second.json() == first.json()
    assert second["Idempotent-Replayed"] == "true"
    assert balances(current, savings) == [FUNDS_MINOR, 0]


@pytest.mark.parametrize(
    ("key", "code"),
    [(None, "idempotency_key_missing"), ("short", "idempotency_key_invalid"), ("x" * 256, "idempotency_key_invalid"),
     ("0123456789 abcdef", "idempotency_key_invalid"), ('""', "idempotency_key_invalid")],
)  # fmt: skip
def test_a_transfer_needs_a_key(alice_api, current, savings, key, code):
    answer = send(alice_api, body_of(current, savings), key)
    assert (answer.status_code, answer.json()["code"]) == (400, code)


def test_from_somebody_elses_account_is_not_found(alice_api, savings, of_bob):
    """OWASP API1: the same as an unknown one, and nothing is stored."""
    answers = [send(alice_api, body_of(source, savings)) for source in (of_bob, UNKNOWN)]
    assert [answer.status_code for answer in answers] == [404, 404]
    bodies = [without_error_id(answer) for answer in answers]
    assert bodies[0] == bodies[1]
    assert not IdempotencyRecord.objects.exists()


def test_to_somebody_elses_account_id_is_unreachable_as_an_unknown_one_is(alice_api, current, of_bob):
    answers = [
        send(alice_api, body_of(current, {"account_id": str(account)}), f"{KEY}-{account}")
        for account in (of_bob.pk, UNKNOWN)
    ]
    assert [answer.json()["code"] for answer in answers] == ["payee_unreachable"] * 2
    bodies = [without_error_id(answer) for answer in answers]
    assert bodies[0] == bodies[1]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"amount": {"currency": "GBP", "minor_units": 0}}, "amount_out_of_range"),
        ({"amount": {"currency": "GBP", "minor_units": -1}}, "amount_out_of_range"),
        ({"amount": {"currency": "GBP", "minor_units": 10**15 + 1}}, "amount_out_of_range"),
        ({"amount": {"currency": "EUR", "minor_units": 1}}, "currency_mismatch"),
        ({"destination": {"scheme": "iban", "identifier": "GB00CSGN20000000000000", "name": "x"}}, "payee_unreachable"),
    ],
)
def test_domain_refusals_are_422(alice_api, current, savings, change, code):
    answer = send(alice_api, {**body_of(current, savings), **change})
    assert (answer.status_code, answer.json()["code"]) == (422, code)
    assert balances(current, savings) == [FUNDS_MINOR, 0]


def test_to_itself_is_refused(alice_api, current):
    assert send(alice_api, body_of(current, current)).json()["code"] == "same_account"


def test_a_frozen_account_is_409(alice_api, current, savings):
    Account.objects.filter(pk=current.pk).update(status="frozen")
    answer = send(alice_api, body_of(current, savings))
    assert (answer.status_code, answer.json()["code"]) == (409, "account_not_open")


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"amount": {"currency": "GBP", "minor_units": 1.0}}, None),
        ({"amount": {"currency": "GBP", "minor_units": "1"}}, "/amount/minor_units"),
        ({"amount": {"currency": "GBP", "minor_units": True}}, "/amount/minor_units"),
        ({"amount": {"currency": "GBP", "minor_units": None}}, "/amount/minor_units"),
        ({"amount": {"currency": "GBP", "minor_units": 10**40}}, "/amount/minor_units"),
        ({"amount": {"currency": "gbp", "minor_units": 1}}, "/amount/currency"),
        ({"amount": {"minor_units": 1}}, "/amount/currency"),
        ({"amount": 1}, "/amount"),
        ({"amount": {"currency": "GBP", "minor_units": 1, "x": 1}}, "/amount/x"),
        ({"extra": 1}, "/extra"),
        ({"reference": 7}, "/reference"),
        ({"reference": "x" * 141}, "/reference"),
        ({"reference": "\x00"}, None),
        ({"reference": "\ud800"}, None),
        ({"source_account_id": 7}, "/source_account_id"),
        ({"source_account_id": "x"}, "/source_account_id"),
        ({"destination": {}}, "/destination"),
        ({"destination": {"account_id": UNKNOWN, "scheme": "iban"}}, "/destination"),
    ],
)
def test_a_body_that_does_not_fit_is_400_and_says_where(alice_api, current, savings, change, pointer):
    answer = send(alice_api, {**body_of(current, savings), **change})
    body = answer.json()
    assert answer.status_code == 400, body
    assert body["code"] in ("malformed_request", "unknown_member")
    if pointer:
        assert pointer in [error["pointer"] for error in body["errors"]]
    assert not IdempotencyRecord.objects.exists()


@pytest.mark.parametrize(
    "raw", ["", "{", "[]", "null", '"x"', '{"a":1,"a":2}', "[" * 30_000, '{"a":NaN}', '{"a":1e400}', b'{"a":"\xff"}']
)
def test_a_body_that_is_not_one_json_object_is_400(alice_api, raw):
    assert send(alice_api, raw).status_code == 400


def test_too_much_or_another_type_is_refused(alice_api):
    assert send(alice_api, '{"a":"' + "x" * 70_000 + '"}').status_code == 413
    answer = alice_api.post("/api/v1/transfers", "a=1", content_type="text/plain", headers={"Idempotency-Key": KEY})
    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type")


def test_a_deactivated_user_moves_nothing(alice, alice_api, current, savings):
    """A valid token is not enough to move money: the user must be active."""
    alice.is_active = False
    alice.save()
    answer = send(alice_api, body_of(current, savings))
    assert (answer.status_code, answer.json()["code"]) == (401, "invalid_token")


def test_without_a_revocation_check_a_deactivated_user_still_moves_nothing(
    settings, alice, alice_api, current, savings
):
    """The check of the user does not depend on REVOCATION_CHECK."""
    settings.OAUTH = {**settings.OAUTH, "REVOCATION_CHECK": ""}
    alice.is_active = False
    alice.save()
    answer = send(alice_api, body_of(current, savings))
    assert (answer.status_code, answer.json()["code"]) == (403, "account_holder_inactive")


def test_a_revoked_authorization_moves_nothing_at_once(alice_api, current, savings):
    """ASVS 10.4.9: payments stop when the authorization ends, not when the token expires."""
    Authorization.objects.all().revoke(Authorization.RevocationReason.USER)
    answer = send(alice_api, body_of(current, savings))
    assert (answer.status_code, answer.json()["code"]) == (401, "invalid_token")
    assert 'error="invalid_token"' in answer["WWW-Authenticate"]
    assert not IdempotencyRecord.objects.exists()
    assert alice_api.get("/api/v1/accounts").status_code == 200


def test_a_disabled_client_moves_nothing(alice_api, current, savings):
    Client.objects.update(is_active=False)
    assert send(alice_api, body_of(current, savings)).status_code == 401


def test_a_client_from_which_the_scope_was_taken_moves_nothing(alice_api, current, savings):
    """ASVS 5.0 10.4.11: payments stop when staff take the scope, not when the token expires."""
    Client.objects.update(allowed_scopes=["accounts:read", "transfers:read"])
    answer = send(alice_api, body_of(current, savings))
    assert (answer.status_code, answer.json()["code"]) == (401, "invalid_token")


def test_a_client_acting_for_itself_moves_nothing(access_token, api, current, savings):
    assert send(api(access_token(None, "transfers:write")), body_of(current, savings)).status_code == 404


def test_somebody_elses_transfer_is_not_found(access_token, api, bob, alice_api, current, savings):
    location = send(alice_api, body_of(current, savings))["Location"]
    of_bob = api(access_token(bob, "transfers:read"))
    assert of_bob.get(location).status_code == 404
    assert of_bob.get("/api/v1/transfers").json()["data"] == []


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("is_fast", "statements"), [(True, 1), (False, 4)])
def test_a_transfer_takes_one_statement(
    settings, alice_api, current, savings, is_fast, statements, django_assert_num_queries
):
    """Without the fast path: BEGIN, the authorization, `post_transfer` and COMMIT."""
    settings.OAUTH = {**settings.OAUTH, "FAST_PATH": is_fast}
    alice_api.get("/api/v1/accounts")  # reads the keys that the change of settings made the process forget
    with django_assert_num_queries(statements):
        assert send(alice_api, body_of(current, savings)).status_code == 201
    assert balances(current, savings) == [FUNDS_MINOR - 2500, 2500]


@pytest.mark.django_db(transaction=True)
def test_sixteen_twins_make_one_transfer(access_token, alice, current, savings):
    """Sixteen parallel requests with one Idempotency-Key make one transfer."""
    token = access_token(alice, "transfers:write")
    twin = lambda: send(APIClient(headers={"Authorization": f"Bearer {token}"}), body_of(current, savings))  # noqa: E731
    answers = in_parallel(*[twin] * 16)
    assert [answer.status_code for answer in answers] == [201] * 16
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert sum("Idempotent-Replayed" in answer for answer in answers) == 15
    assert balances(current, savings) == [FUNDS_MINOR - 2500, 2500]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("lost", "is_there"), [("answer", True), ("request", False)])
def test_when_the_commit_is_lost_a_retry_finds_or_makes_the_one_transfer(alice_api, current, savings, lost, is_there):
    """The server cannot know whether the COMMIT reached the database, so it asks the app to try again."""
    with through_a_network_that_loses(lost) as losses:
        answer = send(alice_api, body_of(current, savings))
        assert losses.happened.is_set()
        assert (answer.status_code, answer.json()["code"]) == (503, "temporarily_unavailable")
        assert answer["Retry-After"]
        assert Transfer.objects.count() == is_there
        retry = send(alice_api, body_of(current, savings))
        other = send(alice_api, body_of(current, savings, 2501))
    assert retry.status_code == 201
    assert ("Idempotent-Replayed" in retry) == is_there
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    assert retry.json()["id"] == str(Transfer.objects.get().pk)
    assert balances(current, savings) == [FUNDS_MINOR - 2500, 2500]


@pytest.mark.django_db(transaction=True)
def test_thirty_parallel_transfers_spend_exactly_the_balance(access_token, alice, current, savings):
    """Parallel transfers never overdraw the account and refuse none that it covers."""
    token = access_token(alice, "transfers:write")

    def spend(number):
        return send(
            APIClient(headers={"Authorization": f"Bearer {token}"}), body_of(current, savings, 1000), f"{KEY}-{number}"
        ).status_code

    statuses = in_parallel(*[lambda number=number: spend(number) for number in range(30)])
    assert sorted(statuses) == [201] * 10 + [422] * 20
    assert all(finding.is_clean for finding in audit())


@pytest.mark.django_db(transaction=True)
def test_a_transient_failure_is_tried_again_and_a_lasting_one_is_raised(current, savings):
    attempts = []

    def deadlock(times):
        attempts.append(1)
        if len(attempts) <= times:
            with connection.cursor() as cursor:
                cursor.execute("DO $$ BEGIN RAISE EXCEPTION 'x' USING ERRCODE = '40P01'; END $$")
        return "done"

    assert in_transaction(lambda: deadlock(2)) == "done"
    attempts.clear()
    with pytest.raises(OperationalError):
        in_transaction(lambda: deadlock(3))


def test_an_outage_is_a_503_problem(alice_api, current, savings, monkeypatch):
    def down(*args, **kwargs):
        raise OperationalError("the connection is closed")

    monkeypatch.setattr("banking.payments.transfers.post_transfer", down)
    answer = send(alice_api, body_of(current, savings))
    assert (answer.status_code, answer.json()["code"]) == (503, "temporarily_unavailable")
    assert answer["Retry-After"]


@given(st.binary(max_size=300))
def test_the_parser_survives_any_bytes(raw):
    with contextlib.suppress(ParseError):  # no other error occurs
        json.dumps(loads(raw))


@given(
    st.recursive(st.none() | st.booleans() | st.integers() | st.text(st.characters(categories=["L", "N"])), st.lists)
)
def test_the_parser_reads_what_it_should(value):
    assert loads(json.dumps(value).encode()) == value


def test_the_payers_own_reference_is_good_once_a_minute(alice_api, current, savings):
    """A second click may come with a new Idempotency-Key."""
    body = body_of(current, savings, 1, end_to_end_id="INV-7")
    first = send(alice_api, body, "first-key-of-sixteen").json()
    with CaptureQueriesContext(connection) as context:
        again = send(alice_api, body, "second-key-of-sixteen")
    assert (again.status_code, again.json()["code"], again.json()["duplicate_of"]) == (
        409,
        "duplicate_transfer",
        first["id"],
    )
    assert len(context) <= 12
    assert balances(savings) == [1]
    assert send(alice_api, {**body, "end_to_end_id": "INV-8"}, "third-key-of-sixteen!").status_code == 201
    with time_machine.travel(timezone.now() + timedelta(seconds=61), tick=False):
        assert send(alice_api, body, "fourth-key-of-sixteen").status_code == 201


@pytest.mark.parametrize("seconds_ahead", [-40, 40])
def test_the_minute_of_the_payers_own_reference_is_one_of_the_databases_clock(
    alice_api, current, savings, seconds_ahead
):
    """Otherwise a second click that another host answers would be paid, or a payment of the next minute refused."""
    body = body_of(current, savings, 1, end_to_end_id="INV-7")
    begin = timezone.now() + timedelta(seconds=60)  # the token is valid on both hosts
    with time_machine.travel(begin, tick=False), on_host(seconds_ahead=seconds_ahead):
        assert send(alice_api, body, "first-key-of-sixteen").status_code == 201
    with time_machine.travel(begin + timedelta(seconds=50), tick=False):
        assert send(alice_api, body, "second-key-of-sixteen").status_code == 409
    with time_machine.travel(begin + timedelta(seconds=90), tick=False):
        assert send(alice_api, body, "third-key-of-sixteen!").status_code == 201


@pytest.mark.django_db(transaction=True)
def test_of_two_clicks_at_once_one_is_the_duplicate(alice_api, current, savings):
    body = body_of(current, savings, 1, end_to_end_id="INV-7")
    answers = in_parallel(*(partial(send, alice_api, body, f"key-of-sixteen-{n}!") for n in range(4)))
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409]
    assert balances(savings) == [1]


@pytest.mark.django_db(transaction=True)
def test_people_who_pay_each_other_at_once_are_all_served(access_token, api, alice, bob, current, of_bob):
    """Every check of the API locks accounts in the same order as the ledger, so none deadlocks."""
    scope = "transfers:write"
    ways = [
        (api(access_token(alice, scope, client_id="of-alice")), current, of_bob),
        (api(access_token(bob, scope, client_id="of-bob")), of_bob, current),
    ]
    works = [
        partial(
            send, client, body_of(source, {"scheme": "iban", "identifier": there.iban, "name": "x"}, 1),
            f"both-ways-key-{number}-{source.pk}",
        )
        for number in range(8)
        for client, source, there in ways
    ]  # fmt: skip
    before = deadlocks()
    answers = in_parallel(*works)
    assert [getattr(answer, "status_code", answer) for answer in answers] == [201] * 16
    assert deadlocks() == before
    assert balances(current, of_bob) == [FUNDS_MINOR] * 2


def deadlocks():
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_stat_clear_snapshot(), deadlocks FROM pg_stat_database WHERE datname = current_database()"
        )
        return cursor.fetchone()[1]


def test_a_retry_after_the_record_was_deleted_finds_the_transfer(alice_api, current, savings, of_bob):
    """The money has been spent since, but the retry of a payment that was made must not get `insufficient_funds`."""
    body = body_of(current, savings, FUNDS_MINOR)
    first = send(alice_api, body).json()
    IdempotencyRecord.objects.all().delete()
    again = send(alice_api, body)
    assert (again.status_code, again.json(), again["Idempotent-Replayed"]) == (201, first, "true")
    assert send(alice_api, body).json() == first


@pytest.mark.parametrize("change", ["amount", "destination", "reference", "end_to_end_id"])
def test_a_late_key_for_another_order_is_refused(alice_api, current, savings, of_bob, change):
    body = body_of(current, savings, 1, end_to_end_id="INV-7")
    other = {
        "amount": {"currency": "GBP", "minor_units": 2}, "reference": "Other", "end_to_end_id": "INV-8",
        "destination": {"scheme": "iban", "identifier": of_bob.iban, "name": "Bob"},
    }  # fmt: skip
    send(alice_api, body)
    IdempotencyRecord.objects.all().delete()
    answer = send(alice_api, {**body, change: other[change]})
    assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_key_reused")
    assert not IdempotencyRecord.objects.exists()
    assert send(alice_api, body).status_code == 201
    assert Transfer.objects.count() == 1


def test_null_of_an_optional_member_is_as_if_it_were_absent(alice_api, current, savings):
    """Kotlin's and Java's generated clients write it so. This is also true for the idempotency key: both count as the
    same request.
    """
    body = body_of(current, savings)
    made = send(alice_api, {**body, "end_to_end_id": None})
    again = send(alice_api, body)
    assert (made.status_code, again.status_code) == (201, 201)
    assert made.json() == again.json()
    assert made.json()["end_to_end_id"] is None
    assert send(alice_api, {**body, "reference": None}, "another-key-of-16").status_code == 400
