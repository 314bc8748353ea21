"""The page of the user's connected apps."""

from types import SimpleNamespace

import pytest
from bs4 import BeautifulSoup
from django.test import Client as Browser
from django.utils import timezone

from oauth.models import AuditEvent, Authorization
from tests.lib.oauth_client import PASSWORD, allow

pytestmark = pytest.mark.django_db


def remove(browser, name):
    html = BeautifulSoup(browser.get("/oauth/apps").content, "html.parser")
    [form] = [form for form in html.select("main form") if name in form.text]
    fields = "&".join(f"{field['name']}={field['value']}" for field in form.select("input[type=hidden]"))
    return browser.post("/oauth/apps", fields, content_type="application/x-www-form-urlencoded")


def test_a_user_sees_what_they_allowed_and_revokes_it(issued, browser, mobile_app, web_app, token_endpoint):
    """ASVS 10.4.9: refresh tokens end immediately."""
    token = issued(mobile_app, scope="accounts:read transfers:write")["refresh_token"]
    other = issued(web_app)["refresh_token"]
    page = browser.get("/oauth/apps")
    text = page.content.decode()
    assert page["Cache-Control"] == "no-store"
    for shown in (mobile_app.name, web_app.name, "May read and change"):
        assert shown in text
    assert "Make transfers from your accounts" in browser.get(f"/oauth/apps/{mobile_app.pk}").content.decode()
    assert remove(browser, mobile_app.name)["Location"] == "/oauth/apps"
    assert mobile_app.name not in browser.get("/oauth/apps").content.decode()
    assert token_endpoint.refresh(mobile_app, token).json()["error"] == "invalid_grant"
    assert token_endpoint.refresh(web_app, other).status_code == 200
    revoked = Authorization.objects.get(client=mobile_app)
    assert (revoked.revocation_reason, revoked.revoked_by) == (Authorization.RevocationReason.USER, revoked.user)


def test_a_user_sees_that_staff_disabled_an_app_and_can_remove_it(issued, browser, mobile_app, web_app):
    """As by a lockdown. It must not look as if the app had access."""
    issued(mobile_app)
    issued(web_app)
    mobile_app.is_active = False
    mobile_app.save()
    entries = BeautifulSoup(browser.get("/oauth/apps").content, "html.parser").select("ul.apps > li")
    assert {one.bdi.text: "Disabled" in one.text for one in entries} == {mobile_app.name: True, web_app.name: False}
    for client, is_told in ((mobile_app, True), (web_app, False)):
        page = browser.get(f"/oauth/apps/{client.pk}").content.decode()
        assert ("We have disabled this app" in page) is is_told
    remove(browser, mobile_app.name)
    assert not Authorization.objects.live().filter(client=mobile_app).exists()


def test_every_device_of_an_app_is_removed_together(browser, mobile_app, token_endpoint):
    for _ in range(3):
        allow(browser, mobile_app)
    remove(browser, mobile_app.name)
    assert not Authorization.objects.live().exists()


def test_a_removed_app_is_asked_about_again(issued, browser, web_app):
    from tests.lib.oauth_client import authorization_url

    issued(web_app)
    assert browser.get(authorization_url(web_app)).status_code == 303
    remove(browser, web_app.name)
    assert browser.get(authorization_url(web_app)).status_code == 200


def test_nobody_sees_or_removes_somebody_elses(issued, mobile_app, bob):
    issued(mobile_app)
    of_bob = Browser()
    of_bob.post("/accounts/login/", {"login": bob.email, "password": PASSWORD})
    assert mobile_app.name not in of_bob.get("/oauth/apps").content.decode()
    of_bob.post("/oauth/apps", f"client_id={mobile_app.client_id}", content_type="application/x-www-form-urlencoded")
    assert Authorization.objects.get().is_live


