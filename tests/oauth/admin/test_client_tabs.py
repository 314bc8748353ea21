"""The tabs of a client's page, and the text that staff must type before they stop a client that is in use."""

import pytest
from django.contrib.auth.models import Permission

from oauth.models import AuditEvent, Authorization, Client
from tests.lib.staff import browser_of, staff

pytestmark = pytest.mark.django_db


def page(browser, client, tab):
    answer = browser.get(f"/admin/oauth/client/{client.pk}/{tab}/")
    assert answer.status_code == 200, tab
    return answer.content.decode()


def test_tabs_name_users_and_events(admin_browser, alice, issued, mobile_app):
    assert "Used by 0 users. Last seen: never." in page(admin_browser, mobile_app, "change")
    issued(mobile_app)
    users = page(admin_browser, mobile_app, "users")
    assert f'<a href="/admin/accounts/user/{alice.pk}/change/">{alice.email}</a>' in users
    last = AuditEvent.objects.filter(action="issued").latest("id").at
    for tab in ("users", "change"):
        assert f"Used by 1 user. Last seen: {last:%Y-%m-%d}" in page(admin_browser, mobile_app, tab)
    events = page(admin_browser, mobile_app, "events")
    assert alice.email in events
    assert "Tokens were issued" in events


def test_a_user_with_two_authorizations_is_one_user(admin_browser, issued, mobile_app):
    issued(mobile_app)
    issued(mobile_app)
    assert "Used by 1 user." in page(admin_browser, mobile_app, "users")


def test_ids_that_a_developer_needs_can_be_copied(admin_browser, mobile_app, settings):
    change = page(admin_browser, mobile_app, "change")
    assert f'<code data-copy="the client ID">{mobile_app.client_id}</code>' in change
    assert '<code data-copy="this redirect URI">' in change
    assert "oauth/copy.js" in change


def test_a_tab_needs_the_permission_to_view_what_it_shows(mobile_app, web_app):
    manager, support = browser_of(staff("Client manager")), browser_of(staff("Support"))
    of_manager, of_support = page(manager, web_app, "change"), page(support, web_app, "change")
    for tab, managers, supports in (("users", False, True), ("events", False, True), ("secret", True, False)):
        url = f"/admin/oauth/client/{web_app.pk}/{tab}/"
        assert (url in of_manager, url in of_support) == (managers, supports)
        assert [manager.get(url).status_code, support.get(url).status_code] == [
            200 if managers else 403,
            200 if supports else 403,
        ]
    assert manager.get(f"/admin/oauth/client/{mobile_app.pk}/secret/").status_code == 403  # this client has no secret


def test_a_client_is_deleted_only_when_its_id_is_typed(admin_browser, mobile_app):
    url = f"/admin/oauth/client/{mobile_app.pk}/delete/"
    for typed in ("", "another"):
        assert admin_browser.post(url, {"post": "yes", "typed": typed}).status_code == 302
        assert Client.objects.filter(pk=mobile_app.pk).exists()
    form = {"action": "delete_selected", "_selected_action": [str(mobile_app.pk)], "post": "yes"}
    admin_browser.post("/admin/oauth/client/", form)
    assert Client.objects.filter(pk=mobile_app.pk).exists()
    admin_browser.post(url, {"post": "yes", "typed": mobile_app.client_id})
    assert not Client.objects.filter(pk=mobile_app.pk).exists()


@pytest.mark.parametrize("role", ["superuser", "Client manager"])
def test_a_client_in_use_is_deleted_with_everything_that_users_allowed_it(
    role, issued, mobile_app, api, token_endpoint
):
    tokens = issued(mobile_app)
    url = f"/admin/oauth/client/{mobile_app.pk}/delete/"
    staff_browser = browser_of(staff(role))
    assert "Used by 1 user." in staff_browser.get(url).content.decode()
    assert staff_browser.post(url, {"post": "yes", "typed": mobile_app.client_id}).status_code == 302
    assert not Client.objects.filter(pk=mobile_app.pk).exists()
    assert not Authorization.objects.exists()
    assert token_endpoint.refresh(mobile_app, tokens["refresh_token"]).json()["error"] == "invalid_client"
    assert api(tokens["access_token"]).get("/api/v1/accounts").status_code == 401


def test_a_user_who_allowed_an_app_is_deleted_with_their_authorizations(issued, mobile_app, alice):
    issued(mobile_app)
    for role, status in (("Client manager", 403), ("superuser", 302)):
        assert browser_of(staff(role)).post(
            f"/admin/accounts/user/{alice.pk}/delete/", {"post": "yes"}
        ).status_code == (status)
    assert not Authorization.objects.exists()


def test_nobody_deletes_an_authorization_on_its_own(issued, mobile_app):
    issued(mobile_app)
    root, held = browser_of(staff("superuser")), Authorization.objects.get()
    assert root.post(f"/admin/oauth/authorization/{held.pk}/delete/", {"post": "yes"}).status_code == 403
    form = {"action": "delete_selected", "_selected_action": [str(held.pk)], "post": "yes"}
    root.post("/admin/oauth/authorization/", form)
    assert Authorization.objects.get() == held


def test_rows_of_other_tables_are_links(issued, mobile_app, alice):
    """Staff who may open the objects see links; others see the names only."""
    issued(mobile_app)
    root = browser_of(staff("superuser")).get("/admin/oauth/authorization/").content.decode()
    assert f'<a href="/admin/accounts/user/{alice.pk}/change/">{alice.email}</a>' in root
    helper = staff()

    helper.user_permissions.set(Permission.objects.filter(codename="view_authorization"))
    seen = browser_of(helper).get("/admin/oauth/authorization/").content.decode()
    assert alice.email in seen
    assert f"/admin/accounts/user/{alice.pk}/" not in seen
