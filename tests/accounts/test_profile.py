"""The profile, and the time zone in which a user reads times."""

import re
from datetime import UTC, datetime

import pytest
from django.utils import timezone, translation

from accounts.browsers import time_zone
from accounts.models import User
from banking.account_life.naming import is_name_of_a_holder
from banking.models import AccountAccess, Role
from oauth.infrastructure.moments import moment
from oauth.models import AuditEvent
from tests.lib.ledger import funded
from tests.lib.login import log_in
from tests.lib.notices import told
from tests.lib.pages import check

pytestmark = pytest.mark.django_db

ALL = {"name": "Alice Archer", "language": "en-gb", "time_zone": "Asia/Kolkata", "next": "/accounts/profile/"}


def times_on(page):
    return set(re.findall(r"UTC[+−]?[\d:]*", page.content.decode()))


def test_a_user_reads_times_in_the_zone_that_they_chose(browser, alice):
    answer = browser.post("/accounts/profile/", ALL)
    assert (answer.status_code, answer["Location"]) == (302, "/accounts/profile/")
    alice.refresh_from_db()
    assert alice.time_zone == "Asia/Kolkata"
    AuditEvent.record(AuditEvent.Action.LOGGED_IN, user=alice.pk)
    assert times_on(browser.get("/accounts/")) == {"UTC+5:30"}


def test_only_a_changed_name_causes_a_notice(browser, alice):
    browser.post("/accounts/profile/", {**ALL, "name": "Alice Baker"})
    alice.refresh_from_db()
    assert alice.name == "Alice Baker"
    assert told() == ["Your account: Your name was changed."]
    browser.post("/accounts/profile/", {**ALL, "name": "Alice Baker", "time_zone": ""})
    assert told() == []


def test_who_holds_a_bank_account_keeps_the_name_that_payers_see(browser, alice, bob):
    """Otherwise, a user could call themselves “tax office” for one payment."""
    account = funded(alice, "Current account")
    browser.post("/accounts/profile/", {**ALL, "name": "Tax Office", "language": "de"})
    alice.refresh_from_db()
    assert (alice.name, alice.language) == ("Alice Archer", "de")
    assert not is_name_of_a_holder(bob)
    AccountAccess.objects.create(account=account, user=bob, role=Role.READER)
    assert not is_name_of_a_holder(bob)


def test_a_new_language_counts_for_pages_and_emails(browser, alice):
    browser.post("/accounts/profile/", {**ALL, "language": "de"})
    alice.refresh_from_db()
    assert alice.language == "de"
    page = browser.get("/accounts/profile/")
    assert 'lang="de"' in page.content.decode()
    assert "Gespeichert" in page.content.decode()


@pytest.mark.parametrize(
    "wrong",
    [
        {"time_zone": "Mars/Olympus"}, {"language": "tlh"}, {"name": "a" * 151},
        {"name": "Alice \u202ereliaB"}, {"name": "Alice\u200bBaker"},
    ],
)  # fmt: skip
def test_what_there_is_not_is_refused_and_nothing_is_saved(browser, alice, wrong):
    page = browser.post("/accounts/profile/", {**ALL, "name": "Someone Else", **wrong})
    assert page.status_code == 400
    check(page)
    alice.refresh_from_db()
    assert (alice.name, alice.time_zone, alice.language) == ("Alice Archer", "", "en-gb")


def test_an_alias_that_was_chosen_stays_chosen(browser, alice):
    User.objects.filter(pk=alice.pk).update(time_zone="US/Eastern")
    assert '<option value="US/Eastern" selected>' in browser.get("/accounts/profile/").content.decode()


def test_the_profile_is_for_users(client):
    assert client.get("/accounts/profile/")["Location"].startswith("/accounts/login/")


def test_the_first_login_takes_the_zone_of_the_browser_and_no_later_one_does(client, alice):
    client.cookies[time_zone.COOKIE] = "Europe/Berlin"
    log_in(client, alice.email)
    client.logout()
    client.cookies[time_zone.COOKIE] = "Asia/Tokyo"
    log_in(client, alice.email)
    alice.refresh_from_db()
    assert alice.time_zone == "Europe/Berlin"


@pytest.mark.parametrize("name", ["", "../../etc/passwd", "Mars/Olympus", "a" * 4000])
def test_an_unknown_time_zone_is_replaced_by_that_of_the_bank(client, alice, name):
    client.cookies[time_zone.COOKIE] = name
    log_in(client, alice.email)
    alice.refresh_from_db()
    assert alice.time_zone == ""
    assert times_on(client.get("/accounts/")) == {"UTC"}


def test_a_page_without_times_does_not_read_the_session(client, settings):
    """Otherwise caches could not store the response."""
    assert "Cookie" not in client.get("/oauth/brand/123456.css").get("Vary", "")


def test_emails_name_the_zone_of_their_user(alice, mailoutbox):
    from accounts import notices

    User.objects.filter(pk=alice.pk).update(time_zone="America/New_York")
    alice.refresh_from_db()
    notices.enqueue_notice("new_device", alice)
    told()
    assert re.search(r"^When: .* UTC−[45]$", mailoutbox[0].body, re.M)


def test_the_admin_stays_in_the_zone_of_the_bank(admin_client, admin_user):
    User.objects.filter(pk=admin_user.pk).update(time_zone="Asia/Tokyo")
    seen = []

    def remember(request):
        seen.append(timezone.get_current_timezone_name())

    time_zone.TimeZoneMiddleware(remember)(admin_client.get("/admin/").wsgi_request)
    assert seen == ["UTC"]


@pytest.mark.parametrize(
    ("zone", "shown"),
    [
        ("UTC", "29 November 2026 01:24 UTC"),
        ("Europe/Berlin", "29 November 2026 02:24 UTC+1"),
        ("America/St_Johns", "28 November 2026 21:54 UTC−3:30"),
        ("Asia/Kathmandu", "29 November 2026 07:09 UTC+5:45"),
    ],
)
def test_a_moment_names_its_zone(zone, shown):
    with timezone.override(zone), translation.override("en-gb"):
        assert moment(datetime(2026, 11, 29, 1, 24, tzinfo=UTC), "j F Y H:i") == shown
