"""The audit log in the admin: search by error id, filters and export, which stay fast with a million rows."""

import csv
import io
import json
import re
from datetime import timedelta
from urllib.parse import urlencode
from uuid import UUID

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from oauth.admin import paginator
from oauth.models import AuditEvent
from tests.lib.audit import event_at

pytestmark = pytest.mark.django_db
LIST, EXPORT = "/admin/oauth/auditevent/", "/admin/oauth/auditevent/export/"


def listed(browser, **query):
    page = browser.get(LIST, query)
    assert page.status_code == 200, page
    return [event.reason for event in page.context["cl"].result_list]


def exported(browser, format_name, **query):
    answer = browser.post(f"{EXPORT}?{urlencode(query)}", {"format": format_name})
    assert answer.status_code == 200
    return b"".join(answer.streaming_content).decode()


@pytest.fixture
def some_events(alice):
    now = timezone.now()
    event_at(now - timedelta(days=3), reason="old", client="one", user=str(alice.pk))
    event_at(now - timedelta(days=2), "refused", reason="bad", client="one", error="invalid_grant", error_id="f00d")
    event_at(now - timedelta(days=1), "client_changed", reason="change", client="two", actor=str(alice.pk))


def test_an_error_id_leads_to_what_happened(of_role, token_endpoint, web_app):
    """The search box on the home page gives the same result."""
    web_app.secret = "wrong"
    error_id = token_endpoint.post(web_app, grant_type="client_credentials")["X-Error-Id"]
    assert len(listed(of_role("Support"), q=error_id)) == 1
    assert listed(of_role("Support"), q=error_id[:-1]) == []


def test_an_error_id_is_found_in_copied_text_too(of_role, token_endpoint, web_app):
    """A whole description of the protocol, or the `instance` of a problem document."""
    web_app.secret = "wrong"
    answer = token_endpoint.post(web_app, grant_type="client_credentials")
    assert re.fullmatch("[0-9a-f]{32}", answer["X-Error-Id"]), "the format of all error ids"
    as_uuid = UUID(answer["X-Error-Id"])
    for copied in (
        answer.json()["error_description"],
        f"urn:uuid:{as_uuid}",
        f"urn:uuid:{as_uuid.hex}",
        f" {as_uuid.hex} ",
    ):
        assert len(listed(of_role("Support"), q=copied)) == 1, copied


def test_a_users_id_is_found_as_it_is_stored(of_role, some_events, alice):
    assert listed(of_role("Support"), q=str(alice.pk)) == ["old"]


def test_nothing_found_says_where_else_to_look(of_role):
    page = of_role("Support").get(LIST, {"q": "<b>" + "0" * 32}).content.decode()
    assert "The audit log has no event with this ID." in page
    assert "request_id" in page
    assert "<b>0" not in page
    assert "no event with this ID" not in of_role("Support").get(LIST).content.decode()


def test_a_refused_redirect_uri_is_in_the_log(of_role, client, web_app):
    query = {"client_id": web_app.client_id, "response_type": "code", "redirect_uri": "https://evil.example/callback"}
    page = client.get("/oauth/authorize", query).content.decode()
    error_id = re.search("<code>([0-9a-f]{32})</code>", page)[1]
    [reason] = listed(of_role("Support"), q=error_id)
    assert "redirect_uri=https://evil.example/callback" in reason


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, ["change", "bad", "old"]),
        ({"action": "issued"}, ["old"]),
        ({"outcome": "refused"}, ["bad"]),
        ({"outcome": "done"}, ["change", "old"]),
        ({"client_id": "one"}, ["bad", "old"]),
        ({"client_id": "one", "outcome": "refused"}, ["bad"]),
        ({"person": "alice@example.test"}, ["old"]),
        ({"by_admin": "alice@example.test"}, ["change"]),
        ({"error_code": "invalid_grant"}, ["bad"]),
        ({"since": 2.5}, ["change", "bad"]),
        ({"until": 2.5}, ["old"]),
        ({"since": 2.5, "until": 1.5}, ["bad"]),
        ({"person": "nobody@example.test"}, []),
        ({"since": "yesterday"}, []),  # an invalid filter shows no rows
        ({"action": "no-such"}, []),
    ],
)
def test_the_log_is_narrowed_down(of_role, some_events, query, expected):
    given = {
        name: f"{timezone.now() - timedelta(days=value):%Y-%m-%d %H:%M}" if isinstance(value, float) else value
        for name, value in query.items()
    }
    assert listed(of_role("Auditor"), **given) == expected
    rows = list(csv.DictReader(io.StringIO(exported(of_role("Auditor"), "csv", **given))))
    assert [row["reason"] for row in rows if row["action"] != "audit_exported"] == expected


