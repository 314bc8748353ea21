"""Reads of the bank API: whose data they return, which fields, and how they page."""

import json

import pytest
from django.conf import settings

from banking.accounts.opening import open_account
from tests.lib.error_ids import without_error_id
from tests.lib.ledger import FUNDS_MINOR, funded, move

pytestmark = pytest.mark.django_db
UNKNOWN = "0190d5a0-0000-7000-8000-000000000000"


def test_a_user_sees_their_accounts_and_nobody_elses(alice_api, current, savings, of_bob):
    body = alice_api.get("/api/v1/accounts").json()
    assert {row["id"] for row in body["data"]} == {str(current.pk), str(savings.pk)}
    assert body["next_cursor"] is None
    first = next(row for row in body["data"] if row["id"] == str(current.pk))
    assert (first["currency"], first["status"], first["type"]) == ("GBP", "open", "current")


@pytest.mark.parametrize("path", ["", "/balances", "/transactions"])
def test_somebody_elses_account_answers_as_one_that_does_not_exist(
    alice_api, current, of_bob, path, django_assert_num_queries
):
    """ASVS 8.2.2, OWASP API1: the same status, body and queries."""
    answers = []
    for account_id in (of_bob.pk, UNKNOWN):
        with django_assert_num_queries(1):
            answers.append(alice_api.get(f"/api/v1/accounts/{account_id}{path}"))
    assert [answer.status_code for answer in answers] == [404, 404]
    assert without_error_id(answers[0]) == without_error_id(answers[1])
    assert answers[0]["Content-Type"] == "application/problem+json"
    malformed = alice_api.get(f"/api/v1/accounts/not-an-id{path}")
    assert without_error_id(malformed) == without_error_id(answers[0])


def test_a_client_acting_for_itself_has_no_accounts(access_token, api, current):
    answer = api(access_token(None, "accounts:read")).get("/api/v1/accounts")
    assert answer.json()["data"] == []


@pytest.mark.parametrize(
    ("method", "path", "scope"),
    [
        ("get", "/accounts", "accounts:read"),
        ("get", "/accounts/{id}", "accounts:read"),
        ("get", "/accounts/{id}/balances", "balances:read"),
        ("get", "/accounts/{id}/transactions", "transactions:read"),
        ("get", "/accounts/{id}/transactions/{id}", "transactions:read"),
        ("get", "/transfers", "transfers:read"),
        ("get", "/transfers/{id}", "transfers:read"),
        ("post", "/transfers", "transfers:write"),
    ],
)
def test_each_endpoint_needs_its_scope_and_names_it(access_token, api, alice, current, method, path, scope):
    every = {"accounts:read", "balances:read", "transactions:read", "transfers:read", "transfers:write", "openid"}
    url = "/api/v1" + path.format(id=current.pk)
    answer = getattr(api(access_token(alice, " ".join(every - {scope}))), method)(url)
    assert answer.status_code == 403
    assert f'scope="{scope}"' in answer["WWW-Authenticate"]
    assert getattr(api(access_token(alice, scope)), method)(url).status_code != 403


def test_the_full_account_number_needs_its_own_scope(access_token, api, alice, current):
    masked = api(access_token(alice)).get(f"/api/v1/accounts/{current.pk}").json()["identifiers"][0]["value"]
    assert masked != current.iban
    assert masked.endswith(current.iban[-4:])
    token = access_token(alice, "accounts:read accounts:detail")
    assert api(token).get(f"/api/v1/accounts/{current.pk}").json()["identifiers"][0]["value"] == current.iban


def test_balances_are_integers_with_a_currency(alice_api, current):
    body = alice_api.get(f"/api/v1/accounts/{current.pk}/balances").json()
    assert body["booked"] == body["available"] == {"currency": "GBP", "minor_units": FUNDS_MINOR}
    assert body["last_seq"] == 1


