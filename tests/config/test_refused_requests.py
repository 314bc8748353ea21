"""From an error ID on a screenshot to the reason: the search of the admin finds errors of the API and of pages."""

import html
import re
from datetime import timedelta

import pytest
from django.db import OperationalError
from django.test import Client as Browser
from django.test import RequestFactory
from django.utils import timezone

from oauth.audit import refused_requests
from oauth.models import AuditEvent, RefusedRequest
from oauth.models.audit_event import first_id_at
from oauth.operations.cleanup import clean_up
from tests.lib.staff import browser_of, officer

pytestmark = pytest.mark.django_db
ADDRESS = "192.0.2.77"


@pytest.fixture(autouse=True)
def _nothing_is_remembered(db):
    refused_requests.forget()
    RefusedRequest.objects.all().delete()  # a server of another test stores what it refused when it stops
    yield
    refused_requests.forget()


@pytest.fixture
def found(admin_browser):
    """Returns the results of the search for an ID or for any pasted text."""

    def search(asked):
        refused_requests.store()
        page = admin_browser.get("/admin/oauth/auditevent/", {"q": asked})
        assert page.status_code == 200
        return html.unescape(page.content.decode())

    return search


def shown_id(answer):
    """Returns the ID as the page shows it to the user."""
    return re.search(r"<code>([0-9a-f]{32})</code>", answer.content.decode())[1]


def test_an_api_request_without_a_token_is_found(client, found, signing_keys):
    answer = client.get("/api/v1/accounts", REMOTE_ADDR=ADDRESS)
    assert answer.status_code == 401
    body = answer.json()
    for pasted in (answer["X-Error-Id"], body["instance"], body["detail"]):
        page = found(pasted)
        assert "GET /api/v1/accounts" in page
        assert ADDRESS in page
        assert f"401 {body['code']}" in page


def test_an_api_refusal_names_client_user_and_the_field(client, found, issued, mobile_app, alice):
    token = issued(mobile_app, scope="accounts:read")["access_token"]
    refused = client.get("/api/v1/accounts?colour=red", HTTP_AUTHORIZATION=f"Bearer {token}")
    assert refused.status_code == 400
    page = found(refused["X-Error-Id"])
    assert f'href="/admin/oauth/client/{mobile_app.pk}/change/"' in page
    assert f'href="/admin/accounts/user/{alice.pk}/change/"' in page
    assert "unknown_parameter" in page
    assert "colour" not in page.partition("Refusals with this ID")[2]  # the query string is not stored
    assert token not in page


def test_a_page_that_does_not_exist_is_found(client, found):
    answer = client.get("/bank/there-is-none", REMOTE_ADDR=ADDRESS)
    page = found(shown_id(answer))
    assert "404 not_found" in page
    assert "GET /bank/there-is-none" in page
    assert ADDRESS in page


def test_a_stale_form_is_found_with_its_user_and_reason(alice, found):
    browser = Browser(enforce_csrf_checks=True)
    browser.force_login(alice)
    answer = browser.post("/accounts/email/", {})
    assert answer.status_code == 403
    page = found(shown_id(answer))
    assert "CSRF cookie not set" in page
    assert f'href="/admin/accounts/user/{alice.pk}/change/"' in page


def test_an_error_of_ours_is_found_with_its_place_and_without_its_text(alice, found, monkeypatch):
    def broken(*_args, **_kwargs):
        raise KeyError("a-secret-value")

    monkeypatch.setattr("accounts.pages.security.recent_events.recent", broken)
    browser = Browser(raise_request_exception=False)
    browser.force_login(alice)
    answer = browser.get("/accounts/")
    assert answer.status_code == 500
    page = found(shown_id(answer))
    assert re.search(r"KeyError at \S+test_refused_requests\.py:\d+", page)
    assert "a-secret-value" not in page


def test_an_unknown_client_and_its_address_are_found(client, found, signing_keys):
    answer = client.get("/oauth/authorize?client_id=who-is-this&response_type=code", REMOTE_ADDR=ADDRESS)
    assert answer.status_code == 400
    assert not AuditEvent.objects.exists()
    page = found(shown_id(answer))
    assert "who-is-this" in page
    assert ADDRESS in page


