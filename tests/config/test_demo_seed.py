"""`manage.py demo_seed`: what the demo starts with."""

import json
import stat
from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
from allauth.account.models import EmailAddress
from django.core.management import CommandError, call_command

from accounts.models import User
from banking import ledger
from banking.models import Account, LedgerEntry
from demo.seed import history, people
from oauth.models import Client

pytestmark = pytest.mark.django_db


@pytest.fixture
def seed(settings, tmp_path, monkeypatch):
    settings.DATA_DIR = tmp_path
    monkeypatch.setenv("DEMO_PASSWORD", "a password for this test")

    def seed() -> str:
        out = StringIO()
        call_command("demo_seed", stdout=out)
        return out.getvalue()

    return seed


def everything() -> dict[str, list]:
    models = (User, EmailAddress, Account, LedgerEntry, Client)
    return {model.__name__: list(model.objects.order_by("pk").values()) for model in models}


def test_the_people_can_log_in_at_once(seed, client):
    seed()
    for email in ("alice@demo.test", "bob@demo.test", "admin@demo.test"):
        response = client.post("/accounts/login/", {"login": email, "password": "a password for this test"})
        assert response.status_code == 302
        assert response["Location"] == "/"
        client.logout()
    assert User.objects.get(is_superuser=True).email == "admin@demo.test"


def test_each_customer_has_two_accounts_in_one_currency_one_in_another_and_a_history(seed):
    seed()
    for person in people.CUSTOMERS:
        accounts = Account.objects.filter(holder__email=person.email)
        assert sorted(accounts.values_list("currency", flat=True)) == ["EUR", "GBP", "GBP"]
        assert LedgerEntry.objects.filter(account__in=accounts).count() >= 60
        assert all(account.posted_minor > 10_000 for account in accounts)


def test_the_ledger_of_the_demo_passes_the_audit(seed):
    seed()
    assert all(finding.is_clean for finding in ledger.audit())


def test_twice_changes_nothing(seed, tmp_path):
    seed()
    before, secrets = everything(), (tmp_path / "clients.json").read_text()
    seed()
    assert everything() == before
    assert (tmp_path / "clients.json").read_text() == secrets


def test_there_is_one_client_of_each_kind_that_the_admin_would_accept(seed):
    seed()
    clients = Client.objects.order_by("client_id")
    assert [(client.client_id, client.kind) for client in clients] == [
        (f"demo-{name}", kind)
        for name, kind in [
            ("browser", "browser"),
            ("device", "device"),
            ("fapi", "web"),
            ("mobile", "mobile"),
            ("service", "service"),
            ("web", "web"),
        ]
    ]
    for client in clients:
        client.full_clean()


def test_secrets_are_in_a_file_for_nobody_else_to_read(seed, tmp_path):
    printed = seed()
    file = tmp_path / "clients.json"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    described = json.loads(file.read_text())
    assert Client.objects.get(client_id="demo-web").secret_is(described["demo-web"]["client_secret"])
    assert Client.objects.get(client_id="demo-service").secret_is(described["demo-service"]["client_secret"])
    assert "client_secret" not in described["demo-mobile"]
    assert described["demo-web"]["client_secret"] not in printed


def test_a_lost_file_gives_new_secrets(seed, tmp_path):
    seed()
    old = json.loads((tmp_path / "clients.json").read_text())["demo-web"]["client_secret"]
    (tmp_path / "clients.json").unlink()
    seed()
    new = json.loads((tmp_path / "clients.json").read_text())["demo-web"]["client_secret"]
    assert Client.objects.get(client_id="demo-web").secret_is(new)
    assert not Client.objects.get(client_id="demo-web").secret_is(old)


def test_it_refuses_in_production(seed, settings):
    settings.MODE = "production"
    with pytest.raises(CommandError, match="do not belong here"):
        seed()
    assert not User.objects.exists()


@pytest.mark.parametrize("offset", range(0, 365, 13))
def test_no_account_of_a_history_ever_runs_empty_whenever_it_is_planted(offset):
    until = datetime(2026, 1, 31, 23, 59, tzinfo=UTC) + timedelta(days=offset)
    for person in people.CUSTOMERS:
        events = history.of(person.email, person.income, until=until)
        assert events == sorted(events)
        assert events[-1].at < until
        balances: dict[str, int] = {}
        for event in events:
            balances[event.account] = balances.get(event.account, 0) + event.amount_minor
            balances[event.other] = balances.get(event.other, 0) - event.amount_minor
            assert all(balances[name] > 0 for name in (history.EVERYDAY, history.SAVINGS) if name in balances)
            assert balances.get(history.EUROS, 1) > 0
        assert len(events) >= 60
