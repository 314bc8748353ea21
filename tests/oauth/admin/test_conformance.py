"""The pages of the conformance report: who sees them, and how many statements they take."""

import pytest

from tests.lib.registered import make_client

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("signing_keys")]

SITE = "/admin/oauth/client/conformance/"


@pytest.mark.parametrize(
    ("role", "status"), [("Auditor", 200), ("Client manager", 200), ("Support", 403), ("Key officer", 403), ("", 403)]
)
def test_the_report_is_only_for_staff_with_the_right(of_role, web_app, role, status):
    """Roles, conformance report."""
    browser = of_role(role)
    assert browser.get(SITE).status_code == status
    assert browser.get(f"/admin/oauth/client/{web_app.pk}/conformance/").status_code == status


def test_the_page_of_a_client_names_the_field_to_change(admin_browser, web_app):
    page = admin_browser.get(f"/admin/oauth/client/{web_app.pk}/conformance/?standard=fapi-2.0").content.decode()
    assert "require_pushed_authorization_requests" in page
    assert f"/admin/oauth/client/{web_app.pk}/change/" in page
    assert "FAPI 2.0 Message Signing</h2>" not in page


def test_the_page_of_the_site_lists_clients_and_pages_through_them(admin_browser):
    for number in range(51):
        make_client("web", name=f"App {number}").save()
    page = admin_browser.get(SITE)
    assert len(page.context["clients"]) == 50
    older = admin_browser.get(f"{SITE}?before={page.context['older']}")
    assert [client.name for client, *_ in older.context["clients"]] == ["App 0"]
    assert older.context["older"] is None


@pytest.mark.parametrize("path", ["x/conformance/", "9999999/conformance/", "conformance/?before=x"])
def test_a_wrong_address_is_not_found(admin_browser, path):
    assert admin_browser.get(f"/admin/oauth/client/{path}").status_code == 404


def test_an_unknown_standard_shows_all(admin_browser):
    assert admin_browser.get(f"{SITE}?standard=none").status_code == 200


def test_more_clients_cost_no_more_queries(admin_browser, web_app, django_assert_max_num_queries):
    admin_browser.get(SITE)
    for number in range(30):
        make_client("web", name=f"App {number}").save()
    with django_assert_max_num_queries(8):
        admin_browser.get(SITE)


def test_forms_and_lists_lead_there(admin_browser, web_app):
    assert SITE in admin_browser.get("/admin/oauth/client/").content.decode()
    form = admin_browser.get(f"/admin/oauth/client/{web_app.pk}/change/").content.decode()
    assert f"/admin/oauth/client/{web_app.pk}/conformance/" in form
