"""Webhook messages are written in the transaction of their event, signed, repeated until they are accepted, and sent
only to apps that may know the event.
"""

import json
from datetime import timedelta
from uuid import UUID

import jwt
import pytest
from django.utils import timezone
from procrastinate.contrib.django.models import ProcrastinateJob

from banking import payments, webhooks
from banking.database import cleanup
from banking.models import AccountAccess, Consent, IdempotencyRecord, Role, Transfer, Webhook, WebhookDelivery
from oauth import keys
from oauth.infrastructure import outbound
from oauth.models import Authorization
from tests.lib.http_listener import HttpListener
from tests.lib.ledger import funded
from tests.lib.oauth_client import allow
from tests.lib.transfers import ELSEWHERE, KEY, body_of, send

pytestmark = pytest.mark.django_db
SCOPE = "accounts:read transactions:read transfers:read transfers:write webhooks:manage"
EVENTS = ["transaction.booked", "transfer.updated"]


@pytest.fixture
def listener(settings):
    with HttpListener({}) as server:
        settings.OAUTH = {**settings.OAUTH, "OUTBOUND_ALLOWED_HOSTS": [f"127.0.0.1:{server.port}"]}
        yield server


@pytest.fixture
def app(issued, web_app, api):
    """A confidential client to which Alice has given all scopes."""
    web_app.allowed_scopes = SCOPE.split()
    web_app.save()
    return api(issued(web_app, scope=SCOPE)["access_token"])


def subscribe(app, url, events=EVENTS):
    return app.post("/api/v1/webhooks", {"url": url, "events": events}, format="json")


@pytest.fixture
def hook(app, listener):
    answer = subscribe(app, f"http://127.0.0.1:{listener.port}/hook")
    assert answer.status_code == 201, answer.content
    return answer.json()


def deliver_all():
    for delivery in WebhookDelivery.objects.filter(status="pending").order_by("pk"):
        webhooks.deliver(delivery.pk)


def received(listener):
    return [json.loads(body) for _, _, body in listener.received]


def test_what_happens_is_told_in_ids_only(app, hook, listener, current, of_bob):
    transfer = send(app, body_of(current, {"scheme": "iban", "identifier": of_bob.iban, "name": "Bob"})).json()
    assert ProcrastinateJob.objects.filter(task_name="banking.deliver_webhook").count() == 2
    deliver_all()
    told = {body["type"]: body["data"] for body in received(listener)}
    assert told == {
        "transfer.updated": {"account_id": str(current.pk), "transfer_id": transfer["id"]},
        "transaction.booked": {"account_id": str(current.pk), "transaction_id": transfer["transaction_ids"][0]},
    }
    assert str(of_bob.pk) not in str(told)
    deliveries = app.get(f"/api/v1/webhooks/{hook['id']}/deliveries").json()["data"]
    assert [(one["status"], one["last_answer"]) for one in deliveries] == [("delivered", "200")] * 2
    deliver_all()
    assert listener.requests == 2


def test_deliveries_are_listed_newest_first(app, hook, current, savings):
    """By their ids, so an id must hold the time, also the ids that the database makes."""
    before = int(timezone.now().timestamp() * 1000)
    send(app, body_of(current, savings))
    app.post(f"/api/v1/webhooks/{hook['id']}/ping", {}, format="json")
    after = int(timezone.now().timestamp() * 1000)
    ids = [UUID(one["id"]) for one in app.get(f"/api/v1/webhooks/{hook['id']}/deliveries").json()["data"]]
    assert len(ids) == 4
    assert {one.version for one in ids} == {7}
    assert all(before <= one.int >> 80 <= after for one in ids)
    assert ids == sorted(ids, reverse=True)


def test_it_is_signed_by_a_key_of_the_jwk_set(app, hook, listener):
    app.post(f"/api/v1/webhooks/{hook['id']}/ping", {}, format="json")
    sent = {}
    original = webhooks.delivery.outbound.request

    def spy(*args, **kwargs):
        sent.update(kwargs)
        return original(*args, **kwargs)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("banking.webhooks.delivery.outbound.request", spy)
        deliver_all()
    header, nothing, signature = sent["more_headers"]["Webhook-Signature"].split(".")
    assert nothing == ""
    jwks = {key["kid"]: key for key in keys.published_jwks()["keys"]}
    kid = jwt.get_unverified_header(f"{header}.e30.{signature}")["kid"]
    payload = jwt.utils.base64url_encode(sent["body"].encode()).decode()
    verified = jwt.api_jws.decode(
        f"{header}.{payload}.{signature}", jwt.PyJWK(jwks[kid]), algorithms=[jwks[kid]["alg"]]
    )
    assert json.loads(verified)["id"] == sent["more_headers"]["Webhook-Id"] == received(listener)[0]["id"]
    with pytest.raises(jwt.InvalidSignatureError):
        jwt.api_jws.decode(f"{header}.e30.{signature}", jwt.PyJWK(jwks[kid]), algorithms=["ES256"])


