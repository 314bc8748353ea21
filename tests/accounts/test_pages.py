"""Rules for every page: headers, no inline script or style, labels, one heading."""

import pytest

from tests.lib.oauth_client import authorization_url
from tests.lib.pages import SIGNED_IN, SIGNED_OUT, check

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("path", SIGNED_OUT)
def test_pages_of_the_signed_out(client, path):
    check(client.get(path))


@pytest.mark.parametrize("path", SIGNED_IN)
def test_pages_of_the_signed_in(browser, path):
    page = browser.get(path)
    assert page.status_code == 200
    check(page)
    assert "no-store" in page["Cache-Control"]


def test_the_consent_page_and_the_error_page(browser, mobile_app):
    check(browser.get(authorization_url(mobile_app)))
    check(browser.get(authorization_url(mobile_app, redirect_uri="https://evil.example/")))


def test_what_a_client_calls_itself_is_shown_as_text(browser, mobile_app):
    """Hydra CVE-2019-8400."""
    mobile_app.name = "<script>alert(1)</script>"
    mobile_app.save()
    html = browser.get(authorization_url(mobile_app)).content.decode()
    assert "<script>alert" not in html
    assert "&lt;script&gt;alert(1)" in html


def test_the_log_in_page_says_which_app_is_asking(client, mobile_app):
    to_log_in = client.get(authorization_url(mobile_app))
    page = client.get(to_log_in["Location"])
    assert mobile_app.name in page.content.decode()
    assert "form-action 'self' https://app.example" in page["Content-Security-Policy"]
    # The forms of this page never redirect to an app, because the page is not part of a login.
    assert "form-action 'self';" in client.get("/")["Content-Security-Policy"] + ";"
