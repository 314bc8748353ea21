"""The admin's home page: its numbers have an upper bound and are cached for a minute."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from banking.ledger import audit_and_record
from banking.models import LedgerAudit
from config.bank import admin_panels
from oauth.admin import overview, panels
from oauth.models import SigningKey
from oauth.models.client import Kind
from tests.lib.audit import event_at

pytestmark = pytest.mark.django_db


def test_a_day_has_its_column(signing_keys):
    today = timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)
    for moment in (today, today + timedelta(hours=1), today - timedelta(seconds=1), today - timedelta(days=13)):
        event_at(moment)
    event_at(today - timedelta(days=14))
    event_at(today, "refused", error="invalid_grant")
    columns = overview.tokens().columns
    assert [bar.value for bar in columns] == [1, *[0] * 11, 1, 2]
    assert [bar.share for bar in columns][-2:] == [50, 100]


def test_only_the_last_two_days_are_counted_again():
    """A log of a million rows is counted once; after that, only the last two days are."""
    now = timezone.now()
    event_at(now - timedelta(days=5))
    assert sum(bar.value for bar in overview.tokens().columns) == 1
    event_at(now - timedelta(days=5))  # old events are never added in reality, so the cached count stays
    event_at(now)
    assert sum(bar.value for bar in overview.tokens().columns) == 2


def test_numbers_are_counted_no_further_than_matters(monkeypatch):
    monkeypatch.setattr(overview, "MOST_COUNTED", 2)
    for _ in range(4):
        event_at(timezone.now())
    last = overview.tokens().columns[-1]
    assert (last.value, last.is_capped) == (2, True)


def test_refusals_by_reason_and_clients_by_kind(mobile_app, web_app):
    for error in ("invalid_grant", "invalid_grant", "invalid_client"):
        event_at(timezone.now(), "refused", error=error)
    event_at(timezone.now() - timedelta(days=15), "refused", error="invalid_scope")
    assert [(bar.label, bar.value) for bar in overview.refusals().bars] == [("invalid_grant", 2), ("invalid_client", 1)]
    shown = {bar.label: bar.value for bar in overview.clients().bars}
    assert shown[Kind.MOBILE.label] == shown[Kind.WEB.label] == 1


def test_a_rotation_that_is_overdue_is_an_alarm(signing_keys):
    assert not overview.signing_keys().alarm
    SigningKey.objects.filter(algorithm="ES256").update(
        published_at=timezone.now() - timedelta(days=100), active_at=timezone.now() - timedelta(days=100)
    )
    assert "ES256" in overview.signing_keys().alarm


def test_a_worker_that_does_not_run_is_an_alarm():
    assert overview.worker().alarm
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now())")
    assert not overview.worker().alarm
    assert overview.worker().summary


def test_a_ledger_that_does_not_add_up_is_an_alarm(admin_browser):
    assert "Not run yet" in admin_browser.get("/admin/").content.decode()
    audit_and_record()
    assert not admin_panels.ledger().alarm
    LedgerAudit.objects.update(ended_at=timezone.now() - timedelta(hours=4))
    assert "old" in admin_panels.ledger().alarm
    LedgerAudit.objects.create(seconds=0, differences={"Does it add up": ["GBP, 1"]})
    assert "does not add up" in admin_panels.ledger().alarm


def test_the_second_visit_reads_nothing_from_the_audit_log(admin_browser, signing_keys):
    """The numbers are cached for a minute, so no statement reads the log. The eight lists that this user may decide
    about are counted again; one of them is of clients.
    """
    admin_browser.get("/admin/")
    with CaptureQueriesContext(connection) as queries:
        page = admin_browser.get("/admin/")
    said = [query["sql"] for query in queries]
    said_of_panels = [sql for sql in said if "oauth_clientreview" not in sql]
    assert not [sql for sql in said_of_panels if "oauth_auditevent" in sql or "oauth_client" in sql or "jobs" in sql]
    assert len([sql for sql in said if "shared_cache" not in sql]) <= 16, said
    assert b"<svg" in page.content


def test_the_first_look_asks_a_known_number_of_times(admin_browser, signing_keys):
    with CaptureQueriesContext(connection) as queries:
        admin_browser.get("/admin/")
    asked = [query["sql"] for query in queries if "shared_cache" not in query["sql"]]
    assert len([sql for sql in asked if "SAVEPOINT" not in sql]) <= 39, asked


def test_a_panel_that_cannot_be_told_leaves_the_others(admin_browser, monkeypatch, signing_keys):
    from django.db import OperationalError

    def slow():
        raise OperationalError("canceling statement due to statement timeout")

    slow.permission = "oauth.view_auditevent"
    monkeypatch.setattr(overview, "refusals", slow)
    page = admin_browser.get("/admin/").content.decode()
    assert "This took too long" in page
    assert "Signing keys" in page


def test_the_page_has_no_inline_style_or_script_and_asks_no_third_party(admin_browser, signing_keys):
    event_at(timezone.now())
    page = admin_browser.get("/admin/").content.decode()
    assert " style=" not in page
    assert "<style" not in page
    assert "https://" not in page.replace('xmlns="http://www.w3.org', "")
    assert all("src=" in tag for tag in page.split("<script")[1:])


def test_every_panel_of_ours_is_registered():
    assert set(panels.PANELS) == {
        f"oauth.admin.overview.{name}" for name, one in vars(overview).items() if hasattr(one, "permission")
    }