def test_a_transfer_that_is_not_made_tells_nobody(app, hook, current, savings):
    send(app, body_of(current, savings, 10**9))
    assert not WebhookDelivery.objects.exists()


def test_each_change_of_a_transfer_is_told(app, hook, current):
    send(app, body_of(current, ELSEWHERE))
    assert [one.event for one in WebhookDelivery.objects.all()] == ["transfer.updated"]
    payments.settle(Transfer.objects.get().pk)
    assert sorted(one.event for one in WebhookDelivery.objects.all()) == [
        "transaction.booked", "transfer.updated", "transfer.updated",
    ]  # fmt: skip


def test_a_failed_delivery_is_repeated_and_given_up_in_the_end(app, hook, listener, current, savings):
    listener.status = 500
    app.post(f"/api/v1/webhooks/{hook['id']}/ping", {}, format="json")
    delivery = WebhookDelivery.objects.get()
    for _ in range(webhooks.ATTEMPTS - 1):
        with pytest.raises(webhooks.NotDelivered):
            webhooks.deliver(delivery.pk)
    webhooks.deliver(delivery.pk)
    delivery.refresh_from_db()
    assert (delivery.status, delivery.attempts, delivery.last_answer) == ("failed", 12, "500")


def test_a_message_is_delivered_however_large_the_answer_is(app, hook, listener):
    listener.body = b"x" * (outbound.MAX_BYTES + 1)
    app.post(f"/api/v1/webhooks/{hook['id']}/ping", {}, format="json")
    deliver_all()
    delivery = WebhookDelivery.objects.get()
    assert (delivery.status, delivery.attempts, delivery.last_answer) == ("delivered", 1, "200")


def test_a_webhook_that_answers_410_is_deleted(app, hook, listener):
    listener.status = 410
    app.post(f"/api/v1/webhooks/{hook['id']}/ping", {}, format="json")
    deliver_all()
    assert app.get(f"/api/v1/webhooks/{hook['id']}").status_code == 404


def test_an_app_that_was_removed_gets_a_webhook_about_that_and_no_more(app, hook, listener, current, savings):
    send(app, body_of(current, savings))
    Authorization.objects.all().revoke(Authorization.RevocationReason.USER)
    deliver_all()
    deliver_all()
    webhooks.watch_consents()
    deliver_all()
    assert [body["type"] for body in received(listener)] == ["consent.revoked"]
    assert set(WebhookDelivery.objects.values_list("status", flat=True)) == {"dropped", "delivered"}


def test_the_farewell_comes_by_itself(app, hook, listener):
    webhooks.watch_consents()
    assert not WebhookDelivery.objects.exists()
    Authorization.objects.all().revoke(Authorization.RevocationReason.USER)
    webhooks.watch_consents()
    webhooks.watch_consents()
    deliver_all()
    assert [body["type"] for body in received(listener)] == ["consent.revoked"]


def test_nothing_is_sent_to_a_disabled_client_and_its_webhook_goes_on_once_it_is_enabled(
    web_app, app, hook, listener, current, savings
):
    """Its access has not ended: its unexpired tokens work again. So it must not hear that it has."""
    send(app, body_of(current, savings))
    web_app.is_active = False
    web_app.save()
    webhooks.watch_consents()
    for delivery in WebhookDelivery.objects.all():
        with pytest.raises(webhooks.NotDelivered):
            webhooks.deliver(delivery.pk)
    assert received(listener) == []
    assert Webhook.objects.get().ended_at is None
    web_app.is_active = True
    web_app.save()
    webhooks.watch_consents()
    deliver_all()
    assert {body["type"] for body in received(listener)} == set(EVENTS)


