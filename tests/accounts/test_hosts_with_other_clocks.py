"""A user logs in on a host whose clock differs from that of the host which gets the authorization request."""

from datetime import timedelta

import pytest
import time_machine
from django.test import Client as Browser
from django.utils import timezone

from banking.web import user as bank_user
from tests.lib.hosts import on_host
from tests.lib.login import submit
from tests.lib.oauth_client import PASSWORD, authorization_url, callback, decide

pytestmark = pytest.mark.django_db

HOSTS = [(0, -25), (-25, 0), (0, 120), (120, 0), (0, -120), (-120, 0)]


@pytest.fixture
def log_in(alice):
    def log_in(browser, *, seconds_ahead):
        with on_host(seconds_ahead=seconds_ahead):
            assert submit(browser, "/accounts/login/", login=alice.email, password=PASSWORD).status_code == 302
        return browser

    return log_in


@pytest.mark.parametrize(("of_login", "of_request"), HOSTS)
def test_an_earlier_login_does_not_count_as_a_new_one(log_in, web_app, of_login, of_request):
    """OpenID Connect Core §3.1.2.1: prompt=login reauthenticates the user."""
    browser = log_in(Browser(), seconds_ahead=of_login)
    with on_host(seconds_ahead=of_request):
        asked = browser.get(authorization_url(web_app, scope="openid", prompt="login"))
    assert asked["Location"].startswith("/accounts/reauthenticate/")


@pytest.mark.parametrize(("of_login", "of_request"), HOSTS)
@pytest.mark.parametrize("wish", [{"prompt": "login"}, {"max_age": "0"}])
def test_a_new_login_counts_on_every_host(log_in, web_app, wish, of_login, of_request):
    browser = log_in(Browser(), seconds_ahead=of_request)
    with on_host(seconds_ahead=of_request):
        asked = browser.get(authorization_url(web_app, scope="openid", **wish))
    with on_host(seconds_ahead=of_login):
        back = browser.post(asked["Location"], {"password": PASSWORD})
    with on_host(seconds_ahead=of_request):
        assert "code" in callback(decide(browser, browser.get(back["Location"])))


@pytest.mark.parametrize(("of_login", "of_page"), [(0, 900), (900, 0), (900, 900), (0, -900), (-900, 0)])
@pytest.mark.parametrize("path", ["/accounts/data/", "/accounts/password/change/"])
def test_a_recent_login_is_recent_on_every_host(log_in, path, of_login, of_page):
    """ASVS 5.0 7.5.1."""
    browser = log_in(Browser(), seconds_ahead=of_login)
    with on_host(seconds_ahead=of_page):
        assert browser.get(path).status_code == 200


@pytest.mark.parametrize(("of_login", "of_page"), [(0, 900), (900, 0), (900, 900), (0, -900), (-900, 0)])
def test_a_recent_login_is_recent_to_the_bank_on_every_host(log_in, rf, alice, of_login, of_page):
    browser = log_in(Browser(), seconds_ahead=of_login)
    request = rf.get("/")
    request.session, request.user = browser.session, alice
    with on_host(seconds_ahead=of_page):
        assert bank_user.is_fresh(request)
    with on_host(seconds_ahead=of_page), time_machine.travel(timezone.now() + timedelta(minutes=10)):
        assert not bank_user.is_fresh(request)
