"""The filters of lists: which values they refuse, and that they reveal nothing about old transactions."""

from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from banking.accounts.opening import internal_account, open_account
from banking.api import transaction_window, transfer_page
from banking.api.problems import BadRequest
from banking.api.query import Moment
from banking.ledger import post
from banking.models import Payee, ScheduledTransfer, Transfer, Webhook, WebhookDelivery
from oauth.models import Authorization
from tests.lib.ledger import funded, move
from tests.lib.transfers import ELSEWHERE, body_of, send

pytestmark = pytest.mark.django_db


def texts(answer):
    assert answer.status_code == 200, answer.content
    return [row.get("description") or row["reference"] for row in answer.json()["data"]]


@pytest.fixture
def busy(alice):
    """Ten entries: 1, -2, 3, -4, ... with texts “Number 1” to “Number 10”."""
    account = open_account(alice, name="Busy", currency="GBP", overdraft_minor=1000)
    other = internal_account("GBP", "Clearing")
    for number in range(1, 11):
        amount = number if number % 2 else -number
        post([(other, -amount), (account, amount)], description=f"Number {number}", kind="deposit")
    return account


@pytest.fixture
def ask(alice_api, busy):
    return lambda query: alice_api.get(f"/api/v1/accounts/{busy.pk}/transactions?{query}")


@pytest.mark.parametrize(
    ("query", "numbers"),
    [
        ("direction=in", [9, 7, 5, 3, 1]), ("direction=out", [10, 8, 6, 4, 2]),
        ("min_amount=9", [10, 9]), ("max_amount=2", [2, 1]), ("min_amount=4&max_amount=5", [5, 4]),
        ("min_amount=4&max_amount=4&direction=in", []), ("text=number 1", [10, 1]), ("text=NUMBER+3", [3]),
        ("text=%25", []), ("text=_umber", []), ("text=\\", []), ("text=CLEARING&max_amount=1", [1]),
        ("after_seq=7", [8, 9, 10]), ("after_seq=0&limit=200&min_amount=10", [10]), ("after_seq=10", []),
        ("after_seq=3&direction=out&to=2100-01-01", [4, 6, 8, 10]), ("text=Number&from=2100-01-01", []),
    ],
)  # fmt: skip
def test_a_list_has_what_fits_all_of_its_filters(ask, query, numbers):
    assert texts(ask(query)) == [f"Number {number}" for number in numbers]


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ("min_amount=-1", "/min_amount"), ("min_amount=1.5", "/min_amount"), ("max_amount=", "/max_amount"),
        ("max_amount=9999999999999999", "/max_amount"), ("min_amount=2&max_amount=1", "/min_amount"),
        ("text=", "/text"), ("text=%20", "/text"), ("text=" + "x" * 101, "/text"), ("text=a%E2%80%AEb", "/text"),
        ("category=fun", "/category"), ("direction=up", "/direction"), ("status=lost", "/status"),
        ("from=yesterday", "/from"), ("to=2026-99-99", "/to"), ("after_seq=-1", "/after_seq"),
        ("after_seq=x", "/after_seq"), ("after_seq=99999999999999999999", "/after_seq"),
        ("after_seq=1&status=pending", "/after_seq"), ("limit=0", "/limit"),
    ],
)  # fmt: skip
def test_a_refused_value_is_pointed_at(ask, query, pointer):
    answer = ask(query)
    assert (answer.status_code, answer.json()["code"]) == (400, "malformed_request")
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]


def walked(api, url):
    """Returns the rows of all pages, and the number of pages."""
    data, pages, cursor = [], 0, ""
    while cursor is not None:
        answer = api.get(f"{url}{cursor and f'&cursor={cursor}'}")
        assert answer.status_code == 200, answer.content
        body = answer.json()
        data, pages, cursor = data + body["data"], pages + 1, body["next_cursor"]
    return data, pages


@pytest.mark.parametrize("first", ["", "after_seq=0&"])
@pytest.mark.parametrize(("query", "count"), [("text=Number", 10), ("min_amount=10", 1), ("text=nothing", 0)])
def test_a_search_examines_a_bounded_number_and_goes_on(alice_api, busy, monkeypatch, first, query, count):
    monkeypatch.setattr(transaction_window, "MOST_EXAMINED", 3)
    data, pages = walked(alice_api, f"/api/v1/accounts/{busy.pk}/transactions?limit=2&{first}{query}")
    assert len({row["id"] for row in data}) == len(data) == count
    numbers = [row["account_seq"] for row in data]
    assert numbers == sorted(numbers, reverse=not first)
    assert pages >= 4


