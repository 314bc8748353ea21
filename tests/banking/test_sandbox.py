"""Sandbox users: what they have, and that it is never mixed with real money or real users."""

from datetime import timedelta

import pytest
from bs4 import BeautifulSoup
from django.core import mail
from django.db import IntegrityError, transaction
from django.test import Client as Browser
from django.utils import timezone

from accounts import changes, closing
from accounts.models import User
from accounts.notices import notice
from banking import direct_debits, ledger, oversight
from banking.account_life import applications, invitations, sandbox
from banking.accounts.opening import internal_account, open_account
from banking.models import (
    Account,
    AccountAccess,
    LedgerEntry,
    Product,
    Role,
    SandboxCustomer,
    Transfer,
    WebhookDelivery,
)
from banking.models import Webhook as WebhookRow
from banking.notices import email as bank_email
from banking.oversight.account_changes import NotPossible
from banking.payments.messages import MalformedMessage
from banking.payments.payee_confirmation import confirm_payee
from banking.payments.refusals import NotTheirs
from banking.payments.scheme import IncomingCollection, NewMandate
from oauth.audit import refused_requests
from oauth.authorize import backchannel_notices
from oauth.infrastructure import mailboxes
from oauth.models import Authorization, BackchannelRequest, Client, RefusedRequest, SandboxUser
from tests.lib.bank_notices import sent_notices
from tests.lib.ledger import funded
from tests.lib.login import log_in, logged_in
from tests.lib.oauth_client import allow
from tests.lib.registered import make_client, make_user
from tests.lib.staff import officer
from tests.lib.transfers import ELSEWHERE, body_of, send

pytestmark = pytest.mark.django_db


@pytest.fixture
def developer(db):
    return make_user("dev@example.test", "Dora Developer")


@pytest.fixture
def portal(developer):
    return logged_in(developer)


def make(portal, name="Anna Sandbox"):
    """Creates a sandbox user. Returns (email, password) as the page shows them to the developer."""
    page = BeautifulSoup(portal.post("/developers/sandbox", {"act": "make", "name": name}).content, "html.parser")
    return page.select_one("#sandbox-login").text, page.select_one("#sandbox-password").text


def test_a_form_that_is_sent_twice_makes_one_user(portal, developer):
    """The page that the developer sees has a password that works."""
    form = BeautifulSoup(portal.get("/developers/sandbox").content, "html.parser").select_one("main input[name=form]")
    filled_in = {"act": "make", "name": "Anna Sandbox", "form": form["value"]}
    first, second = (BeautifulSoup(portal.post("/developers/sandbox", filled_in).content, "html.parser") for _ in "12")
    assert first.select_one("#sandbox-login").text == second.select_one("#sandbox-login").text
    (box,) = SandboxUser.objects.filter(owner=developer).select_related("user")
    assert box.user.check_password(second.select_one("#sandbox-password").text)


@pytest.fixture
def anna(portal):
    email, _password = make(portal)
    return User.objects.get(email=email)


@pytest.fixture
def app(portal, developer):
    fields = {"kind": "web", "name": "Moneta", "redirect_uris": "https://app.example/callback",
              "allowed_scopes": ["accounts:read", "balances:read", "transfers:write", "transactions:read"]}  # fmt: skip
    portal.post("/developers/apps/new", fields)
    client = Client.objects.get(user=developer)
    client.secret = client.issue_secret()
    client.save()
    return client


def of(user):
    return list(Account.objects.filter(holder=user).order_by("opened_at", "id"))


def test_a_sandbox_user_logs_in_and_allows_the_app_which_reads(portal, app, token_endpoint, api):
    """This works with the real protocol, even before the app has been reviewed."""
    email, password = make(portal)
    browser = Browser()
    assert log_in(browser, email, password).status_code == 302
    code = allow(browser, app, scope="accounts:read balances:read")
    token = token_endpoint.redeem(app, code).json()["access_token"]
    listed = api(token).get("/api/v1/accounts").json()["data"]
    assert [(one["name"], one["currency"]) for one in listed] == [("Everyday", "XTS"), ("Rainy day", "XTS")]
    balances = api(token).get(f"/api/v1/accounts/{listed[0]['id']}/balances").json()
    assert balances["booked"] == {"currency": "XTS", "minor_units": sandbox.FULL_MINOR}
    assert Authorization.objects.get().client == app