def test_a_disabled_client_hears_only_once_it_is_enabled_that_its_access_has_ended(
    web_app, app, hook, listener, current, savings
):
    Authorization.objects.all().revoke(Authorization.RevocationReason.USER)
    webhooks.watch_consents()
    web_app.is_active = False
    web_app.save()
    with pytest.raises(webhooks.NotDelivered):
        deliver_all()
    assert received(listener) == []
    web_app.is_active = True
    web_app.save()
    deliver_all()
    assert [body["type"] for body in received(listener)] == ["consent.revoked"]


def test_an_account_that_was_not_picked_is_not_told_of(alice, app, hook, current, savings):
    picked = Webhook.objects.get()
    picked.accounts = [savings.pk]
    picked.save()
    consent = Consent.objects.create(user=alice, client_id=picked.client_id, type="account_information", detail={})
    consent.accounts.set([savings])
    other = funded(alice, "Other")
    send(app, body_of(current, other))
    assert not WebhookDelivery.objects.exists()
    send(app, body_of(current, savings), f"{KEY}-2")
    assert [str(one.account_id) for one in WebhookDelivery.objects.all()] == [str(savings.pk)]
    consent.accounts.clear()  # Alice revokes it on /oauth/apps
    send(app, body_of(current, savings), f"{KEY}-3")
    assert WebhookDelivery.objects.count() == 1


def test_somebody_elses_money_is_not_told_of(app, hook, bob, access_token, api, of_bob):
    other = funded(bob, "Bob's other")
    send(api(access_token(bob, "transfers:write")), body_of(of_bob, other))
    assert not WebhookDelivery.objects.exists()


@pytest.mark.parametrize(
    "url", ["http://example.org/", "https://user@example.org/", "ftp://example.org/", "https://", "x", "https://é.example/"]
)  # fmt: skip
def test_an_address_that_may_not_be_called_is_refused(app, url):
    answer = subscribe(app, url)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (400, "/url")


@pytest.mark.parametrize(
    "url",
    [
        "https://127.0.0.1/",
        "https://169.254.169.254/",
        "https://[::1]/",
        "https://localhost/",
        "https://unknown.invalid/",
    ],
)
def test_our_own_network_is_refused_when_it_is_called_and_looks_as_an_unknown_name_does(app, url):
    """OWASP API7: the address is checked when connecting, whatever the name resolved to before. The answer tells the
    client nothing about hosts in our network.
    """
    subscribe(app, url)
    app.post(f"/api/v1/webhooks/{Webhook.objects.get().pk}/ping", {}, format="json")
    with pytest.raises(webhooks.NotDelivered):
        deliver_all()
    [delivery] = app.get(f"/api/v1/webhooks/{Webhook.objects.get().pk}/deliveries").json()["data"]
    assert delivery["last_answer"] == "its host has no public address."


def test_apps_without_a_server_have_none(issued, mobile_app, api, listener):
    mobile_app.allowed_scopes = ["webhooks:manage"]
    mobile_app.save()
    client = api(issued(mobile_app, scope="webhooks:manage")["access_token"])
    answer = subscribe(client, f"http://127.0.0.1:{listener.port}/", ["consent.revoked"])
    assert (answer.status_code, answer.json()["code"]) == (403, "confidential_clients_only")


def test_a_webhook_needs_the_scope_that_reads_its_data(issued, web_app, api, listener):
    web_app.allowed_scopes = ["webhooks:manage", "transfers:read"]
    web_app.save()
    client = api(issued(web_app, scope="webhooks:manage transfers:read")["access_token"])
    url = f"http://127.0.0.1:{listener.port}/"
    answer = subscribe(client, url, ["transaction.booked"])
    assert (answer.status_code, answer.json()["code"]) == (403, "insufficient_scope")
    assert 'scope="transactions:read"' in answer["WWW-Authenticate"]
    assert subscribe(client, url, ["transfer.updated", "consent.revoked"]).status_code == 201


def test_another_clients_is_not_there(app, hook, access_token, api, alice, bob):
    for user in (alice, bob):
        other = api(access_token(user, "webhooks:manage", client_id="another"))
        assert other.get("/api/v1/webhooks").json()["data"] == []
        for path in ("", "/deliveries"):
            assert other.get(f"/api/v1/webhooks/{hook['id']}{path}").status_code == 404
        assert other.delete(f"/api/v1/webhooks/{hook['id']}").status_code == 404
        assert other.post(f"/api/v1/webhooks/{hook['id']}/ping", {}, format="json").status_code == 404


