"""`manage.py demo_seed`: what the demo starts with."""

import json
import re
import stat
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from io import StringIO
from shutil import copytree

import pytest
from allauth.account.models import EmailAddress
from bs4 import BeautifulSoup
from django.contrib import admin
from django.core.management import call_command
from django.db import models, transaction
from django.db.models import Max, Min
from django.test import override_settings
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from banking import ledger
from banking.models import (
    Account,
    AccountAccess,
    Hold,
    LedgerEntry,
    Payee,
    Role,
    ScheduledTransfer,
    Transfer,
    Webhook,
)
from demo.seed import books, history, people, scale
from oauth.models import Authorization, Client, RefreshToken
from tests.lib import shared_rows

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def seeded(module_rows, tmp_path_factory):
    """The demo, once."""
    directory, out = tmp_path_factory.mktemp("demo"), StringIO()
    with module_rows.unblock(), override_settings(DATA_DIR=directory), pytest.MonkeyPatch.context() as patch:
        patch.setenv("DEMO_PASSWORD", "a password for this test")
        call_command("demo_seed", stdout=out)
        shared_rows.settle()
    return directory, out.getvalue()


@pytest.fixture
def demo(seeded, seed, tmp_path) -> str:
    """The output of `manage.py demo_seed`, which has run in an empty database."""
    directory, printed = seeded
    copytree(directory, tmp_path, dirs_exist_ok=True)
    return printed


def everything() -> dict[str, list]:
    models = (
        User, EmailAddress, Account, AccountAccess, LedgerEntry, Payee, ScheduledTransfer, Transfer, Hold, Client,
        Authorization, RefreshToken,
    )  # fmt: skip
    return {model.__name__: list(model.objects.order_by("pk").values()) for model in models}


def test_the_people_can_log_in_at_once(demo, client):
    for email in (*(person.email for person in people.CUSTOMERS), "admin@demo.test", "officer@demo.test"):
        response = client.post("/accounts/login/", {"login": email, "password": "a password for this test"})
        assert response.status_code == 302
        assert response["Location"] == "/"
        client.logout()
    assert User.objects.get(is_superuser=True).email == "admin@demo.test"


@pytest.mark.parametrize("name", ["alice", "bob"])
def test_alice_and_bob_have_two_accounts_in_one_currency_and_one_in_another(demo, name):
    accounts = Account.objects.filter(holder__email=f"{name}@demo.test").order_by("name")
    assert list(accounts.values_list("name", "currency")) == [
        ("Everyday", "GBP"), ("Holiday euros", "EUR"), ("Rainy day", "GBP"),
    ]  # fmt: skip
    assert all(account.posted_minor > 10_000 for account in accounts)


def test_there_are_two_years_of_history_in_three_currencies(demo):
    for person in people.CUSTOMERS:
        accounts = Account.objects.filter(holder__email=person.email)
        assert accounts.count() >= 2
        for account in accounts:
            booked = LedgerEntry.objects.filter(account=account).aggregate(
                first=Min("booked_at"), last=Max("booked_at")
            )
            assert booked["last"] - booked["first"] > timedelta(days=600)
            assert account.opened_at < booked["first"]
        assert LedgerEntry.objects.filter(account__in=accounts).count() >= 400
    assert set(Account.objects.values_list("currency", flat=True)) == {"GBP", "EUR", "JPY"}


def test_some_accounts_have_more_than_one_user(demo):
    others = AccountAccess.objects.exclude(role=Role.OWNER)
    assert set(others.values_list("user__email", "role", "account__holder__email", "account__name")) == {
        ("dan@demo.test", "holder", "carol@demo.test", "Household"),
        ("erin@demo.test", "reader", "alice@demo.test", "Everyday"),
    }


def test_something_is_ordered_and_something_waits(demo):
    alice = User.objects.get(email="alice@demo.test")
    order = ScheduledTransfer.objects.get(user=alice)
    assert order.next_on > timezone.localdate()
    assert order.transfers.count() >= 23  # each month of the two years is closed, as the worker would have done
    waiting = Transfer.objects.get(user=alice, status="pending")
    assert waiting.source.held_minor == waiting.amount_minor == waiting.hold.amount_minor
    assert Payee.objects.established().filter(user=alice).count() == 3
    assert not Webhook.objects.exists()


