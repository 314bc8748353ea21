"""The pages to sign up and log in, filled in as a browser does."""

import re

from bs4 import BeautifulSoup
from django.conf import settings

from tests.lib.oauth_client import PASSWORD

NEW_PASSWORD = "another-horse-entirely"


def submit(browser, url, **values):
    """Fills in the page's form as a browser does: hidden fields stay, the action is followed."""
    page = browser.get(url)
    form = BeautifulSoup(page.content, "html.parser").select_one("main form")
    fields = {field["name"]: field.get("value", "") for field in form.select("input[name]")}
    return browser.post(form.get("action") or url, {**fields, **values})


def path_in(mail):
    """The path of the one link in a mail, which leads to the issuer."""
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
    """As the person sees it: the page greets them."""
    return BeautifulSoup(browser.get("/").content, "html.parser").select_one(".person") is not None


def try_password(browser, user, password):
    """What the page does: lets in, calls the password wrong, or asks for a code as well."""
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
