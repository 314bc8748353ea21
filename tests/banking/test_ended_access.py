"""After an access to an account has ended, every endpoint refuses it, immediately and permanently."""

from datetime import timedelta
from uuid import UUID

import pytest
from django.test import Client as Browser
from django.utils import timezone

from banking.account_life.access import end_access
from banking.account_life.closing import close
from banking.account_life.ending import end_all_of_user
from banking.account_life.refusals import NoSuchAccess
from banking.accounts import personal_data
from banking.consents.account_information import AccountInformation
from banking.models import AccountAccess, Consent, Event, ScheduledTransfer, Webhook, WebhookDelivery
from banking.webhooks import announce
from oauth.models import Authorization, RevokedStatus
from tests.lib.bank_notices import sent_notices
from tests.lib.oauth_client import PASSWORD
from tests.lib.transfers import body_of, send

pytestmark = pytest.mark.django_db
INFORMATION = {"type": "account_information", "actions": ["accounts", "balances"]}
SCOPE = "accounts:read balances:read transactions:read statements:read transfers:read transfers:write"


@pytest.fixture
def delegate(bob, current):
    return AccountAccess.objects.create(account=current, user=bob, role="delegate").user


@pytest.fixture
def bobs_order(delegate, current, of_bob):
    today = timezone.localdate()
    return ScheduledTransfer.objects.create(
        user=delegate, client_id="x", idempotency_key="k", source=current, destination=of_bob, payee_iban=of_bob.iban,
        payee_name="Bob", currency="GBP", amount_minor=1, reference="Rent", frequency="weekly", first_on=today, next_on=today,
    )  # fmt: skip


def authorized(access_token, user, *details):
    """Returns the live authorization of a token with these details."""
    token = access_token(user, SCOPE, authorization_details=details)
    grant = Authorization.objects.filter(user=user).latest("created_at")
    grant.authorization_details = [*details]
    grant.save()
    return token, grant


def picked(user, *accounts, **more):
    chosen = [str(account.pk) for account in accounts]
    return AccountInformation().granted({**INFORMATION, **more}, user, "app", chosen)


def test_a_delegate_whose_access_ended_is_refused_everywhere(
    delegate, current, of_bob, bobs_order, access_token, api, alice
):
    app = api(access_token(delegate, SCOPE))
    browser = Browser()
    browser.force_login(delegate)
    doors = [
        *(f"/api/v1/accounts/{current.pk}{path}" for path in ("", "/balances", "/transactions", "/statements")),
        f"/api/v1/scheduled-transfers/{bobs_order.pk}",
    ]
    pages = [f"/bank/accounts/{current.pk}{path}" for path in ("", "/statements")]
    assert {app.get(door).status_code for door in doors} == {200}
    assert {browser.get(page).status_code for page in pages} == {200}
    assert (
        send(app, body_of(current, {"scheme": "iban", "identifier": of_bob.iban, "name": "Bob"}, 1)).status_code == 201
    )

    end_access(current.pk, delegate.pk, by=alice.pk)

    assert {app.get(door).status_code for door in doors} == {404}
    assert {browser.get(page).status_code for page in pages} == {404}
    assert send(app, body_of(current, of_bob, 1), "another-key-of-16").status_code == 404
    assert [row["id"] for row in dict(personal_data.export(delegate))["accounts"]] == [of_bob.pk]
    bobs_order.refresh_from_db()
    assert (bobs_order.status, bobs_order.end_reason) == ("cancelled", "access_ended")
    assert sent_notices("access_ended") == {alice.email, delegate.email}
    assert sent_notices("order_ended") == {delegate.email}


