"""“A Well-Known URL for Changing Passwords” (W3C), which password managers open."""

import pytest
from django.test import Client as Browser

pytestmark = pytest.mark.django_db


def test_it_leads_to_the_form(browser):
    answer = browser.get("/.well-known/change-password")
    assert (answer.status_code, answer["Location"]) == (302, "/accounts/password/change/")
    assert browser.get("/.well-known/change-password", follow=True).status_code == 200
    stranger = Browser().get("/.well-known/change-password", follow=True)
    assert stranger.redirect_chain[-1][0].startswith("/accounts/login/")
    assert "next" in stranger.redirect_chain[-1][0]


def test_an_unknown_well_known_url_is_not_found(client):
    """§3: password managers ask for a URL that never exists, to see whether the site's status codes can be trusted."""
    url = "/.well-known/resource-that-should-not-exist-whose-status-code-should-not-be-200"
    assert client.get(url).status_code == 404
    assert client.post("/.well-known/change-password").status_code == 405
