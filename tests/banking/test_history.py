"""Transactions older than 90 days need a fresh login (RFC 9470; SCA-RTS art. 10)."""

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from banking.accounts.opening import internal_account, open_account
from banking.ledger import post

pytestmark = pytest.mark.django_db
SCOPE = "accounts:read transactions:read"


@pytest.fixture
def old(alice):
    """An account with six transactions: 200, 180, ... 100 days ago, and six of this week."""
    account = open_account(alice, name="Old account", currency="GBP")
    other = internal_account("GBP", "Clearing")
    for days in (*range(200, 90, -20), *range(6, 0, -1)):
        at = timezone.now() - timedelta(days=days)
        post([(other, -100), (account, 100)], description=f"{days} days ago", kind="deposit", created_at=at)
    return account


@pytest.fixture
def ask(access_token, api, alice):
    def get(path, *, minutes_ago=60):
        auth_time = datetime.now(UTC) - timedelta(minutes=minutes_ago)
        return api(access_token(alice, SCOPE, auth_time=auth_time)).get(path)

    return get


def test_a_list_ends_at_ninety_days_and_going_on_is_a_challenge(old, ask):
    first = ask(f"/api/v1/accounts/{old.pk}/transactions").json()
    assert len(first["data"]) == 6
    older = f"/api/v1/accounts/{old.pk}/transactions?cursor={first['next_cursor']}"
    answer = ask(older)
    assert (answer.status_code, answer.json()["code"]) == (401, "insufficient_user_authentication")
    assert 'max_age="600"' in answer["WWW-Authenticate"]
    after = ask(older, minutes_ago=1)
    assert [row["description"] for row in after.json()["data"]] == [f"{days} days ago" for days in range(100, 201, 20)]
    assert after.json()["next_cursor"] is None


def test_a_single_old_transaction_needs_a_fresh_login_too(old, ask):
    rows = ask(f"/api/v1/accounts/{old.pk}/transactions", minutes_ago=0).json()["data"]
    assert ask(f"/api/v1/accounts/{old.pk}/transactions/{rows[0]['id']}").status_code == 200
    assert ask(f"/api/v1/accounts/{old.pk}/transactions/{rows[-1]['id']}").status_code == 401


def test_a_token_without_auth_time_does_not_show_old_transactions(old, access_token, api, alice):
    listed = api(access_token(alice, SCOPE, auth_time=None)).get(
        f"/api/v1/accounts/{old.pk}/transactions?to=2000-01-01"
    )
    assert listed.json()["data"] == []  # nothing is that old, so no fresh login is needed
    until = (timezone.now() - timedelta(days=95)).date()
    assert (
        api(access_token(alice, SCOPE, auth_time=None))
        .get(f"/api/v1/accounts/{old.pk}/transactions?to={until}")
        .status_code
        == 401
    )


def test_of_several_consents_the_shortest_history_counts(old, access_token, api, alice):
    """RFC 9396: each detail limits what the token shows of an account that it names, or of all if it names none."""

    def sees(*histories):
        since = [(timezone.now() - timedelta(days=days)).date().isoformat() for days in histories]
        details = tuple(
            {"type": "account_information", "accounts": [str(old.pk)], "actions": ["transactions"], "history_from": day}
            for day in since
        )
        token = access_token(alice, SCOPE, auth_time=timezone.now(), authorization_details=details)
        rows = api(token).get(f"/api/v1/accounts/{old.pk}/transactions?limit=50").json()["data"]
        return [row["description"] for row in rows]

    everything, shortest = sees(300), sees(3)
    assert len(everything) > len(shortest) > 0
    assert sees(300, 3) == sees(3, 300) == shortest