def test_one_sandbox_account_pays_another(anna, app, access_token, api):
    first, second = of(anna)
    before = second.posted_minor
    answer = send(api(access_token(anna, "transfers:write", app.client_id)), body_of(first, second, 500, "XTS"))
    assert answer.status_code == 201
    second.refresh_from_db()
    assert second.posted_minor == before + 500


def test_play_money_and_real_money_never_meet(anna, app, access_token, api, current, alice):
    """The API refuses it in both directions, as it refuses an unknown account number, and so does the ledger."""
    play, *_ = of(anna)
    of_anna, of_alice = (
        api(access_token(anna, "transfers:write", app.client_id)),
        api(access_token(alice, "transfers:write")),
    )
    for number, (client, source, to, currency) in enumerate(
        [(of_anna, play, current, "XTS"), (of_anna, play, current, "GBP"), (of_alice, current, play, "GBP"),
         (of_alice, current, play, "XTS")]
    ):  # fmt: skip
        body = body_of(source, ELSEWHERE, 100, currency)
        body["destination"] = {"scheme": "iban", "identifier": to.iban, "name": "Somebody"}
        answer = send(client, body, f"a-key-of-sixteen-{number}")
        assert (answer.status_code, answer.json()["code"]) == (422, "payee_unreachable"), (number, answer.json())
    with pytest.raises((IntegrityError, ledger.refusals.Refusal)), transaction.atomic():
        ledger.post([(play, -100), (current, 100)], description="Mixed", kind="transfer")
    assert not Transfer.objects.exists()


def test_no_other_bank_gets_play_money_where_money_is_real(anna, app, access_token, api, settings):
    first, *_ = of(anna)
    client = api(access_token(anna, "transfers:write", app.client_id))
    settings.BANK_SANDBOX = False
    answer = send(client, body_of(first, ELSEWHERE, 100, "XTS"))
    assert (answer.status_code, answer.json()["code"]) == (422, "payee_unreachable")
    settings.BANK_SANDBOX = True
    assert send(client, body_of(first, ELSEWHERE, 100, "XTS"), "another-key-of-16").status_code == 201


def test_the_database_keeps_their_accounts_apart(anna, alice, current):
    with pytest.raises(IntegrityError, match="sandbox customers"), transaction.atomic():
        open_account(anna, name="Real", currency="GBP")
    with pytest.raises(IntegrityError, match="sandbox customers"), transaction.atomic():
        open_account(alice, name="Play", currency="XTS")
    with pytest.raises(IntegrityError, match="sandbox customers"), transaction.atomic():
        AccountAccess.objects.create(account=current, user=anna, role=Role.READER)
    with pytest.raises(IntegrityError, match="sandbox customers"), transaction.atomic():
        AccountAccess.objects.create(account=of(anna)[0], user=alice, role=Role.READER)
    with pytest.raises(IntegrityError, match="sandbox customers"), transaction.atomic():
        Account.objects.filter(pk=current.pk).update(holder=anna)
    with pytest.raises(IntegrityError, match="sandbox customers"), transaction.atomic():
        SandboxCustomer.objects.create(user=alice)
    for change in (lambda row: row.delete(), lambda row: row.update(user=alice)):
        with pytest.raises(IntegrityError, match="forbidden"), transaction.atomic():
            change(SandboxCustomer.objects.filter(user=anna))


def test_the_books_of_play_money_are_apart(anna):
    """In the trial balance of the play currency, the sum of all customers equals the amount that the bank's account
    gave.
    """
    issued = internal_account("XTS", sandbox.ISSUER)
    issued.refresh_from_db()
    assert sum(one.posted_minor for one in of(anna)) == -issued.posted_minor
    assert set(LedgerEntry.objects.filter(currency="XTS").values_list("account__currency", flat=True)) == {"XTS"}