def test_an_app_that_is_allowed_again_does_not_find_its_ended_webhooks(app, hook, listener, issued, web_app, api):
    """It would rely on them until the background worker ends them."""
    Authorization.objects.all().revoke(Authorization.RevocationReason.USER)
    again = api(issued(web_app, scope=SCOPE)["access_token"])
    assert again.get("/api/v1/webhooks").json()["data"] == []
    assert again.post(f"/api/v1/webhooks/{hook['id']}/ping", {}, format="json").status_code == 404
    for _ in range(10):
        assert subscribe(again, f"http://127.0.0.1:{listener.port}/").status_code == 201
    assert len(again.get("/api/v1/webhooks").json()["data"]) == 10


def test_an_app_has_at_most_ten_webhooks_and_can_delete_one(app, hook, listener):
    for _ in range(9):
        assert subscribe(app, f"http://127.0.0.1:{listener.port}/").status_code == 201
    assert subscribe(app, f"http://127.0.0.1:{listener.port}/").json()["code"] == "too_many_webhooks"
    assert app.delete(f"/api/v1/webhooks/{hook['id']}").status_code == 204
    assert len(app.get("/api/v1/webhooks").json()["data"]) == 9


def test_old_keys_and_deliveries_are_deleted(app, hook, current, savings):
    send(app, body_of(current, savings))
    assert cleanup.delete_expired() == 0
    long_ago = timezone.now() - timedelta(days=31)
    IdempotencyRecord.objects.update(created_at=long_ago)
    kept = WebhookDelivery.objects.count()
    WebhookDelivery.objects.update(created_at=long_ago)
    assert cleanup.delete_expired(batch=2) == 1 + kept


def test_the_app_is_told_once_that_the_user_has_to_allow_it_anew(app, listener):
    """SCA-RTS art. 10a: until `confirm_by`."""
    events = ["consent.confirm_due"]
    assert subscribe(app, f"http://127.0.0.1:{listener.port}/", events).status_code == 201
    consent = app.get("/api/v1/consent").json()
    assert consent["confirm_by"] == consent["expires_at"]
    webhooks.watch_consents()
    assert not WebhookDelivery.objects.exists()
    Authorization.objects.update(expires_at=timezone.now() + timedelta(days=13))
    webhooks.watch_consents()
    webhooks.watch_consents()
    deliver_all()
    assert [body["type"] for body in received(listener)] == events


# --- permission is checked when a message is sent


def replace_grant(browser, client, scope):
    """The user replaces the permissions, and the grant itself continues (FAPI Grant Management §5.4)."""
    grant_id = str(Authorization.objects.get().pk)
    allow(browser, client, scope=scope, grant_management_action="replace", grant_id=grant_id)


def test_an_event_of_a_scope_that_was_replaced_is_not_sent(browser, web_app, app, hook, listener, current, savings):
    send(app, body_of(current, savings))
    replace_grant(browser, web_app, "accounts:read transfers:read webhooks:manage")
    deliver_all()
    assert {body["type"] for body in received(listener)} == {"transfer.updated"}
    dropped = WebhookDelivery.objects.filter(event="transaction.booked")
    assert set(dropped.values_list("status", "last_answer")) == {("dropped", "the app may no longer know this")}


def test_without_the_right_to_webhooks_nothing_is_sent(browser, web_app, app, hook, listener, current, savings):
    send(app, body_of(current, savings))
    replace_grant(browser, web_app, "accounts:read transactions:read transfers:read")
    deliver_all()
    assert received(listener) == []
    assert set(WebhookDelivery.objects.values_list("status", flat=True)) == {"dropped"}


def test_a_scope_that_an_admin_took_from_the_client_is_not_told_of(web_app, app, hook, listener, current, savings):
    """ASVS 5.0 10.4.11."""
    send(app, body_of(current, savings))
    web_app.allowed_scopes = ["accounts:read", "transfers:read", "webhooks:manage"]
    web_app.save()
    deliver_all()
    assert {body["type"] for body in received(listener)} == {"transfer.updated"}