def test_the_second_admin_may_approve_but_not_everything(demo):
    officer = User.objects.get(email="officer@demo.test")
    assert officer.has_perm("banking.view_account")
    assert not officer.has_perm("accounts.change_user")
    assert not officer.is_superuser


def test_the_ledger_of_the_demo_passes_the_audit(demo):
    assert all(finding.is_clean for finding in ledger.audit())


def test_twice_changes_nothing(demo, seed, tmp_path):
    before, secrets = everything(), (tmp_path / "clients.json").read_text()
    seed()
    assert everything() == before
    assert (tmp_path / "clients.json").read_text() == secrets


def test_there_is_one_client_of_each_kind_that_the_admin_would_accept(demo):
    clients = Client.objects.order_by("client_id")
    assert [(client.client_id, client.kind) for client in clients] == [
        (f"demo-{name}", kind)
        for name, kind in [
            ("browser", "browser"),
            ("device", "device"),
            ("docs", "browser"),
            ("fapi", "web"),
            ("mobile", "mobile"),
            ("service", "service"),
            ("web", "web"),
        ]
    ]
    for client in clients:
        client.full_clean()


def test_secrets_are_in_a_file_for_nobody_else_to_read(demo, tmp_path):
    file = tmp_path / "clients.json"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    described = json.loads(file.read_text())
    assert Client.objects.get(client_id="demo-web").secret_is(described["demo-web"]["client_secret"])
    assert Client.objects.get(client_id="demo-service").secret_is(described["demo-service"]["client_secret"])
    assert "client_secret" not in described["demo-mobile"]
    assert described["demo-web"]["client_secret"] not in demo


def test_a_lost_file_gives_new_secrets(demo, seed, tmp_path):
    old = json.loads((tmp_path / "clients.json").read_text())["demo-web"]["client_secret"]
    (tmp_path / "clients.json").unlink()
    seed()
    new = json.loads((tmp_path / "clients.json").read_text())["demo-web"]["client_secret"]
    assert Client.objects.get(client_id="demo-web").secret_is(new)
    assert not Client.objects.get(client_id="demo-web").secret_is(old)


@pytest.mark.parametrize("offset", range(0, 365, 13))
def test_no_account_of_a_history_ever_runs_empty_whenever_it_is_seeded(offset):
    until = datetime(2026, 1, 31, 23, 59, tzinfo=UTC) + timedelta(days=offset)
    events = history.of(people.CUSTOMERS, until=until)
    assert [event.at for event in events] == sorted(event.at for event in events)
    assert events[-1].at < until
    balances: dict[history.Pot, int] = defaultdict(int)
    for event in events:
        for side, amount_minor in ((event.source, -event.amount_minor), (event.destination, event.amount_minor)):
            if isinstance(side, history.Pot):
                balances[side] += amount_minor
                assert balances[side] > 0
    assert all(balances[history.Pot(person.email, history.EVERYDAY)] > 0 for person in people.CUSTOMERS)


SCALED = (User, EmailAddress, Client, Authorization, RefreshToken)


def test_scale_adds_large_data_in_blocks_and_goes_on_where_it_was(demo, seed):
    before = {model: model.objects.count() for model in SCALED}
    seed(scale=0.001)
    seed(scale=0.002)  # existing rows count
    assert {model: model.objects.count() - before[model] for model in SCALED} == dict.fromkeys(SCALED, 2000)
    accounts = Account.objects.filter(holder__email__endswith="@scale.test")
    assert accounts.count() == 20
    assert LedgerEntry.objects.filter(account__in=accounts).count() + 20 == 2000  # the bank's own side of 20 deposits
    assert all(finding.is_clean for finding in ledger.audit())
    there = everything()
    seed(scale=0.002)
    assert everything() == there


