"""Consent without a page applies only to the client that the user has seen, and each change of a client in use is
recorded.
"""

from datetime import timedelta

import pytest
from django.contrib.auth.models import Group
from django.core import mail
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, connection, transaction
from django.test import Client as Browser
from django.utils import timezone
from procrastinate.contrib.django.models import ProcrastinateJob

from accounts.models import User
from oauth.clients import changes
from oauth.models import AuditEvent, Authorization, Client, NewRedirectHost, RememberedConsent
from oauth.models.client import ExchangePolicy
from tests.lib.client_keys import ClientKey
from tests.lib.oauth_client import authorization_url, callback, decide
from tests.lib.registered import make_client

pytestmark = pytest.mark.django_db
KEY, OTHER_KEY = ClientKey(kid="first"), ClientKey(kid="second")
EVIL = "https://evil.example/callback"


def allow(browser, client, **parameters):
    page = browser.get(authorization_url(client, **parameters))
    assert page.status_code == 200
    assert "code" in callback(decide(browser, page))


def is_silent(browser, client, **parameters):
    answer = browser.get(authorization_url(client, **parameters))
    return answer.status_code == 303 and "code" in callback(answer)


def change(client, **values):
    for name, value in values.items():
        setattr(client, name, value)
    client.save()


@pytest.fixture
def with_key(db):
    client = make_client("web", token_endpoint_auth_method="private_key_jwt", client_jwks={"keys": [KEY.public]})
    client.save()
    return client


def with_another_secret(client):
    client.issue_secret(overlap_until=timezone.now() + timedelta(days=1))


CHANGES = {
    "name": lambda client: setattr(client, "name", "Another name"),
    "method": lambda client: setattr(client, "token_endpoint_auth_method", "client_secret_post"),
    "secrets": with_another_secret,
    "keys": lambda client: setattr(client, "client_jwks", {"keys": [KEY.public, OTHER_KEY.public]}),
    "keys_uri": lambda client: setattr(client, "client_jwks_uri", "https://evil.example/jwks"),
    "certificate": lambda client: setattr(client, "tls_client_auth_san_dns", "evil.example"),
}


@pytest.mark.parametrize("part", CHANGES)
def test_a_changed_client_is_asked_about_again(browser, web_app, with_key, part):
    """RFC 9700 §4.15, ASVS 5.0 10.7.1: this also holds after a change in a shell."""
    client = with_key if part == "keys" else web_app
    allow(browser, client)
    assert is_silent(browser, client)
    CHANGES[part](client)
    client.save()
    assert not is_silent(browser, client)


def test_a_client_that_was_talked_down_is_asked_about_again(browser, web_app):
    allow(browser, web_app)
    decision = RememberedConsent.objects.get()
    decision.about["profile"] = "fapi2"
    decision.save()
    assert not is_silent(browser, web_app)


def test_a_client_changed_without_the_orm_is_asked_about_again(browser, web_app):
    """The comparison uses the client as it is at the time of the request."""
    allow(browser, web_app)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE oauth_client SET name = 'Another name'")
    assert not is_silent(browser, web_app)


def test_without_a_page_a_code_is_sent_only_to_hosts_that_the_user_saw(browser, web_app):
    """A redirect URI at a host that the page did not name gets no silent response, even if it was always registered."""
    here, there = "https://app.example/callback", "https://other.example/callback"
    change(web_app, redirect_uris=f"{here} {there} https://app.example/silent")
    allow(browser, web_app)
    assert is_silent(browser, web_app)
    assert is_silent(browser, web_app, redirect_uri="https://app.example/silent")
    assert not is_silent(browser, web_app, redirect_uri=there)
    change(web_app, redirect_uris=f"{web_app.redirect_uris} https://app.example/new")
    assert not is_silent(browser, web_app, redirect_uri="https://app.example/new")
    assert is_silent(browser, web_app)


def test_a_redirect_uri_taken_away_while_the_user_decides_gets_no_code(browser, web_app):
    """RFC 9700 §2.1: the redirect URI must be registered at the time when the code is sent."""
    page = browser.get(authorization_url(web_app))
    change(web_app, redirect_uris="https://app.example/another")
    answer = decide(browser, page)
    assert answer.status_code == 400
    assert not Authorization.objects.exists()