def test_no_webhook_is_sent_for_an_account_that_was_removed_since(
    alice, web_app, app, hook, listener, current, savings
):
    other = funded(alice, "Other")
    send(app, body_of(current, other))
    detail = {"type": "account_information", "actions": ["transactions"], "identifier": KEY}
    Authorization.objects.update(authorization_details=[{**detail, "accounts": [str(savings.pk)]}])
    deliver_all()
    assert received(listener) == []
    assert "the app may no longer see this account" in WebhookDelivery.objects.values_list("last_answer", flat=True)
    send(app, body_of(current, savings), f"{KEY}-2")
    deliver_all()
    assert {body["data"]["account_id"] for body in received(listener) if body["type"] == "transaction.booked"} == {
        str(savings.pk)
    }


def test_webhooks_of_a_transfer_are_sent_only_to_apps_that_may_read_it(alice, app, hook, listener, current, savings):
    """The rule is that of the API: the transfer belongs to the account's transactions, or the user allowed the app this
    transfer.
    """
    made = send(app, body_of(current, savings)).json()
    accounts = {"type": "account_information", "actions": ["accounts", "balances"], "accounts": [str(current.pk)]}
    Authorization.objects.update(authorization_details=[{**accounts, "identifier": KEY}])
    deliver_all()
    assert received(listener) == []
    consents = [Consent.objects.create(user=alice, client_id="app", type="transfer", detail={}) for _ in range(2)]
    Transfer.objects.filter(pk=made["id"]).update(consent=consents[0])
    single = {"type": "transfer", "debtor_account": str(current.pk)}
    for consent, told in ((consents[1], []), (consents[0], ["transfer.updated"])):
        Authorization.objects.update(authorization_details=[{**single, "identifier": str(consent.pk)}])
        WebhookDelivery.objects.update(status="pending")
        deliver_all()
        assert [body["type"] for body in received(listener)] == told


def test_no_webhook_is_sent_for_a_transfer_from_before_the_history_of_the_app(app, hook, listener, current, savings):
    """The API, too, leaves out transfers that were made before `history_from`, even if they settle later."""
    made = send(app, body_of(current, savings)).json()
    actions = ["accounts", "balances", "transactions"]
    read = {"type": "account_information", "actions": actions, "accounts": [str(current.pk)], "identifier": KEY}
    both = {"transfer.updated", "transaction.booked"}
    for day, made_at, told in (
        ("2999-01-01", timezone.now(), set()),
        ("2000-01-01", timezone.now(), both),
        (str(timezone.localdate()), timezone.now() - timedelta(days=9), both - {"transfer.updated"}),
    ):
        listener.received.clear()
        Transfer.objects.filter(pk=made["id"]).update(created_at=made_at)
        Authorization.objects.update(authorization_details=[{**read, "history_from": day}])
        WebhookDelivery.objects.update(status="pending")
        deliver_all()
        assert {body["type"] for body in received(listener)} == told


def test_an_account_that_the_user_may_no_longer_see_is_not_told_of(
    alice, bob, app, hook, listener, of_bob, access_token, api
):
    AccountAccess.objects.create(account=of_bob, user=alice, role=Role.READER)
    send(api(access_token(bob, "transfers:write")), body_of(of_bob, funded(bob, "Bob's other")))
    assert WebhookDelivery.objects.exists()
    AccountAccess.objects.filter(account=of_bob, user=alice).delete()
    deliver_all()
    assert received(listener) == []


def test_what_was_given_up_is_withheld_when_it_is_sent_again(browser, web_app, app, hook, listener, current, savings):
    send(app, body_of(current, savings))
    given_up = WebhookDelivery.objects.filter(event="transaction.booked").first()
    WebhookDelivery.objects.update(status="failed")
    replace_grant(browser, web_app, "accounts:read webhooks:manage")
    webhooks.send_again(given_up.pk)
    deliver_all()
    assert received(listener) == []


def test_the_deliveries_that_an_app_reads_leave_out_withheld_ones(
    browser, web_app, app, hook, listener, current, savings, token_endpoint, api
):
    send(app, body_of(current, savings))
    deliver_all()
    code = allow(
        browser, web_app, scope="transfers:write webhooks:manage", grant_management_action="replace",
        grant_id=str(Authorization.objects.get().pk),
    )  # fmt: skip
    now = api(token_endpoint.redeem(web_app, code).json()["access_token"])
    told = len(now.get(f"/api/v1/webhooks/{hook['id']}/deliveries").json()["data"])
    send(now, body_of(current, savings), f"{KEY}-2")
    deliver_all()
    assert WebhookDelivery.objects.filter(status="dropped").exists()
    assert len(now.get(f"/api/v1/webhooks/{hook['id']}/deliveries").json()["data"]) == told