def test_a_sandbox_user_asks_for_no_real_account_and_joins_none(anna, current, alice):
    product = Product.objects.create(name="Everyday", kind="current", currency="GBP", is_on_offer=True)
    with pytest.raises(NotTheirs):
        applications.apply(anna.pk, product.pk, "Mine")
    invited = invitations.invite(current.pk, anna.email, Role.READER, by=alice.pk, is_proven=True)
    assert not invitations.for_user(anna.pk).exists()
    with pytest.raises(NotTheirs):
        invitations.accept(invited.pk, by=anna.pk, is_proven=True)


def test_officers_give_nobody_access_to_the_other_world(anna, alice, current):
    by = oversight.Officer(officer("first"))
    for account, user in ((current, anna), (of(anna)[0], alice)):
        with pytest.raises(NotPossible):
            oversight.request_access(account.pk, user.email, Role.READER, by=by, reason="x")


def test_a_payee_check_tells_nothing_of_the_other_world(anna, alice, current):
    assert confirm_payee(current.iban, alice.name, asked_by=alice.pk).result == "match"
    assert confirm_payee(current.iban, alice.name, asked_by=anna.pk).result == "no_match"
    assert confirm_payee(of(anna)[0].iban, anna.name, asked_by=alice.pk).result == "no_match"
    assert confirm_payee(of(anna)[0].iban, anna.name, asked_by=anna.pk).result == "match"


def test_a_developer_sees_and_changes_only_their_own_sandbox_users(portal, anna, bob):
    first, *_ = of(anna)
    assert first.iban[-4:] in portal.get("/developers/sandbox").content.decode().replace(" ", "")
    of_bob = logged_in(bob)
    assert anna.email not in of_bob.get("/developers/sandbox").content.decode()
    stored = anna.password
    for act in ("password", "fill"):
        assert of_bob.post("/developers/sandbox", {"act": act, "user": str(anna.pk)}).status_code == 404
        assert portal.post("/developers/sandbox", {"act": act, "user": str(bob.pk)}).status_code == 404
    anna.refresh_from_db()
    assert anna.password == stored


def test_a_new_password_and_more_play_money(portal, anna):
    first, second = of(anna)
    ledger.post([(first, -5_000), (second, 5_000)], description="Spent", kind="transfer")
    portal.post("/developers/sandbox", {"act": "fill", "user": str(anna.pk)})
    first.refresh_from_db()
    assert first.posted_minor == sandbox.FULL_MINOR
    page = portal.post("/developers/sandbox", {"act": "password", "user": str(anna.pk)})
    password = BeautifulSoup(page.content, "html.parser").select_one("#sandbox-password").text
    assert page["Cache-Control"] == "no-store"
    anna.refresh_from_db()
    assert anna.check_password(password)


def test_a_developer_has_at_most_so_many_sandbox_users(portal, developer, monkeypatch):
    monkeypatch.setattr("oauth.clients.self_service.sandbox.MOST_USERS", 1)
    make(portal)
    assert portal.post("/developers/sandbox", {"act": "make", "name": "One more"}).status_code == 303
    assert SandboxUser.objects.filter(owner=developer).count() == 1


@pytest.mark.parametrize("end", [changes.deactivate, closing.close], ids=["deactivated", "closed"])
def test_a_sandbox_user_is_active_only_while_its_developer_is(portal, developer, end):
    """ASVS 5.0 7.4.2: the developer knows the password."""
    email, password = make(portal)
    its_browser = Browser()
    log_in(its_browser, email, password)
    assert its_browser.get("/bank/").status_code == 200
    stranger = make_user("bob@example.test", "Bob")
    end(developer)
    assert not User.objects.get(email=email).is_active
    assert its_browser.get("/bank/").status_code == 302
    assert User.objects.get(pk=stranger.pk).is_active


def test_a_sandbox_user_comes_back_with_its_developer(anna, developer):
    changes.deactivate(developer)
    changes.reactivate(developer)
    anna.refresh_from_db()
    assert anna.is_active


def test_a_sandbox_user_whom_staff_deactivated_stays_so_when_its_developer_comes_back(portal, anna, developer):
    """ASVS 5.0 7.4.2: a deactivation by staff is permanent."""
    other = User.objects.get(email=make(portal)[0])
    changes.deactivate(anna)
    for _round in range(2):
        changes.deactivate(developer)
        changes.reactivate(developer)
        assert set(User.objects.filter(pk__in=[anna.pk, other.pk], is_active=True)) == {other}
    changes.reactivate(anna)
    changes.deactivate(developer)
    anna.refresh_from_db()
    changes.deactivate(anna)
    changes.reactivate(developer)
    assert set(User.objects.filter(pk__in=[anna.pk, other.pk], is_active=True)) == {other}