def test_the_last_block_of_the_largest_scale_is_written(demo, seed, monkeypatch):
    """Its last user has a number of eight digits."""
    monkeypatch.setattr(scale, "_first_missing", lambda: 10 * scale.BLOCKS - 1)
    seed(scale=10)
    last = 10 * scale.BLOCKS * scale.BLOCK
    assert User.objects.get(pk=scale.user_id(last)).email == "person-10000000@scale.test"
    assert Client.objects.get(client_id=scale.client_id(last)).client_id == "scale-10000000"
    assert Account.objects.filter(holder__email__endswith="@scale.test").count() == scale.ACCOUNTS


def test_scale_makes_the_same_each_time(demo, seed):
    def seeded() -> list:
        with transaction.atomic():
            seed(scale=0.001)
            rows = LedgerEntry.objects.filter(account__holder__email__endswith="@scale.test")
            rows = list(rows.order_by("account", "account_seq").values_list("account", "amount_minor", "booked_at"))
            transaction.set_rollback(True)
        return rows

    assert seeded() == seeded()


def test_what_scale_writes_without_triggers_is_what_they_would_write(demo, seed, monkeypatch):
    def seeded() -> list:
        with transaction.atomic():
            seed(scale=0.001)
            entries = LedgerEntry.objects.order_by("account__iban", "account__name", "account_seq")
            entries = entries.select_related("transaction", "account")
            rows = [
                [
                    getattr(entry, name)
                    for name in (
                        "currency", "amount_minor", "account_seq", "balance_after_minor",
                        "counterparty_name", "counterparty_iban", "booked_at", "value_date",
                    )
                ]
                + [entry.transaction.kind, entry.transaction.description, entry.transaction.created_at]
                + [entry.account.name, entry.account.iban, entry.account.posted_minor, entry.account.last_seq, entry.account.last_booked_at]
                for entry in entries
            ]  # fmt: skip
            transaction.set_rollback(True)
        return rows

    assert books.can_write()
    written = seeded()
    monkeypatch.setattr(books, "can_write", lambda: False)
    assert written == seeded()


def test_what_scale_makes_works(demo, seed, client, token_endpoint):
    """The rows can log in and redeem tokens, as real rows can."""
    seed(scale=0.001)
    answer = client.post(
        "/accounts/login/", {"login": "person-0000007@scale.test", "password": "a password for this test"}
    )
    assert answer.status_code == 302
    app = Client.objects.get(client_id=scale.client_id(7))
    app.full_clean()
    app.secret = scale.client_secret(7)
    assert token_endpoint.refresh(app, scale.refresh_token(7)).status_code == 200


UUID_TEXT = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
MOMENT = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d [A-Z]{3,4}")


@pytest.mark.usefixtures("demo")
def test_the_lists_of_the_admin_show_names_and_exact_times(client):
    """No cell is a bare id, and each moment has its seconds and its zone, in every list that has rows."""
    client.force_login(User.objects.get(email="admin@demo.test"))
    seen, faults = 0, set()
    for model, page in admin.site._registry.items():
        moments = {field.name for field in model._meta.fields if type(field) is models.DateTimeField}
        answer = client.get(reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist"))
        assert answer.status_code == 200, model
        for cell in BeautifulSoup(answer.content, "html.parser").select("#result_list tbody :is(th, td)[class^=field]"):
            seen += 1
            name, text = cell["class"][0].removeprefix("field-"), cell.get_text(" ", strip=True)
            is_inexact = name in moments and text != "-" and not MOMENT.fullmatch(text)
            if UUID_TEXT.fullmatch(text) or is_inexact:
                faults.add((model.__name__, name, text))
        # Fields for which the demo has no rows.
        shown = [model._meta.get_field(one) for one in page.list_display if one in _fields_of(model)]
        faults |= {(model.__name__, field.name, "") for field in shown if isinstance(field, models.UUIDField)}
    assert not faults
    assert seen > 1000


def _fields_of(model):
    return {field.name for field in model._meta.fields}