def test_a_consent_does_not_come_back_with_the_access(delegate, current, of_bob, access_token, api, alice):
    both = picked(delegate, current, of_bob)
    token, grant = authorized(access_token, delegate, both)
    only = picked(delegate, current)
    other_token, other = authorized(access_token, delegate, only)
    webhook = Webhook.objects.create(
        user=delegate, client_id="app", authorization_id=grant.pk, url="https://app.example/", events=["transaction.booked"],
        accounts=[current.pk],
    )  # fmt: skip
    before = grant.status_index
    end_access(current.pk, delegate.pk, by=delegate.pk)
    AccountAccess.objects.create(account=current, user=delegate, role="delegate")

    grant.refresh_from_db()
    other.refresh_from_db()
    assert [one["accounts"] for one in grant.authorization_details] == [[str(of_bob.pk)]]
    assert RevokedStatus.objects.filter(index=before).exists()
    assert (grant.revoked_at, other.revocation_reason) == (None, "nothing_left")
    consent = Consent.objects.get(pk=both["identifier"])
    assert (consent.detail["accounts"], [one.pk for one in consent.accounts.all()]) == ([str(of_bob.pk)], [of_bob.pk])
    assert not Consent.objects.get(pk=only["identifier"]).accounts.exists()
    announce([(Event.TRANSACTION_BOOKED, current.pk, UUID(int=1))])
    assert not WebhookDelivery.objects.filter(webhook=webhook).exists()
    assert token
    assert other_token


def test_a_consent_that_names_accounts_by_reference_and_one_for_a_transfer(delegate, current, of_bob, access_token):
    identifier = str(Consent.objects.create(user=delegate, client_id="app", type="account_information", detail={}).pk)
    by_reference = {**INFORMATION, "identifier": identifier, "accounts_by": "consent"}
    Consent.objects.update(detail=by_reference)
    consent = Consent.objects.get()
    consent.accounts.set([current, of_bob])
    transfer = {"type": "transfer", "identifier": identifier, "debtor_account": str(current.pk)}
    _token, grant = authorized(access_token, delegate, by_reference, transfer)
    end_all_of_user(current.pk, delegate.pk)
    grant.refresh_from_db()
    assert grant.authorization_details == [by_reference]
    end_all_of_user(of_bob.pk, delegate.pk)
    grant.refresh_from_db()
    assert grant.revocation_reason == "nothing_left"


def test_an_account_that_is_closed_takes_its_orders_and_consents_with_it(alice, savings, current, access_token):
    _token, grant = authorized(access_token, alice, picked(alice, savings))
    today = timezone.localdate()
    order = ScheduledTransfer.objects.create(
        user=alice, client_id="x", idempotency_key="k", source=savings, destination=current, currency="GBP", amount_minor=1,
        reference="x", frequency="weekly", first_on=today, next_on=today + timedelta(days=1),
    )  # fmt: skip
    close(savings.pk, by=alice.pk, is_proven=True)
    grant.refresh_from_db()
    order.refresh_from_db()
    assert (grant.revocation_reason, order.end_reason) == ("nothing_left", "account_closed")
    assert sent_notices("account_closed") == {alice.email}


@pytest.mark.parametrize(("role", "ended", "may"), [
    ("holder", "reader", True), ("holder", "delegate", True), ("holder", "holder", False), ("delegate", "reader", False),
    ("reader", "reader", False),
])  # fmt: skip
def test_who_may_end_whose_access(role, ended, may, bob, django_user_model, current):
    carol = django_user_model.objects.create_user("carol@bank.test", PASSWORD)
    AccountAccess.objects.create(account=current, user=bob, role=role)
    AccountAccess.objects.create(account=current, user=carol, role=ended)
    if may:
        end_access(current.pk, carol.pk, by=bob.pk)
    else:
        with pytest.raises(NoSuchAccess):
            end_access(current.pk, carol.pk, by=bob.pk)
    end_access(current.pk, bob.pk, by=bob.pk)
    assert AccountAccess.objects.filter(account=current).count() == 2 - may


def test_a_delegate_pays_themselves_as_somebody_else(delegate, current, of_bob, access_token, api, settings):
    """For a delegate, the limit for new payees applies, and the target account must be given by its IBAN."""
    settings.NEW_PAYEE_LIMIT_MINOR = {"GBP": 10}
    app = api(access_token(delegate, SCOPE))
    own = {"scheme": "iban", "identifier": of_bob.iban, "name": "Bob"}
    assert send(app, body_of(current, own, 11)).json()["code"] == "limit_exceeded"
    assert send(app, body_of(current, of_bob, 1), "another-key-of-16").json()["code"] == "payee_unreachable"
    assert send(app, body_of(current, own, 10), "a-third-key-of-16").status_code == 201