def test_the_page_needs_a_log_in_and_the_form_its_csrf_token(browser, mobile_app, issued, client):
    assert client.get("/oauth/apps")["Location"].startswith("/accounts/login/")
    issued(mobile_app)
    strict = Browser(enforce_csrf_checks=True)
    strict.cookies = browser.cookies
    body = f"client_id={mobile_app.client_id}"
    assert strict.post("/oauth/apps", body, content_type="application/x-www-form-urlencoded").status_code == 403
    assert Authorization.objects.get().is_live


def test_a_malformed_form_changes_nothing(browser, mobile_app, issued):
    issued(mobile_app)
    for body in ("", "client_id=", "client_id=%00", "client_id=a&client_id=b"):
        assert browser.post("/oauth/apps", body, content_type="application/x-www-form-urlencoded").status_code in (
            303,
            400,
        )
    assert Authorization.objects.get().is_live


def test_it_says_when_and_where_from_an_app_was_last_used(issued, browser, mobile_app, token_endpoint):
    """The audit log has these data."""
    issued(mobile_app)
    AuditEvent.objects.create(
        action="issued",
        authorization=Authorization.objects.get().pk,
        address="198.51.100.7",
        client=mobile_app.client_id,
    )
    text = browser.get(f"/oauth/apps/{mobile_app.pk}").content.decode()
    assert "198.51.100.7" in text
    assert "127.0.0.1" not in text


def test_many_apps_cost_no_more_statements(issued, browser, mobile_app, web_app, django_assert_max_num_queries):
    issued(mobile_app)
    issued(web_app)
    issued(mobile_app, scope="accounts:read email")
    with django_assert_max_num_queries(10):
        browser.get("/oauth/apps")


def test_without_apps_it_says_so(browser):
    assert "No app has access to your data" in browser.get("/oauth/apps").content.decode()


def test_an_app_that_ended_is_listed_apart_with_the_reason_and_its_history(issued, browser, mobile_app, web_app):
    issued(mobile_app)
    issued(web_app)
    assert "no longer connected" not in browser.get("/oauth/apps").content.decode()
    remove(browser, mobile_app.name)
    assert "no longer connected" in browser.get("/oauth/apps").content.decode()
    ended = BeautifulSoup(browser.get("/oauth/apps/ended").content, "html.parser").select("main li")
    assert ["You removed it." in one.text for one in ended if mobile_app.name in one.text] == [True]
    assert not [one for one in ended if web_app.name in one.text]
    page = browser.get(f"/oauth/apps/{mobile_app.pk}").content.decode()
    assert "This app has no access now" in page
    assert "ended on" in page
    assert "Yes, remove" not in page


def test_the_page_of_an_app_is_only_for_users_who_allowed_it(issued, browser, mobile_app, web_app, bob):
    issued(mobile_app)
    assert browser.get(f"/oauth/apps/{web_app.pk}").status_code == 404
    of_bob = Browser()
    of_bob.force_login(bob)
    assert of_bob.get(f"/oauth/apps/{mobile_app.pk}").status_code == 404


@pytest.mark.parametrize("reason", Authorization.RevocationReason.values)
def test_the_page_explains_each_reason_why_an_access_ended(issued, browser, mobile_app, reason):
    issued(mobile_app)
    Authorization.objects.get().revoke(Authorization.RevocationReason(reason))
    text = BeautifulSoup(browser.get("/oauth/apps/ended").content, "html.parser").select_one("main li").text
    assert any(word in text for word in ("You ", "We ", "The app ended"))


def test_the_activity_of_an_app_comes_from_the_site(issued, browser, mobile_app, settings):
    settings.OAUTH = {**settings.OAUTH, "APP_ACTIVITY": f"{__name__}.activity"}
    issued(mobile_app)
    page = BeautifulSoup(browser.get(f"/oauth/apps/{mobile_app.pk}").content, "html.parser")
    assert "Everyday: balances" in page.select_one("a[href='/there']").text


def activity(user, client_id):
    return [SimpleNamespace(at=timezone.now(), text="Everyday: balances", url="/there")]
