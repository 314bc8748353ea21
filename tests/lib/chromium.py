"""Debian's Chromium, and steps that tests perform in it."""

import shutil

import pytest
from playwright.sync_api import Page

from tests.lib.person import EMAIL, PASSWORD

#: The headless shell needs less than half of the CPU of the whole browser.
CHROMIUM = shutil.which("chromium-headless-shell") or shutil.which("chromium")
needs_chromium = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine (Debian: apt-get install chromium)"),
]
OFFLINE = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking", "--no-first-run",
            "--disable-component-update", "--disable-sync")  # fmt: skip
#: Where apps of the tests receive their answers. The fixture `apps` is their server.
APP_HOST, PARTNER_HOST = "127.0.0.1:51997", "partner.example:443"
# A passkey of the device itself (WebAuthn.addVirtualAuthenticator of the DevTools protocol).
DEVICE = {
    "protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True,
    "isUserVerified": True, "automaticPresenceSimulation": True,
}  # fmt: skip


def log_in(page: Page, email: str = EMAIL) -> None:
    page.fill("input[name=login]", email)
    page.fill("input[name=password]", PASSWORD)
    page.press("input[name=password]", "Enter")