def test_nobody_activates_a_sandbox_user_without_its_developer(admin_browser, anna, developer):
    changes.deactivate(developer)
    anna.refresh_from_db()
    with pytest.raises(ValueError, match="Activate the developer first"):
        changes.reactivate(anna)
    page = f"/admin/accounts/user/{anna.pk}/change/"
    answer = admin_browser.post(page, {"email": anna.email, "name": anna.name, "is_active": "on"})
    assert "Activate the developer first" in answer.content.decode()
    assert admin_browser.get(f"/admin/lock-down/user/{anna.pk}/").status_code == 404
    assert not User.objects.get(pk=anna.pk).is_active


def test_no_email_is_sent_to_a_sandbox_user(anna):
    """RFC 6761 §6.4: such an email would only bounce."""
    assert not mailboxes.is_reachable(anna.email)
    assert mailboxes.is_reachable("anna@invalid.example")
    notice.send_notice("new_device", str(anna.pk), "", "2026-01-01T00:00:00Z", "", "", "en", {})
    bank_email.send("account_closed", "0")
    client = make_client("web")
    client.save()
    asked = BackchannelRequest.objects.create(
        request_digest=b"x" * 32, client=client, user=anna, interval_seconds=5,
        expires_at=timezone.now() + timedelta(minutes=5),
    )  # fmt: skip
    backchannel_notices.notify_user(str(asked.pk))
    assert mail.outbox == []


def test_a_developer_finds_a_refusal_of_the_api_by_its_error_id(portal, app, anna, access_token, api):
    client = api(access_token(anna, "accounts:read", app.client_id))
    refused = client.get("/api/v1/accounts/0190f5f0-0000-7000-8000-000000000000/balances")
    api("not-a-token").get("/api/v1/accounts")
    refused_requests.store()
    page = portal.get(f"/developers/apps/{app.pk}/requests", {"error_id": refused["X-Error-Id"]}).content.decode()
    assert refused.json()["code"] in page
    assert "0190f5f0" not in page
    assert [one.client for one in RefusedRequest.objects.order_by("id")] == [app.client_id, ""]


def test_a_stranger_writes_nothing_into_the_log_of_an_app(portal, app, client):
    """Anybody can send the client id of an app."""
    client.post("/oauth/token", {"grant_type": "password", "client_id": app.client_id})
    refused_requests.store()
    RefusedRequest.objects.create(
        error_id="1", endpoint="page", status=404, error="x", method="GET", path="/strange", client=app.client_id
    )
    assert "/strange" not in portal.get(f"/developers/apps/{app.pk}/requests").content.decode()


# --- webhooks of the developer's app


@pytest.fixture
def delivery(app, anna):
    webhook = WebhookRow.objects.create(
        user=anna, client_id=app.client_id, authorization_id=anna.pk, url="https://app.example/hook", events=["ping"]
    )
    return WebhookDelivery.objects.create(
        webhook=webhook, event="ping", status="failed", attempts=12, last_answer="503"
    )


def test_a_developer_reads_deliveries_and_sends_one_again(portal, app, delivery, anna):
    url = f"/developers/apps/{app.pk}/webhooks"
    page = portal.get(url).content.decode()
    for shown in ("https://app.example/hook", "503", "given up"):
        assert shown in page
    assert anna.email not in page
    assert str(anna.pk) not in page
    portal.post(url, {"delivery": str(delivery.pk)})
    delivery.refresh_from_db()
    assert delivery.status == "pending"
    portal.post(url, {"webhook": str(delivery.webhook_id)})
    assert WebhookDelivery.objects.filter(webhook=delivery.webhook).count() == 2


