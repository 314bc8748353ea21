"""The admin's home page: what waits for this member of staff, what was refused, and the first steps of a new site."""

import pytest
from bs4 import BeautifulSoup
from django.conf import settings
from django.contrib import admin
from django.contrib.auth.models import Permission
from django.core.cache import cache

from accounts.models import User
from banking.account_life import applications
from banking.models import AccountApplication, Product
from banking.oversight import Officer, request_overdraft
from oauth.models import AuditEvent, Branding, Client, NewRedirectHost
from tests.lib.ledger import funded
from tests.lib.staff import browser_of, looker, officer, staff

pytestmark = pytest.mark.django_db


def section(browser, name):
    page = BeautifulSoup(browser.get("/admin/").content, "html.parser")
    found = page.select_one(f"section[aria-labelledby={name}]")
    return found and found.get_text(" ", strip=True)


@pytest.fixture(autouse=True)
def _nothing_cached():
    cache.clear()


@pytest.fixture
def asked(alice):
    product = Product.objects.create(name="Everyday", kind="current", currency="GBP", is_on_offer=True)
    return applications.apply(alice.pk, product.pk, "Mine")


def test_staff_who_may_decide_see_what_waits_and_a_link_to_it(asked):
    clerk = browser_of(officer("clerk", "decide_accountapplication"))
    assert section(clerk, "tasks") == "Waiting for you Accounts to open 1"
    link = BeautifulSoup(clerk.get("/admin/").content, "html.parser").select_one(".tasks a")["href"]
    listed = clerk.get(link).content.decode()
    assert "Mine" in listed
    assert "Nothing is waiting" in section(browser_of(officer("other")), "tasks")
    AccountApplication.objects.update(status="withdrawn")
    assert "Nothing is waiting" in section(clerk, "tasks")


def test_what_an_officer_asked_for_waits_for_another(alice):
    account = funded(alice, "Everyday")
    first, second = officer("first", "approve_accountchange"), officer("second", "approve_accountchange")
    request_overdraft(account.pk, 1000, by=Officer(first), reason="Asked for")
    assert "Nothing is waiting" in section(browser_of(first), "tasks")
    assert "Changes of accounts to approve 1" in section(browser_of(second), "tasks")


def test_a_new_redirect_host_waits_for_another_admin(web_app):
    first, second = staff("superuser"), staff("superuser")
    NewRedirectHost.objects.create(client=web_app, redirect_uris="https://new.example/", asked_by=first)
    assert "New redirect hosts" not in section(browser_of(first), "tasks")
    assert "New redirect hosts of clients to approve 1" in section(browser_of(second), "tasks")


def test_refusals_of_the_last_hour_are_grouped_and_lead_to_the_log(web_app):
    for number in range(3):
        AuditEvent.record(
            AuditEvent.Action.REFUSED, client=web_app.client_id, error="invalid_grant", error_id=f"{number}" * 16,
            reason="The code has expired.",
        )  # fmt: skip
    AuditEvent.record(AuditEvent.Action.REFUSED, error="invalid_client", error_id="a" * 16, reason="<b>Unknown</b>")
    browser = browser_of(looker())
    said = section(browser, "failures")
    assert f"3 invalid_grant The code has expired. {web_app.name}" in said
    page = browser.get("/admin/").content.decode()
    assert f"?q={'2' * 16}" in page, "the newest of them"
    assert "<b>Unknown" not in page
    assert section(browser_of(officer("clerk")), "failures") is None


def test_a_new_site_says_what_it_needs_and_stops_when_it_is_done(asked, settings):
    User.objects.filter(is_staff=True).delete()
    admin = browser_of(staff("superuser"))
    assert "Register the first client" in section(admin, "first-steps")
    assert section(browser_of(looker()), "first-steps") is None
    Branding.objects.get_or_create(defaults={"name": "Our bank"})
    Client.objects.create(name="App", kind="browser", client_id="app")
    funded(asked.user, "Everyday")
    staff("superuser")
    cache.clear()
    assert section(admin, "first-steps") is None


# --- the navigation


def navigation(browser):
    page = BeautifulSoup(browser.get("/admin/").content, "html.parser")
    groups = page.select("#content-main .module")
    return {
        one.caption.get_text(strip=True): [link.get_text(strip=True) for link in one.select("th a")] for one in groups
    }


def one_who_may(*codenames):
    person = staff()
    person.user_permissions.set(Permission.objects.filter(codename__in=codenames))
    return person


def test_every_list_of_the_admin_belongs_to_a_job():
    named = [label for _title, labels in settings.ADMIN_NAVIGATION for label in labels]
    assert sorted(named) == sorted(model._meta.label for model in admin.site._registry)


def test_staff_see_the_lists_of_their_job_only():
    """The permissions of the models decide, as everywhere in the admin."""
    assert navigation(browser_of(one_who_may("view_transfer", "view_auditevent"))) == {
        "Payments": ["Transfers"],
        "Log": ["Audit events"],
    }


def test_a_list_without_a_job_stays_with_its_app(settings):
    settings.ADMIN_NAVIGATION = []
    assert navigation(browser_of(one_who_may("view_transfer"))) == {"Bank": ["Transfers"]}
