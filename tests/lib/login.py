"""The pages to sign up and log in, filled in as a browser does; and a browser that is logged in already."""

import re
import time

from allauth.usersessions.models import UserSession
from bs4 import BeautifulSoup
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from django.http import HttpResponse
from django.test import Client as Browser
from django.test import RequestFactory
from django.utils import timezone, translation

from accounts.browsers import known_device
from accounts.models import User
from oauth.infrastructure import clock
from oauth.models import AuditEvent
from oauth.sessions import authentication_context
from tests.lib.oauth_client import PASSWORD

NEW_PASSWORD = "another-horse-entirely"


def submit(browser, url, **values):
    """Fills in and sends the page's form as a browser does: with its hidden fields, to its action."""
    page = browser.get(url)
    form = BeautifulSoup(page.content, "html.parser").select_one("main form")
    fields = {field["name"]: field.get("value", "") for field in form.select("input[name]")}
    return browser.post(form.get("action") or url, {**fields, **values})


def path_in(mail):
    """The path of the only link in an email. The link must lead to the issuer."""
    [link] = re.findall(r"https?://\S+", mail.body)
    assert link.startswith(f"{settings.ISSUER}/")
    return link.removeprefix(settings.ISSUER)


def sign_up(browser, email="new@example.test", **values):
    return submit(
        browser,
        "/accounts/signup/",
        email=email,
        password1=NEW_PASSWORD,
        password2=NEW_PASSWORD,
        name="New Person",
        **values,
    )


def log_in(browser, email, password=PASSWORD, **values):
    return submit(browser, "/accounts/login/", login=email, password=password, **values)


def is_logged_in(browser):
    """Whether the page greets the user."""
    return BeautifulSoup(browser.get("/").content, "html.parser").select_one(".person") is not None


def try_password(browser, user, password):
    """The reaction of the login page: the user is logged in, the password is wrong, or a code is needed as well."""
    answer = browser.post("/accounts/login/", {"login": user.email, "password": password})
    if answer.status_code != 302:
        assert answer.status_code == 200
        return "wrong"
    return "code" if answer["Location"].startswith("/accounts/login/code/confirm/") else "in"


def code_in(mail):
    [found] = re.findall(r"^[A-Z0-9]{4,}(?:-[A-Z0-9]+)*$", mail.body, re.MULTILINE)
    return found


def ask_for_code(browser, email):
    return submit(browser, "/accounts/login/code/", email=email)


def enter(browser, value):
    return browser.post("/accounts/login/code/confirm/", {"code": value})


def logged_in(user: User) -> Browser:
    """A browser in which this user is logged in, for tests that are not about logging in. It creates the rows and
    cookies of a login without the page, in a fifth of the time.
    """
    now = timezone.now()
    session = SessionStore()
    session.update(
        {
            SESSION_KEY: str(user.pk),
            BACKEND_SESSION_KEY: settings.AUTHENTICATION_BACKENDS[0],
            HASH_SESSION_KEY: user.get_session_auth_hash(),
            "account_authentication_methods": [
                {
                    "method": "password",
                    "at": time.time(),
                    "email": user.email,
                    "at_by_database": clock.now().timestamp(),
                }
            ],
            "account_authentication_methods_user": str(user.pk),
        }
    )
    authentication_context.remember_time(session)
    session.set_expiry(0)
    session.create()
    UserSession.objects.create(user=user, session_key=session.session_key, ip="127.0.0.1", user_agent="")
    User.objects.filter(pk=user.pk).update(last_login=now, language=translation.get_language())
    AuditEvent.record(AuditEvent.Action.LOGGED_IN, user=user.pk, address="127.0.0.1", endpoint="account")
    browser, response = Browser(), HttpResponse()
    known_device.remember(RequestFactory().get("/"), response, user)
    browser.cookies.update(response.cookies)
    browser.cookies[settings.SESSION_COOKIE_NAME] = session.session_key
    return browser
