"""The plans for the OpenID Foundation's suite match this server: its pages have the fields that the scripts fill in,
and its rules accept the clients.
"""

import json
from urllib.parse import urlencode

import pytest
from bs4 import BeautifulSoup
from django.test import Client as Browser
from django.utils import timezone

from oauth import authorization_details
from oauth.models import Client, ClientLogo
from tests.conformance.suite import browser as scripts
from tests.conformance.suite.plans import PLANS, Place
from tests.lib.oauth_client import authorization_url

pytestmark = pytest.mark.django_db

ISSUER, SUITE = "https://as.example", "https://suite.example"
PLACE = Place(SUITE, "an-initial-access-token", "http://127.0.0.1:1/?action={action}")


def commands(task, *, of="authorize"):
    """Returns the (type, selector) pairs of the commands of a task, by the element that its page must have."""
    for script in scripts.scripts(ISSUER, SUITE):
        if script["match"].endswith(f"/oauth/{of}*"):
            found = next(one for one in script["tasks"] if one["task"] == task)
            return [tuple(command[1:3]) for command in found["commands"]]
    raise LookupError(of)


def assert_has(answer, selectors):
    page = BeautifulSoup(answer.content, "html.parser")
    for kind, what in selectors:
        assert page.select_one(f"[name={what}]" if kind == "name" else what), (what, page)


def test_the_login_page_has_what_the_script_fills_in(client, web_app):
    answer = client.get(authorization_url(web_app), follow=True)
    found = commands("Log in")
    assert_has(answer, [one for one in found if one[0] != "xpath"])
    assert [what for kind, what in found if kind == "xpath"] == [
        "//form[.//input[@name='password']]//button[@type='submit']"
    ]
    forms = BeautifulSoup(answer.content, "html.parser").select("form:has(input[name=password])")
    assert [bool(form.select_one("button[type=submit]")) for form in forms] == [True]


def test_the_login_page_has_the_logo_of_which_a_picture_is_taken(client, web_app):
    """The app of this module registered itself."""
    web_app.registration_source = web_app.RegistrationSource.DCR
    web_app.logo_uri = "https://app.example/logo.png"
    web_app.save()
    ClientLogo.objects.create(
        client=web_app, source=web_app.logo_uri, image=b"a picture", digest=b"d" * 32, tried_at=timezone.now()
    )
    answer = client.get(authorization_url(web_app), follow=True)
    assert_has(answer, [("css", scripts.LOGO), ("css", scripts.LOGIN_LINK)])


def test_the_consent_page_has_both_buttons(browser, web_app):
    answer = browser.get(authorization_url(web_app))
    assert_has(answer, commands("Decide"))
    assert_has(answer, [("css", "#consent button[value=deny]")])


def test_an_error_page_has_the_notice_of_which_a_picture_is_taken(browser, web_app):
    answer = browser.get(authorization_url(web_app, redirect_uri="https://other.example"))
    assert answer.status_code == 400
    assert_has(answer, commands("See the error page"))


@pytest.mark.parametrize("response_mode", [None, "form_post"])
def test_the_page_before_an_unknown_app_has_a_link_to_it(client, web_app, response_mode):
    """An error response to a client that registered itself and to which no user has consented."""
    web_app.registration_source = web_app.RegistrationSource.DCR
    web_app.redirect_uris = f"{SUITE}/test/a/countersign/callback"
    web_app.save()
    url = authorization_url(
        web_app, redirect_uri=web_app.redirect_uris, response_type=None, response_mode=response_mode
    )
    answer = client.get(url)
    link, form = commands("Leave")
    assert_has(answer, [form if response_mode else link])


def test_the_logout_page_has_its_button(browser):
    answer = browser.get("/oauth/logout?" + urlencode({"state": "x"}))
    assert_has(answer, [*commands("See the page", of="logout"), *commands("Log out", of="logout")])


def test_the_rules_accept_the_clients_of_the_plans(settings):
    """The other plans have the same clients, or let the suite register its own."""
    settings.OAUTH = {**settings.OAUTH, "CLIENT_CERTIFICATE": "config.server.proxy.client_certificate"}
    basic = PLANS["basic"].configuration(PLACE)
    assert basic["client"]["client_secret"]
    assert basic["client"]["client_id"] != basic["client2"]["client_id"]
    ciba = PLANS["ciba-mtls-ping"].configuration(PLACE)
    assert ciba["mtls"]["cert"] != ciba["mtls2"]["cert"]
    assert ciba["client"]["hint_value"] == scripts.EMAIL


def test_the_details_of_the_plan_are_of_scopes_that_its_clients_may_have():
    """RFC 9396 §5."""
    plan = PLANS["fapi2-rar"].configuration(PLACE)
    client = Client.objects.get(client_id=plan["client"]["client_id"])
    details = authorization_details.parse(
        json.dumps(plan["resource"]["richAuthorizationRequest"]),
        allowed_types=client.allowed_details_types,
        resources=(),
    )
    assert details
    assert set(authorization_details.scopes_of(details)) <= set(client.allowed_scopes)


def test_a_browser_without_scripts_is_enough(web_app):
    """The suite's browser supports little JavaScript, so none of these pages may need any."""
    answer = Browser().get(authorization_url(web_app), follow=True)
    assert BeautifulSoup(answer.content, "html.parser").select_one("form#password:not([hidden])")