def test_pending_ones_come_before_those_that_were_found(alice_api, current):
    send(alice_api, body_of(current, ELSEWHERE, 100, reference="Opening a door"))
    url = f"/api/v1/accounts/{current.pk}/transactions?status=booked,pending"
    assert texts(alice_api.get(f"{url}&text=opening")) == ["Opening a door", "Opening"]
    assert texts(alice_api.get(f"{url}&text=demir&max_amount=100")) == ["Opening a door"]
    first = alice_api.get(f"{url}&text=opening&limit=1").json()
    assert texts(alice_api.get(f"{url}&text=opening&limit=1&cursor={first['next_cursor']}")) == ["Opening"]
    assert texts(alice_api.get(f"{url}&min_amount=101&text=door")) == []


# --- what is older than ninety days


@pytest.fixture
def old(alice):
    account = open_account(alice, name="Old", currency="GBP")
    other = internal_account("GBP", "Clearing")
    for days, text in ((200, "Doctor"), (150, "Baker"), (10, "Baker"), (5, "Baker")):
        at = timezone.now() - timedelta(days=days)
        post([(other, -days), (account, days)], description=text, kind="deposit", created_at=at)
    return account


@pytest.fixture
def asked(access_token, api, alice, old):
    def get(query, *, minutes_ago=60, account=old):
        auth_time = timezone.now() - timedelta(minutes=minutes_ago)
        token = access_token(alice, "transactions:read transfers:read", auth_time=auth_time)
        return api(token).get(f"/api/v1/accounts/{account.pk}/transactions?{query}")

    return get


@pytest.mark.parametrize("word", ["Doctor", "Lawyer"])
def test_a_filter_does_not_tell_what_an_old_transaction_says(asked, word):
    """RFC 9470, SCA-RTS art. 10: the same answers whether something old matches or not."""
    first = asked(f"text={word}").json()
    assert first["data"] == []
    assert first["next_cursor"]
    assert asked(f"text={word}&cursor={first['next_cursor']}").status_code == 401
    until = (timezone.now() - timedelta(days=100)).date()
    assert asked(f"text={word}&to={until}").status_code == 401
    assert asked(f"after_seq=0&text={word}").status_code == 401
    assert asked(f"after_seq=2&text={word}").json()["data"] == []
    nothing = asked(f"text={word}&to=2000-01-01").json()  # nothing that old at all
    assert (nothing["data"], nothing["next_cursor"]) == ([], None)
    assert len(asked(f"text={word}", minutes_ago=1).json()["data"]) == (word == "Doctor")


def test_the_recent_part_is_found_without_a_fresh_login(asked):
    first = asked("text=baker").json()
    assert [row["account_seq"] for row in first["data"]] == [4, 3]
    assert asked(f"text=baker&cursor={first['next_cursor']}").status_code == 401
    fresh = asked(f"text=baker&cursor={first['next_cursor']}", minutes_ago=1).json()
    assert ([row["account_seq"] for row in fresh["data"]], fresh["next_cursor"]) == ([2], None)


def test_new_transactions_are_read_without_a_fresh_login(asked):
    assert asked("after_seq=1").status_code == 401
    assert [row["account_seq"] for row in asked("after_seq=2").json()["data"]] == [3, 4]
    assert [row["account_seq"] for row in asked("after_seq=0", minutes_ago=1).json()["data"]] == [1, 2, 3, 4]


def test_a_limited_history_also_limits_requests_with_after_seq(access_token, api, alice, old):
    since = (timezone.now() - timedelta(days=8)).date()
    detail = {
        "type": "account_information", "accounts": [str(old.pk)], "actions": ["transactions"], "history_from": str(since),
    }  # fmt: skip
    app = api(access_token(alice, "transactions:read", auth_time=timezone.now(), authorization_details=(detail,)))
    for query in ("after_seq=0", "text=baker", "direction=in", "after_seq=0&text=baker"):
        body = app.get(f"/api/v1/accounts/{old.pk}/transactions?{query}").json()
        assert ([row["account_seq"] for row in body["data"]], body["next_cursor"]) == ([4], None), query


