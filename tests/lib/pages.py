"""Checks that apply to every page, and the paths of the pages."""

from bs4 import BeautifulSoup

SIGNED_OUT = [
    "/",
    "/accounts/login/",
    "/accounts/login/code/",
    "/accounts/password/reset/done/",
    "/accounts/confirm-email/",
    "/accounts/signup/",
    "/accounts/password/reset/",
    "/accounts/closed/",
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
    "/accounts/not-me/",
    "/accounts/profile/",
    "/accounts/close/",
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
