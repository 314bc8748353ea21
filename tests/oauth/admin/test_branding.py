"""Staff edit the look of the pages: one row, with the rules of the settings, recorded in the audit log."""

import pytest

from oauth.models import AuditEvent, Branding

pytestmark = pytest.mark.django_db
ADD, CHANGE = "/admin/oauth/branding/add/", "/admin/oauth/branding/1/change/"
RIGHT = {"name": "Volksbank", "logo": "logo.svg", "color": "#0b6e4f"}


def test_the_look_is_saved_and_recorded(admin_browser, client):
    assert admin_browser.post(ADD, RIGHT).status_code == 302
    row = Branding.objects.get()
    assert {name: getattr(row, name) for name in RIGHT} == RIGHT
    assert AuditEvent.objects.filter(reason__startswith="oauth.Branding 1").exists()
    assert "Volksbank" in client.get("/oauth/logout").content.decode()


def test_there_is_no_second_row(admin_browser):
    Branding(name="Volksbank").save()
    assert admin_browser.get(ADD).status_code == 403
    assert admin_browser.get(CHANGE).status_code == 200


def test_a_color_that_cannot_be_read_is_refused_with_its_contrast(admin_browser):
    page = admin_browser.post(ADD, RIGHT | {"color": "#ffd500"})
    assert "It must be at least 4.5:1" in page.content.decode()
    assert not Branding.objects.exists()


def test_a_logo_of_another_site_is_refused(admin_browser):
    page = admin_browser.post(ADD, RIGHT | {"logo": "https://evil.example/logo.svg"})
    assert "Name a static file of this site" in page.content.decode()