def test_transactions_page_without_gaps_or_repeats_while_new_ones_arrive(alice_api, current, savings):
    for _ in range(7):
        move(current, savings, 1)
    url = f"/api/v1/accounts/{current.pk}/transactions"
    seen, cursor = [], ""
    while cursor is not None:
        body = alice_api.get(f"{url}?limit=3{cursor and f'&cursor={cursor}'}").json()
        seen += [row["account_seq"] for row in body["data"]]
        cursor = body["next_cursor"]
        move(current, savings, 1)
    assert seen == list(range(8, 0, -1))


def test_a_transaction_says_what_happened(alice_api, current, savings):
    posted = move(current, savings, 250)
    body = alice_api.get(f"/api/v1/accounts/{current.pk}/transactions/{posted.pk}").json()
    assert (body["direction"], body["amount"]) == ("out", {"currency": "GBP", "minor_units": 250})
    assert body["balance_after"]["minor_units"] == FUNDS_MINOR - 250
    assert body["counterparty"]["name"] == savings.name
    assert alice_api.get(f"/api/v1/accounts/{current.pk}/transactions/{UNKNOWN}").status_code == 404


@pytest.mark.parametrize(
    ("query", "count"),
    [("direction=in", 1), ("direction=out", 2), ("from=2000-01-01", 3), ("to=2000-01-01T00:00:00Z", 0),
     ("status=booked", 3), ("status=pending", 0), ("status=booked,pending", 3)],
)  # fmt: skip
def test_transactions_are_filtered(alice_api, current, savings, query, count):
    move(current, savings, 1)
    move(current, savings, 1)
    body = alice_api.get(f"/api/v1/accounts/{current.pk}/transactions?{query}").json()
    assert len(body["data"]) == count


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=201", "limit=x", "limit=-1", "limit=%D9%A1", "direction=up", "from=yesterday",
              "from=2026-99-99", "to=99999-01-01", "status=lost", "status=", "from=", "to=", "direction=", "cursor=x", "cursor=x:y", "cursor="],
)  # fmt: skip
def test_malformed_queries_are_400(alice_api, current, query):
    answer = alice_api.get(f"/api/v1/accounts/{current.pk}/transactions?{query}")
    assert answer.status_code == 400
    assert answer.json()["code"] in ("malformed_request", "invalid_cursor")


def test_a_cursor_is_bound_to_user_client_account_and_filters(
    access_token, api, alice, alice_api, bob, current, savings
):
    """Hydra CVE-2026-33504: a page token is signed."""
    move(current, savings, 1)
    move(savings, current, 1)
    url = f"/api/v1/accounts/{current.pk}/transactions"
    cursor = alice_api.get(f"{url}?limit=1").json()["next_cursor"]
    other_client = api(access_token(alice, "transactions:read", client_id="another"))
    refusals = [
        alice_api.get(f"{url}?cursor={cursor}&direction=in"),
        alice_api.get(f"/api/v1/accounts/{savings.pk}/transactions?cursor={cursor}"),
        alice_api.get(f"{url}?cursor={cursor[:-1]}"),
        alice_api.get(f"/api/v1/accounts?cursor={cursor}"),
        other_client.get(f"{url}?cursor={cursor}"),
    ]
    assert [answer.json()["code"] for answer in refusals] == ["invalid_cursor"] * 5
    assert alice_api.get(f"{url}?limit=1&cursor={cursor}").status_code == 200


@pytest.mark.parametrize(("path", "queries"), [("accounts", 1), ("accounts/{id}/transactions", 2), ("transfers", 1)])
def test_lists_take_a_fixed_number_of_queries(
    alice, alice_api, current, savings, path, queries, django_assert_num_queries
):
    for number in range(5):
        open_account(alice, name=f"Account {number}", currency="GBP")
        move(current, savings, 1)
    with django_assert_num_queries(queries):
        assert alice_api.get(f"/api/v1/{path.format(id=current.pk)}").status_code == 200


