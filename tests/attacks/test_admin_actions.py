"""Staff who may only view cannot change anything, neither by an action of a list nor by any URL of the admin."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from allauth.account.admin import EmailAddressAdmin
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount, SocialApp
from bs4 import BeautifulSoup
from django.contrib import admin
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import RequestFactory
from django.urls import URLPattern
from django.utils import timezone
from procrastinate.contrib.django import app
from procrastinate.contrib.django.models import ProcrastinateJob

from accounts.models import User
from banking import ledger, oversight
from banking.models import Account, Webhook
from oauth.models import AuditEvent, InitialAccessToken
from oauth.staff import actions
from tests.lib.ledger import funded
from tests.lib.staff import browser_of, looker, staff

pytestmark = pytest.mark.django_db
# Tables that every request may change: its session, and the counts of rate limits.
ALWAYS = {"django_session", "shared_cache", "usersessions_usersession"}


@pytest.fixture
def a_row_of_each(alice, bob, issued, mobile_app):
    """Creates a row that could be damaged, for every list that has custom pages or actions."""
    issued(mobile_app)
    current, of_bob = funded(alice, "Current account"), funded(bob, "Bob's account")
    payment = ledger.post([(current, -2_000), (of_bob, 2_000)], description="Wrong Bob", kind="transfer")
    asker = staff()
    oversight.request_reversal(payment.pk, by=oversight.Officer(asker, None), reason="wrong")
    Webhook.objects.create(
        user=alice, client_id="x", url="https://app.example/hook", events=[], authorization_id=uuid4()
    )
    Authenticator.objects.create(user=alice, type="totp", data={"secret": "JBSWY3DPEHPK3PXP"})
    EmailAddress.objects.create(user=alice, email="other@example.test", verified=False)
    SocialAccount.objects.create(user=alice, provider="oidc", uid="1")
    SocialApp.objects.create(provider="oidc", provider_id="idp", name="IdP", client_id="us", secret="s")
    InitialAccessToken.objects.create(token_digest=b"x" * 32, expires_at=timezone.now() + timedelta(days=1))
    a_job()
    assert Account.objects.exists()


@pytest.fixture
def unlimited(settings):
    """The forms that one user may send in a minute are limited. A form that is refused for that would prove nothing."""
    settings.OAUTH = {**settings.OAUTH, "THROTTLE_SCALE": 100}


def a_job() -> int:
    return app.configure_task("accounts.tell_owner", queue="accounts").defer(kind="password_changed")


def rows() -> dict[str, str]:
    """A digest of every table."""
    with connection.cursor() as cursor:
        tables = set(connection.introspection.table_names(cursor)) - ALWAYS
        digests = {}
        for table in sorted(tables):
            cursor.execute(
                f"SELECT md5(coalesce(string_agg(t::text, chr(10) ORDER BY t::text), '')) FROM \"{table}\" t"
            )
            digests[table] = cursor.fetchone()[0]
    return digests


def unpermitted(person: Any) -> Iterator[tuple[str, str]]:
    """Returns every list that this user may open, with the names of all its actions, including those that only others
    may use.
    """
    for model, model_admin in admin.site._registry.items():
        if person.has_perm(f"{model._meta.app_label}.view_{model._meta.model_name}"):
            names = {name for _, name, _ in model_admin._get_base_actions()} | {"delete_selected"}
            for name in sorted(names):
                yield f"/admin/{model._meta.app_label}/{model._meta.model_name}/", name


@pytest.mark.usefixtures("without_traces", "logins_kept", "bare_admin", "unlimited")
@pytest.mark.parametrize("who", ["looker", "Auditor"])
def test_staff_who_may_only_view_see_no_action_and_can_run_none(who, a_row_of_each):
    person = looker() if who == "looker" else staff(who)
    browser = browser_of(person)
    before, posted = rows(), 0
    for url, name in unpermitted(person):
        page = browser.get(url).content.decode()
        assert not BeautifulSoup(page, "html.parser").select("#changelist-form [name=action]"), url
        selected = re.findall(r'name="_selected_action" value="([^"]+)"', page)
        model = next(m for m in admin.site._registry if url == f"/admin/{m._meta.app_label}/{m._meta.model_name}/")
        selected = selected or [str(pk) for pk in model._default_manager.values_list("pk", flat=True)[:5]]
        answer = browser.post(url, {"action": name, "_selected_action": selected, "post": "yes", "index": "0"})
        assert answer.status_code != 429, url
        posted += 1
    assert posted > 15
    assert changed(before) == set()


def addresses(patterns: Any, prefix: str = "") -> Iterator[str]:
    for pattern in patterns:
        if isinstance(pattern, URLPattern):
            yield prefix + str(pattern.pattern)
        else:
            yield from addresses(pattern.url_patterns, prefix + str(pattern.pattern))


def every_address() -> Iterator[str]:
    """Returns every URL of the admin, with the key of a row where the URL needs one. Pages for the user's own login are
    left out.
    """
    keys = {
        f"{m._meta.app_label}/{m._meta.model_name}/": m._default_manager.values_list("pk", flat=True).first()
        for m in admin.site._registry
    }
    for route in addresses(admin.site.get_urls()):
        if route.startswith(("login", "logout", "password_change", "^", "(?P")):
            continue
        of = next((start for start in keys if route.startswith(start)), None)
        key = keys[of] if of else 1
        route = re.sub(r"<path:object_id>|<id>|<int:object_id>|<object_id>", str(key or 1), route)
        route = re.sub(r"<str:algorithm>", "ES256", route)
        yield re.sub(r"<[^>]*>", str(key or 1), route)


@pytest.mark.usefixtures("without_traces", "logins_kept", "bare_admin", "unlimited")
@pytest.mark.parametrize("who", ["looker", pytest.param("Auditor", marks=pytest.mark.exhaustive)])
def test_no_url_of_the_admin_changes_anything_for_staff_who_may_only_view(who, a_row_of_each):
    browser, before, asked = browser_of(looker() if who == "looker" else staff(who)), rows(), 0
    form = {"post": "yes", "reason": "x", "confirmation": "ES256", "name": "x", "_save": "1", "password1": "x" * 14,
            "password2": "x" * 14, "usable_password": "true", "format": "csv"}  # fmt: skip
    for address in every_address():
        for ask in (browser.get, browser.post):
            answer = ask(f"/admin/{address}", form if ask == browser.post else None)
            assert answer.status_code < 500, address
            assert answer.status_code != 429, address
            asked += 1
    assert asked > 200
    # Users who may view may also export, and the audit log records who exported what.
    exports = {"oauth_auditevent"} if who == "Auditor" else set()
    assert changed(before) == exports


def changed(before: dict[str, str]) -> set[str]:
    now = rows()
    return {table for table in now if now[table] != before[table]}


def test_an_auditor_cannot_cancel_a_job_and_each_cancellation_is_audited(db):
    """Procrastinate's own actions ask for no permission."""
    job = a_job()
    url = "/admin/procrastinate/procrastinatejob/"
    for name in ("cancel", "abort", "retry"):
        browser_of(staff("Auditor")).post(url, {"action": name, "_selected_action": [str(job)]})
    assert ProcrastinateJob.objects.get(pk=job).status == "todo"
    person = looker()
    person.user_permissions.add(Permission.objects.get(codename="change_procrastinatejob"))
    browser_of(person).post(url, {"action": "cancel", "_selected_action": [str(job)]})
    assert ProcrastinateJob.objects.get(pk=job).status == "cancelled"
    event = AuditEvent.objects.get(action="staff_acted")
    assert (event.actor, event.endpoint) == (str(person.pk), "admin.cancel")
    assert event.reason == f"procrastinate.ProcrastinateJob {job}"


