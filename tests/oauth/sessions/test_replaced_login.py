"""A user logs in where another one has not logged out. Django then removes the browser session without a logout."""

from importlib import import_module

import pytest
from django.conf import settings
from django.contrib.auth import login
from django.test import RequestFactory

from oauth.models import Session

pytestmark = pytest.mark.django_db


def log_in_again(browser, earlier, user):
    key = browser.cookies[settings.SESSION_COOKIE_NAME].value
    request = RequestFactory().post("/")
    request.COOKIES[settings.SESSION_COOKIE_NAME] = key
    request.session, request.user = import_module(settings.SESSION_ENGINE).SessionStore(key), earlier
    login(request, user, backend=settings.AUTHENTICATION_BACKENDS[0])


def test_another_user_who_logs_in_ends_the_access_of_the_first(browser, issued, web_app, token_endpoint, alice, bob):
    """ASVS 5.0 7.4.1: the access without `offline_access` ends with the login."""
    tokens = issued(web_app, scope="openid accounts:read")
    log_in_again(browser, alice, bob)
    assert Session.objects.get(user=alice).end_reason == Session.EndReason.REPLACED
    assert token_endpoint.refresh(web_app, tokens["refresh_token"]).json()["error"] == "invalid_grant"


def test_the_same_user_who_logs_in_again_keeps_it(browser, issued, web_app, token_endpoint, alice):
    tokens = issued(web_app, scope="openid accounts:read")
    log_in_again(browser, alice, alice)
    assert Session.objects.get(user=alice).ended_at is None
    assert token_endpoint.refresh(web_app, tokens["refresh_token"]).status_code == 200