def test_removing_a_secret_key_or_redirect_uri_asks_nobody(browser, web_app):
    change(web_app, redirect_uris="https://app.example/callback https://app.example/old")
    with_another_secret(web_app)
    web_app.save()
    allow(browser, web_app)
    change(web_app, redirect_uris="https://app.example/callback", previous_secret_digest=None)
    assert is_silent(browser, web_app)


def test_a_loopback_port_is_no_change(browser, web_app):
    """RFC 8252 §7.3."""
    change(web_app, redirect_uris="http://127.0.0.1/callback", kind="mobile")
    allow(browser, web_app, redirect_uri="http://127.0.0.1:5001/callback")
    assert is_silent(browser, web_app, redirect_uri="http://127.0.0.1:5002/callback")


def test_a_decision_that_says_nothing_about_the_client_does_not_count(browser, web_app):
    """The row is from a release that did not record these facts."""
    allow(browser, web_app)
    RememberedConsent.objects.update(about={"response_type": "code"})
    assert not is_silent(browser, web_app)


# --- who is notified


@pytest.fixture
def staff(db):
    def make(email, role="Client manager"):
        person = User.objects.create_user(email, "correct-horse-battery", is_staff=True)
        person.groups.add(Group.objects.get(name=role))
        return person

    return make


@pytest.fixture
def deliver():
    """Runs the waiting jobs as the worker would."""

    def run():
        for job in ProcrastinateJob.objects.filter(task_name=changes.TELL):
            changes.tell(**job.args)
        told = {one.to[0]: "" for one in mail.outbox}
        for one in mail.outbox:
            told[one.to[0]] += one.body
        return told

    return run


def test_a_change_of_a_client_in_use_is_mailed_and_audited(browser, web_app, staff, deliver):
    staff("manager@example.test")
    staff("auditor@example.test", "Auditor")
    change(web_app, contacts=["ops@app.example", "not an address"], user=staff("owner@example.test", "Auditor"))
    allow(browser, web_app)
    secret = web_app.issue_secret(overlap_until=timezone.now() + timedelta(days=1))
    change(web_app, redirect_uris=f"{web_app.redirect_uris} {EVIL}")
    event = AuditEvent.objects.filter(action="client_changed").first()
    assert event.reason == "while in use: secrets, redirect_uris; new redirect hosts: evil.example"
    told = deliver()
    assert set(told) == {"manager@example.test", "owner@example.test", "ops@app.example"}
    for body in told.values():
        assert "evil.example" in body
        assert web_app.client_id in body
        assert secret not in body


def test_a_change_by_a_bulk_update_is_mailed_too(browser, web_app, staff, deliver):
    staff("manager@example.test")
    allow(browser, web_app)
    Client.objects.filter(pk=web_app.pk).update(redirect_uris=EVIL)
    assert "evil.example" in deliver()["manager@example.test"]


def test_a_change_of_a_client_that_nobody_uses_or_of_something_else_is_not_told(browser, web_app, staff, deliver):
    staff("manager@example.test")
    change(web_app, name="Renamed before anybody came")
    allow(browser, web_app)
    change(web_app, policy_uri="https://app.example/privacy", exchange_policy=ExchangePolicy.DELEGATION)
    Authorization.objects.get().revoke(Authorization.RevocationReason.USER)
    change(web_app, name="Renamed after everybody left")
    assert deliver() == {}


def test_mails_about_one_client_are_limited(browser, web_app, staff):
    allow(browser, web_app)
    for number in range(15):
        change(web_app, name=f"Name {number}")
    assert ProcrastinateJob.objects.filter(task_name=changes.TELL).count() == 10
    assert AuditEvent.objects.filter(reason__startswith="while in use").count() == 15


# --- the second admin


@pytest.fixture
def page_of(staff):
    """A client manager sends the form of a client with these redirect URIs. Returns the browser."""

    def send(person, client, redirect_uris):
        browser = Browser()
        browser.force_login(person)
        form = {
            "name": client.name, "is_active": "on", "allowed_scopes": client.allowed_scopes,
            "redirect_uris": redirect_uris, "grant_types": client.grant_types, "security_profile": "oauth21",
        }  # fmt: skip
        answer = browser.post(f"/admin/oauth/client/{client.pk}/change/", form, follow=True)
        assert answer.status_code == 200
        return answer

    return send


def decide_on(person, pending, action):
    browser = Browser()
    browser.force_login(person)
    form = {"action": action, "_selected_action": [str(pending.pk)]}
    return browser.post("/admin/oauth/newredirecthost/", form, follow=True)