# --- transfers


@pytest.fixture
def transfers(alice_api, current, savings):
    for number in range(1, 6):
        key = f"a-key-of-number-{number}"
        assert send(alice_api, body_of(current, savings, number, reference=f"Own {number}"), key).status_code == 201
    assert send(alice_api, body_of(current, ELSEWHERE, 50, reference="Away"), "a-key-of-away-xx").status_code == 201
    assert send(alice_api, body_of(savings, current, 9, reference="Back"), "a-key-of-back-xx").status_code == 201


@pytest.mark.parametrize(
    ("query", "references"),
    [
        ("", ["Back", "Away", "Own 5", "Own 4", "Own 3", "Own 2", "Own 1"]), ("status=pending", ["Away"]),
        ("status=rejected,cancelled", []), ("status=posted&min_amount=5", ["Back", "Own 5"]),
        ("status=posted,pending&max_amount=1", ["Own 1"]), ("text=own+2", ["Own 2"]), ("text=demir", ["Away"]),
        ("from=2100-01-01", []), ("to=2020-01-01", []), ("from=0001-01-01&to=9999-12-31&min_amount=50", ["Away"]),
    ],
)  # fmt: skip
def test_transfers_are_filtered(alice_api, transfers, query, references):
    assert texts(alice_api.get(f"/api/v1/transfers?{query}")) == references


def test_transfers_are_searched_a_bounded_number_at_a_time(alice_api, transfers, monkeypatch):
    monkeypatch.setattr(transfer_page, "MOST_EXAMINED", 2)
    for query, count in (("text=own", 5), ("status=posted", 6), ("min_amount=9", 2), ("text=nothing", 0)):
        data, pages = walked(alice_api, f"/api/v1/transfers?limit=3&{query}")
        assert (len({row["id"] for row in data}), len(data)) == (count, count), query
        assert pages >= 3
        assert [row["id"] for row in data] == sorted((row["id"] for row in data), reverse=True)


@pytest.mark.parametrize("query", ["status=lost", "min_amount=x", "text=", "from=x", "limit=0"])
def test_a_refused_filter_of_transfers_is_pointed_at(alice_api, query):
    answer = alice_api.get(f"/api/v1/transfers?{query}")
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (400, f"/{query.partition('=')[0]}")


def test_a_cursor_of_transfers_is_bound_to_its_filters(alice_api, transfers):
    cursor = alice_api.get("/api/v1/transfers?limit=1&status=posted").json()["next_cursor"]
    assert alice_api.get(f"/api/v1/transfers?limit=1&status=posted&cursor={cursor}").status_code == 200
    for other in ("", "&status=pending", "&status=posted&text=own"):
        answer = alice_api.get(f"/api/v1/transfers?limit=1{other}&cursor={cursor}")
        assert answer.json()["code"] == "invalid_cursor"


def test_a_filter_does_not_tell_what_an_old_transfer_says(access_token, api, alice, current, savings):
    """RFC 9470, SCA-RTS art. 10."""
    for days, text in ((200, "Doctor"), (5, "Baker")):
        at = timezone.now() - timedelta(days=days)
        Transfer.objects.create(
            id=made_at(at), user=alice, client_id="x", source=current, destination=savings, currency="GBP",
            amount_minor=days, idempotency_key=f"key-of-sixteen-{days}", reference=text, status="posted", created_at=at,
            settled_at=at, transaction=move(current, savings, days),
        )  # fmt: skip

    def ask(query, minutes_ago=60):
        auth_time = timezone.now() - timedelta(minutes=minutes_ago)
        return api(access_token(alice, "transfers:read", auth_time=auth_time)).get(f"/api/v1/transfers?{query}")

    for word in ("Doctor", "Lawyer"):
        first = ask(f"text={word}").json()
        assert (first["data"], bool(first["next_cursor"])) == ([], True)
        assert ask(f"text={word}&cursor={first['next_cursor']}").status_code == 401
        assert ask(f"text={word}&to=2020-01-01").status_code == 200  # nothing that old at all
        until = (timezone.now() - timedelta(days=100)).date()
        assert ask(f"text={word}&to={until}").status_code == 401
    assert texts(ask("text=a")) == ["Baker"]
    assert texts(ask("text=doctor", minutes_ago=1)) == ["Doctor"]
    assert texts(ask("", minutes_ago=1)) == ["Baker", "Doctor"]


