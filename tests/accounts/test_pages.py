"""What holds for every page: headers, no inline script or style, labels, one heading."""

import pytest
from bs4 import BeautifulSoup

from tests.oauth_client import authorization_url

pytestmark = pytest.mark.django_db
SIGNED_OUT = [
    "/",
    "/accounts/login/",
    "/accounts/login/code/",
    "/accounts/password/reset/done/",
    "/accounts/confirm-email/",
    "/accounts/signup/",
    "/accounts/password/reset/",
    "/nothing-here",
]
SIGNED_IN = [
    "/",
    "/oauth/apps",
    "/accounts/",
    "/accounts/sessions/",
    "/accounts/2fa/",
    "/accounts/2fa/totp/activate/",
    "/accounts/2fa/webauthn/",
    "/accounts/2fa/webauthn/add/",
    "/accounts/social/",
    "/accounts/reauthenticate/",
    "/accounts/email/",
    "/accounts/password/change/",
    "/accounts/logout/",
]


def check(page):
    html = BeautifulSoup(page.content, "html.parser")
    assert html.html["lang"]
    assert html.title.text.strip()
    assert len(html.select("h1")) == 1
    assert not html.select("[style], style, [onclick], [onload], a[href^='javascript:']")
    assert all(script.get("src") or script.get("type") == "application/json" for script in html.select("script"))
    assert not [
        link
        for link in html.select("link[href], script[src], img[src]")
        if "//" in (link.get("href") or link.get("src"))
    ]
    for field in html.select("main input:not([type=hidden]):not([type=submit]), main select, main textarea"):
        assert html.select(f"label[for={field['id']}]") or field.get("aria-label"), field
    assert page["X-Frame-Options"] == "DENY"
    assert page["X-Content-Type-Options"] == "nosniff"
    assert page["Referrer-Policy"] in ("same-origin", "no-referrer")
    policy = page["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy


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
    assert "form-action 'self';" in client.get("/accounts/password/reset/")["Content-Security-Policy"] + ";"