@pytest.mark.parametrize(
    ("last_answer", "is_listed"), [("the app may no longer see this account", False), ("410", True)]
)
def test_a_developer_reads_no_deliveries_that_were_withheld(portal, app, delivery, last_answer, is_listed):
    """The developer must not learn of an event that the app may not know. With 410, the app itself got the event."""
    WebhookDelivery.objects.filter(pk=delivery.pk).update(status="dropped", last_answer=last_answer)
    page = portal.get(f"/developers/apps/{app.pk}/webhooks").content.decode()
    assert (str(delivery.pk) in page, last_answer in page) == (is_listed, is_listed)


def test_play_money_is_told_like_any_other_transaction(portal, anna, delivery):
    """A developer tries a webhook with it."""
    WebhookRow.objects.filter(pk=delivery.webhook_id).update(user=anna, events=["transaction.booked"], accounts=None)
    first, second = of(anna)
    ledger.post([(first, -5_000), (second, 5_000)], description="Spent", kind="transfer")
    portal.post("/developers/sandbox", {"act": "fill", "user": str(anna.pk)})
    told = WebhookDelivery.objects.get(event="transaction.booked")
    entry = LedgerEntry.objects.get(account=first, transaction_id=told.resource_id)
    assert (told.account_id, entry.amount_minor) == (first.pk, 5_000)


def test_another_developer_has_no_door_to_webhooks(app, delivery, bob, portal):
    of_bob = logged_in(bob)
    assert of_bob.get(f"/developers/apps/{app.pk}/webhooks").status_code == 404
    fields = {"kind": "web", "name": "Bobs", "redirect_uris": "https://bob.example/cb", "allowed_scopes": ["openid"]}
    of_bob.post("/developers/apps/new", fields)
    own = Client.objects.get(user=bob)
    for given in ({"delivery": str(delivery.pk)}, {"webhook": str(delivery.webhook_id)}, {"delivery": "x"}):
        assert of_bob.post(f"/developers/apps/{own.pk}/webhooks", given).status_code == 404
    delivery.refresh_from_db()
    assert delivery.status == "failed"
    Client.objects.filter(pk=app.pk).update(is_active=False)
    portal.post(f"/developers/apps/{app.pk}/webhooks", {"delivery": str(delivery.pk)})
    delivery.refresh_from_db()
    assert delivery.status == "failed", "staff disabled the app"


def test_the_guides_are_for_everybody(client):
    for slug in ("", "/sandbox", "/idempotency", "/step-up", "/webhooks", "/errors", "/going-live", "/changes"):
        page = client.get(f"/developers/guides{slug}")
        assert page.status_code == 200
        assert 'href="/developers"' in page.content.decode()
    assert client.get("/developers/guides/none").status_code == 404
    assert "/developers" in client.get("/").content.decode()
    assert "/developers" in client.get("/problems/insufficient_funds").content.decode()
    assert "/developers" in client.get("/api/docs").content.decode()


def test_a_locked_down_developer_takes_their_apps_along(app, developer, alice):
    from banking.oversight import Officer
    from config.bank.lockdown import lock_user

    lock_user(developer, by=Officer(alice, None), reason="fraud")
    app.refresh_from_db()
    assert (app.is_active, User.objects.get(pk=developer.pk).is_active) == (False, False)


def test_real_accounts_are_as_before(alice):
    """The sandbox does not affect an ordinary user."""
    assert funded(alice, "Everyday").currency == "GBP"


def test_a_creditor_collects_no_real_money_from_a_sandbox_account(anna, settings):
    """Outside of a sandbox bank, not even play money is collected. Nobody gets an email about the mandate."""
    settings.BANK_SANDBOX = False
    account = of(anna)[0]
    direct_debits.receive_mandate(NewMandate("c", "CP-1", "City Power", "DE89370400440532013000", account.iban))
    collected = direct_debits.receive_collection(IncomingCollection("c-1", "c", "CP-1", 4500, "EUR", "November"))
    assert (collected.status, collected.reason_code) == ("refused", "AC09")
    with pytest.raises(MalformedMessage):
        direct_debits.receive_collection(IncomingCollection("c-2", "c", "CP-1", 4500, "XTS", "November"))
    assert sent_notices("new_direct_debit") | sent_notices("direct_debit_refused") == set()
    assert Account.objects.get(pk=account.pk).posted_minor == account.posted_minor