def test_answers_are_not_cached_and_carry_the_request_id(alice_api, current):
    answer = alice_api.get("/api/v1/accounts", headers={"X-Request-Id": "7f0b4dc26a7e4d398a325f7c0f7a9d11"})
    assert answer["Cache-Control"] == "no-store"
    assert answer["X-Request-Id"] == "7f0b4dc26a7e4d398a325f7c0f7a9d11"


@pytest.mark.parametrize(
    "path", ["/accounts", "/accounts/{id}", "/accounts/{id}/balances", "/accounts/{id}/transactions"]
)
def test_a_client_that_has_the_answer_is_not_sent_it_again(alice_api, current, savings, path):
    """RFC 9110 §13.1.2. If something has changed, the new answer is sent."""
    url = f"/api/v1{path.format(id=current.pk)}"
    first = alice_api.get(url)
    again = alice_api.get(url, headers={"If-None-Match": first["ETag"]})
    assert (again.status_code, again.content, again["Cache-Control"]) == (304, b"", "no-store")
    move(current, savings, 1)
    current.name = "Renamed"
    current.save(update_fields=["name"])
    assert alice_api.get(url, headers={"If-None-Match": first["ETag"]}).status_code == 200


@pytest.mark.parametrize("path", ["/api/v1/nonsense", "/api/v2/accounts", "/api/", "/api/v1/accounts/"])
def test_unknown_addresses_are_problems(client, path):
    answer = client.get(path)
    assert answer.status_code == 404
    assert answer["Content-Type"] == "application/problem+json"
    assert answer.json()["type"] == f"{settings.ISSUER}/problems/not_found"


def test_other_methods_are_405(alice_api, current):
    answer = alice_api.delete(f"/api/v1/accounts/{current.pk}")
    assert answer.status_code == 405
    assert answer.json()["code"] == "method_not_allowed"


def test_each_problem_has_a_page(client):
    from banking.api.problem_types import PROBLEMS

    for code in PROBLEMS:
        assert client.get(f"/problems/{code}").status_code == 200
    assert client.get("/problems/unheard_of").status_code == 404


def test_a_user_with_many_accounts_pages_through_them(alice, alice_api):
    for number in range(5):
        funded(alice, f"Account {number}", amount_minor=0)
    first = alice_api.get("/api/v1/accounts?limit=3").json()
    second = alice_api.get(f"/api/v1/accounts?limit=3&cursor={first['next_cursor']}").json()
    assert (len(first["data"]), len(second["data"]), second["next_cursor"]) == (3, 2, None)


@pytest.mark.parametrize("header", ["If-Match", "If-Unmodified-Since"])
def test_a_read_has_no_precondition_to_fail(alice_api, current, header):
    """RFC 9110 §13.1: such preconditions are for requests that change something."""
    value = '"x"' if header == "If-Match" else "Mon, 01 Jan 2001 00:00:00 GMT"
    for path in ("accounts", f"accounts/{current.pk}/balances"):
        assert alice_api.get(f"/api/v1/{path}", headers={header: value}).status_code == 200


def test_an_answer_that_is_known_is_304(alice_api, current):
    answer = alice_api.get("/api/v1/accounts")
    for known in (answer["ETag"], f'"x", W/{answer["ETag"]}', "*"):
        again = alice_api.get("/api/v1/accounts", headers={"If-None-Match": known})
        assert (again.status_code, again.content, again["ETag"]) == (304, b"", answer["ETag"])


@pytest.mark.parametrize("name", ["Bob\u202egnp.exe", "Bo\u200bb", "Bob\x9b", "B\u00adob", "Bob\U000e0041"])
def test_names_hold_nothing_that_is_not_seen(access_token, api, alice, name):
    """A name must not hold characters that are invisible or change the order of others (UTS #36)."""
    payee = {"scheme": "iban", "identifier": "DE89370400440532013000", "name": name}
    client = api(access_token(alice, "payees:write"))
    for body in (json.dumps(payee), json.dumps(payee, ensure_ascii=False)):
        answer = client.post("/api/v1/payees", body, content_type="application/json")
        assert (answer.status_code, answer.json()["code"]) == (400, "malformed_request")