def test_an_export_of_the_audit_log_is_in_the_audit_log(of_role, some_events):
    browser = of_role("Auditor")
    rows = json.loads(exported(browser, "json", client_id="one"))
    assert [row["reason"] for row in rows] == ["bad", "old"]
    event = AuditEvent.objects.get(action="audit_exported")
    assert (event.actor, event.reason) == (browser.session["_auth_user_id"], "json client_id=one")


def test_export_needs_the_right_and_a_post(of_role, some_events):
    for role in ("Support", "Client manager", "Key officer", ""):
        browser = of_role(role)
        assert browser.post(EXPORT, {"format": "csv"}).status_code == 403
        assert "Export as" not in browser.get(LIST).content.decode()
    assert of_role("Auditor").get(EXPORT).status_code == 405
    assert not AuditEvent.objects.filter(action="audit_exported").exists()


def test_a_strangers_text_is_no_formula(of_role):
    """OWASP CSV injection: refused values may contain any text."""
    for text in ("=HYPERLINK(1)", "+1", "-1", "@SUM(1)", "\tx"):
        event_at(timezone.now(), "refused", client=text, reason=text)
    rows = list(csv.DictReader(io.StringIO(exported(of_role("Auditor"), "csv", action="refused"))))
    assert len(rows) == 5
    assert {row["reason"][0] for row in rows} == {row["client"][0] for row in rows} == {"'"}


def test_the_export_goes_on_batch_after_batch(of_role, monkeypatch):
    monkeypatch.setattr("oauth.admin.export.BATCH", 2)
    for number in range(5):
        event_at(timezone.now() - timedelta(minutes=number), reason=str(number))
    rows = json.loads(exported(of_role("Auditor"), "json", action="issued"))
    assert [row["reason"] for row in rows] == list("01234")
    assert json.loads(exported(of_role("Auditor"), "json", client_id="nobody")) == []


def test_the_list_counts_no_table(of_role, some_events, monkeypatch):
    """The page takes eight statements, however long the log is. None of them is a COUNT, and every list has a LIMIT."""
    monkeypatch.setattr(paginator, "MOST_LISTED", 200)
    for _ in range(60):  # more rows than one page shows
        event_at(timezone.now(), client="one")
    browser = of_role("Auditor")
    browser.get(LIST)
    with CaptureQueriesContext(connection) as queries:
        page = browser.get(LIST, {"outcome": "done", "client_id": "one"})
    assert page.context["cl"].paginator.count == 61
    on_the_log = [query["sql"] for query in queries if 'FROM "oauth_auditevent"' in query["sql"]]
    assert len(queries) <= 8, [query["sql"] for query in queries]
    assert on_the_log
    assert all("LIMIT" in sql and "COUNT" not in sql for sql in on_the_log)


def test_sorting_by_a_column_is_not_offered(of_role, some_events):
    """Only the primary key has an index for this order."""
    assert listed(of_role("Auditor"), o="10") == ["change", "bad", "old"]


def test_nobody_edits_the_log(admin_browser, some_events):
    event = AuditEvent.objects.first()
    url = f"{LIST}{event.pk}/"
    assert admin_browser.get(f"{url}change/").status_code == 200
    assert admin_browser.post(f"{url}change/", {"reason": "x"}).status_code == 403
    assert admin_browser.post(f"{url}delete/", {"post": "yes"}).status_code == 403
    assert admin_browser.get(f"{LIST}add/").status_code == 403