def test_a_third_partys_action_that_names_no_permission_is_off(alice):
    """This applies to superusers, too, because allauth's own list would mark any address as verified."""
    address = EmailAddress.objects.create(user=alice, email="other@example.test", verified=False)
    with registered(EmailAddress, EmailAddressAdmin) as their_admin:
        request = RequestFactory().get("/")
        request.user = staff("superuser")
        assert "make_verified" in {name for _, name, _ in their_admin._get_base_actions()}
        assert set(their_admin.get_actions(request)) == {"delete_selected"}
    assert not address.verified


@dataclass
class ActionOfDjango61:
    """Django's entry in the actions of an admin since 6.1; before, it is a tuple."""

    func: Any
    name: str = "approve"
    description: str = "Approve"


def test_an_action_of_django_6_1_is_audited_too(db):
    """A change form lists actions as well, and tells `get_actions` so."""

    def approve(model_admin, request, rows):
        pass

    asked = {}
    found = actions.offered(
        lambda _request, **where: asked.update(where) or {"approve": ActionOfDjango61(approve)}, None, "change form"
    )
    assert asked == {"action_location": "change form"}
    assert not actions.is_permitted(actions.function(found["approve"]))
    approve.allowed_permissions = ["change"]
    assert actions.is_permitted(actions.function(found["approve"]))
    entry = actions.audited_entry(found["approve"], "approve")
    request = RequestFactory().get("/")
    request.user = staff("superuser")
    entry.func(None, request, User.objects.filter(pk=request.user.pk))
    assert (entry.description, AuditEvent.objects.get().endpoint) == ("Approve", "admin.approve")


@contextmanager
def registered(model: Any, admin_class: Any) -> Iterator[Any]:
    admin.site.register(model, admin_class)
    try:
        yield admin.site._registry[model]
    finally:
        admin.site.unregister(model)


def test_changes_by_staff_are_in_the_audit_log(alice):
    """Changes by a third party's form are logged, too: who, which row and which fields, but no value."""
    browser = browser_of(root := staff("superuser"))
    browser.post("/admin/auth/group/add/", {"name": "Tellers"})
    browser.post(f"/admin/accounts/user/{alice.pk}/delete/", {"post": "yes"})
    events = AuditEvent.objects.filter(action="staff_acted").order_by("id")
    assert [(one.endpoint, one.actor) for one in events] == [
        ("admin.add", str(root.pk)),
        ("admin.delete", str(root.pk)),
    ]
    assert events[1].user == str(alice.pk)
    assert "Tellers" not in events[0].reason