def test_a_refused_redirect_uri_is_found_with_its_value(browser, found, mobile_app):
    url = "https://evil.example/callback"
    answer = browser.get(
        "/oauth/authorize", {"client_id": mobile_app.client_id, "response_type": "code", "redirect_uri": url}
    )
    page = found(shown_id(answer))
    assert url in page
    assert f'href="/admin/oauth/client/{mobile_app.pk}/change/"' in page


def test_who_may_not_view_them_is_shown_none(client, found):
    shown = shown_id(client.get("/nowhere"))
    assert "/nowhere" in found(shown)
    auditor = officer("auditor", "view_auditevent")
    page = browser_of(auditor).get("/admin/oauth/auditevent/", {"q": shown})
    assert page.status_code == 200
    assert "/nowhere" not in page.content.decode()


def test_what_is_not_found_says_where_to_look(found):
    page = found("0" * 32)
    assert "The server's log" in page
    assert "Refusals with this ID" not in page


def test_no_token_of_a_link_is_kept(client, found):
    key = "MQ-cs1a2b-0123456789abcdef0123456789abcdef"
    for path in (f"/accounts/password/reset/key/{key}/more", f"/nowhere/{key}?token=hush-hush"):
        page = found(shown_id(client.get(path)))
        assert key not in page.partition("Refusals with this ID")[2]
        assert "hush-hush" not in page.partition("Refusals with this ID")[2]
        assert "…" in page


def test_remembering_asks_nothing_of_the_database(client, django_assert_num_queries, signing_keys):
    client.get("/api/v1/accounts")
    with django_assert_num_queries(0):
        client.get("/api/v1/accounts")
        client.get("/nothing-is-here")
    with django_assert_num_queries(1):
        assert refused_requests.store() == 3


def remember(address, error_id="0" * 32, **values):
    request = RequestFactory().get("/x", REMOTE_ADDR=address)
    request.resolver_match = None
    values = {"endpoint": "page", "status": 404, "error": "not_found", **values}
    refused_requests.remember(request, error_id=error_id, **values)


def test_a_flood_of_one_network_is_a_sample(monkeypatch):
    monkeypatch.setattr(refused_requests.time, "monotonic", lambda: 600.0)
    for number in range(100):
        remember(f"192.0.2.{number}")
    remember("198.51.100.1", "1" * 32)
    refused_requests.store()
    assert RefusedRequest.objects.filter(address__startswith="192.0.2.").count() == refused_requests.MOST_OF_NETWORK
    assert RefusedRequest.objects.filter(error_id="1" * 32).exists()


def test_a_flood_of_many_networks_is_a_sample(monkeypatch):
    monkeypatch.setattr(refused_requests.time, "monotonic", lambda: 600.0)
    for number in range(1000):
        remember(f"10.{number % 250}.{number // 250}.1")
    assert refused_requests.store() == refused_requests.MOST


def test_a_minute_later_there_is_a_new_budget(monkeypatch):
    monkeypatch.setattr(refused_requests.time, "monotonic", lambda: 600.0)
    for _ in range(50):
        remember(ADDRESS)
    monkeypatch.setattr(refused_requests.time, "monotonic", lambda: 660.0)
    remember(ADDRESS)
    assert refused_requests.store() == refused_requests.MOST_OF_NETWORK + 1


def test_what_cannot_be_stored_is_kept(monkeypatch):
    def fails(*_args):
        raise OperationalError

    remember(ADDRESS)
    with monkeypatch.context() as patch:
        patch.setattr(RefusedRequest.objects, "bulk_create", fails)
        with pytest.raises(OperationalError):
            refused_requests.store()
    assert refused_requests.store() == 1


def test_what_a_stranger_sends_fits_the_columns():
    remember(ADDRESS, client="c" * 999, reason="r\x00" * 999, user="u" * 99, error="e" * 99)
    assert refused_requests.store() == 1
    row = RefusedRequest.objects.get()
    assert (len(row.client), len(row.reason), len(row.user)) == (255, refused_requests.LONGEST_REASON, 64)


def test_they_are_deleted_after_two_weeks():
    long_ago = first_id_at(timezone.now() - timedelta(days=15))
    RefusedRequest.objects.create(pk=long_ago, error_id="1" * 32, endpoint="page", status=404, error="x", method="GET")
    remember(ADDRESS)
    refused_requests.store()
    list(clean_up())
    assert RefusedRequest.objects.count() == 1