def made_at(at: datetime):
    from uuid_utils.compat import uuid7

    return uuid7(nanoseconds=int(at.timestamp() * 10**9))


@pytest.mark.parametrize(
    ("path", "queries"),
    [
        ("accounts/{id}/transactions?direction=out", 3), ("accounts/{id}/transactions?text=x&from=2026-01-01", 3),
        ("accounts/{id}/transactions?after_seq=0", 3), ("accounts/{id}/transactions?from=2026-01-01", 2),
        ("transfers?from=2026-01-01", 1), ("transfers?status=pending", 1), ("transfers?text=x", 2),
        ("transactions", 3), ("transactions?from=2026-01-01", 4), ("party", 1),
    ],
)  # fmt: skip
def test_filters_take_a_fixed_number_of_queries(
    access_token, api, alice, current, savings, path, queries, django_assert_num_queries
):
    app = api(access_token(alice, "transactions:read transfers:read party:read"))
    for number in range(5):
        funded(alice, f"Account {number}", amount_minor=0)
        move(current, savings, 1)
    with django_assert_num_queries(queries):
        assert app.get(f"/api/v1/{path.format(id=current.pk)}").status_code == 200


# --- other lists


def test_orders_payees_and_deliveries_are_filtered(access_token, api, alice, current, savings):
    app = api(access_token(alice, "transactions:read transfers:read payees:read webhooks:manage", client_id="x"))
    for number, status in enumerate(("active", "held", "completed")):
        ScheduledTransfer.objects.create(
            user=alice, client_id="x", source=current, destination=savings, currency="GBP", amount_minor=number + 1,
            idempotency_key=f"key-of-sixteen-{number}", reference=f"Order {number}", frequency="once",
            first_on="2030-01-01", next_on="2030-01-01" if status == "active" else None, status=status,
        )  # fmt: skip
    Payee.objects.create(user=alice, name="Dora Demir", iban="DE89370400440532013000")
    authorization = Authorization.objects.get(user=alice)
    hook = Webhook.objects.create(
        user=alice, client_id="x", authorization_id=authorization.pk, url="https://app.example/",
        events=["transfer.updated"],
    )  # fmt: skip
    for status in ("delivered", "failed", "dropped"):
        WebhookDelivery.objects.create(webhook=hook, event="transfer.updated", status=status)
    deliveries = f"webhooks/{hook.pk}/deliveries"
    for path, count in (
        ("scheduled-transfers?status=active", 1), ("scheduled-transfers?status=held,completed", 2),
        ("scheduled-transfers?min_amount=2&max_amount=2", 1), ("scheduled-transfers?text=order+2", 1),
        ("payees?text=demir", 1), ("payees?text=%25", 0), (f"{deliveries}?status=failed", 1), (deliveries, 2),
    ):  # fmt: skip
        answer = app.get(f"/api/v1/{path}")
        assert (answer.status_code, len(answer.json()["data"])) == (200, count), path
    for path in ("scheduled-transfers?status=x", "payees?text=", f"{deliveries}?status=dropped"):
        answer = app.get(f"/api/v1/{path}")
        assert (answer.status_code, answer.json()["code"]) == (400, "malformed_request")


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-01", "2026-11-01T00:00:00Z", "2026-11-01t00:00:00z", "2026-11-01 00:00:00.5+14:00",
        "2026-11-01T00:00:00", "0001-01-01T00:00:00+14:00",
    ],
)  # fmt: skip
def test_a_time_has_the_form_of_rfc_3339(text):
    assert Moment("from", "").parse(text).tzinfo is not None


@pytest.mark.parametrize(
    "text",
    [
        "20261101", "2026-W48-1", "2026-305", "2026-11-01T00Z", "2026-11-01T00:00Z", "2026-11-01T00:00:00,5Z",
        "2026-11-01T00:00:00+0100", "２０２６-11-01", "2026-11-01\n", "2026-02-30", "2026-11-01T24:00:01Z", "",
    ],
)  # fmt: skip
def test_a_time_of_another_form_is_refused(text):
    with pytest.raises(BadRequest):
        Moment("from", "").parse(text)