def test_a_new_redirect_host_of_a_client_in_use_waits_for_another_admin(browser, web_app, staff, page_of, deliver):
    first, second = staff("first@example.test"), staff("second@example.test")
    allow(browser, web_app)
    before = web_app.redirect_uris
    answer = page_of(first, web_app, f"{before} {EVIL} https://app.example/same-host")
    assert b"another admin has approved it" in answer.content
    assert Client.objects.get().redirect_uris.split() == [before, "https://app.example/same-host"]
    pending = NewRedirectHost.objects.get()
    assert (pending.asked_by, pending.redirect_uris) == (first, EVIL)
    assert "evil.example" in deliver()["second@example.test"]
    assert b"Another admin must approve" in decide_on(first, pending, "approve").content
    assert EVIL not in Client.objects.get().redirect_uris
    # A second request for the same host does not replace the first requester.
    page_of(second, web_app, f"{before} {EVIL}")
    assert NewRedirectHost.objects.get().asked_by == first
    assert b"Approved" in decide_on(second, pending, "approve").content
    assert EVIL in Client.objects.get().redirect_uris.split()
    assert not is_silent(browser, web_app, redirect_uri=EVIL)
    assert AuditEvent.objects.filter(actor=str(second.pk), reason__startswith="approved").exists()
    assert b"already decided" in decide_on(second, pending, "approve").content


def test_the_model_refuses_an_approval_by_the_same_admin(web_app, staff):
    first = staff("first@example.test")
    pending = NewRedirectHost.objects.create(client=web_app, redirect_uris=EVIL, asked_by=first)
    with pytest.raises(PermissionDenied):
        pending.approve(first)
    with pytest.raises(IntegrityError), transaction.atomic():
        NewRedirectHost.objects.update(decided_by=first, is_approved=True)
    NewRedirectHost.objects.update(asked_by=None)
    with pytest.raises(PermissionDenied):
        pending.approve(staff("second@example.test"))
    assert EVIL not in Client.objects.get().redirect_uris


@pytest.mark.parametrize(
    "leave",
    [lambda admin: admin.groups.clear(), lambda admin: User.objects.filter(pk=admin.pk).update(is_active=False)],
)
def test_a_redirect_host_of_a_former_admin_can_only_be_rejected(web_app, staff, leave):
    """ASVS 5.0 8.3.2."""
    first, second = staff("first@example.test"), staff("second@example.test")
    pending = NewRedirectHost.objects.create(client=web_app, redirect_uris=EVIL, asked_by=first)
    leave(first)
    assert b"may no longer change clients" in decide_on(second, pending, "approve").content
    assert EVIL not in Client.objects.get().redirect_uris
    assert b"Rejected" in decide_on(second, pending, "reject").content


def test_who_may_not_change_clients_decides_nothing(web_app, staff):
    pending = NewRedirectHost.objects.create(client=web_app, redirect_uris=EVIL, asked_by=staff("first@example.test"))
    for role in ("Auditor", "Support"):
        assert b'name="action"' not in decide_on(staff(f"{role}@example.test", role), pending, "approve").content
    pending.refresh_from_db()
    assert pending.decided_at is None


def test_the_admin_who_asked_may_withdraw(web_app, staff):
    first = staff("first@example.test")
    pending = NewRedirectHost.objects.create(client=web_app, redirect_uris=EVIL, asked_by=first)
    assert b"Rejected" in decide_on(first, pending, "reject").content
    assert EVIL not in Client.objects.get().redirect_uris


def test_a_list_of_new_hosts_alone_leaves_the_old_ones(browser, web_app, staff, page_of):
    allow(browser, web_app)
    page_of(staff("first@example.test"), web_app, EVIL)
    assert Client.objects.get().redirect_uris == web_app.redirect_uris


def test_a_client_that_nobody_uses_and_a_site_with_one_admin_need_no_second(browser, web_app, staff, page_of, settings):
    first = staff("first@example.test")
    page_of(first, web_app, f"{web_app.redirect_uris} {EVIL}")
    assert EVIL in Client.objects.get().redirect_uris.split()
    allow(browser, web_app)
    settings.OAUTH = {**settings.OAUTH, "SECOND_ADMIN_FOR_REDIRECT_HOSTS": False}
    page_of(first, web_app, "https://app.example/callback https://third.example/callback")
    assert "https://third.example/callback" in Client.objects.get().redirect_uris
