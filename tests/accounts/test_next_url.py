"""Whatever a user does between an app's request and their decision, they arrive at the consent page of that request."""

import re
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
import time_machine
from allauth.mfa.totp.internal.auth import TOTP
from bs4 import BeautifulSoup
from django.test import Client as Browser

from oauth.models import StoredInteraction
from tests.lib.login import NEW_PASSWORD, code_in, log_in, logged_in, path_in, sign_up, submit
from tests.lib.oauth_client import PASSWORD, authorization_url, callback, decide, form_fields
from tests.lib.totp import SECRET, code

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("signing_keys")]


@pytest.fixture
def totp(alice):
    return TOTP.activate(alice, SECRET).instance


def start(browser, client, **parameters):
    """The login page that the app's request leads to."""
    return browser.get(authorization_url(client, **parameters))["Location"]


def follow(browser, answer):
    """Follows redirects as a browser does, as long as they stay on this site."""
    while answer.status_code in (302, 303) and answer["Location"].startswith("/"):
        answer = browser.get(answer["Location"])
    return answer


def ends_at_the_consent(browser, answer, state="the-state"):
    page = follow(browser, answer)
    assert "asks for access" in page.content.decode(), page.content
    return callback(decide(browser, page))["state"] == state


def link(page, text):
    """Finds the link anywhere on the page."""
    [found] = {a["href"] for a in BeautifulSoup(page.content, "html.parser").select("a") if a.text == text}
    return found


def confirm(browser, mail):
    return submit(browser, path_in(mail))


def test_sign_up_and_the_link_in_the_email_opened_in_another_tab(mobile_app, mailoutbox):
    browser = Browser()
    login = browser.get(start(browser, mobile_app, state="of-the-sign-up"))
    url = link(login, "Sign up")
    start(browser, mobile_app, state="of-another-tab")
    values = {"email": "new@example.test", "password1": NEW_PASSWORD, "password2": NEW_PASSWORD, "name": "New Person"}
    sent = follow(browser, submit(browser, url, **values))
    assert "On the way to" in sent.content.decode()
    back = follow(browser, confirm(browser, mailoutbox[-1]))
    assert "On the way to" in back.content.decode()
    answer = submit(
        browser,
        back.request["PATH_INFO"] + "?" + back.request["QUERY_STRING"],
        login="new@example.test",
        password=NEW_PASSWORD,
    )
    assert ends_at_the_consent(browser, answer, "of-the-sign-up")


def test_the_link_in_the_email_opened_in_another_browser_leads_nowhere_else(mobile_app, mailoutbox):
    """It confirms the address, and only the browser of the request continues with the request."""
    browser, phone = Browser(), Browser()
    sign_up_at = link(browser.get(start(browser, mobile_app)), "Sign up")
    submit(browser, sign_up_at, email="new@example.test", password1=NEW_PASSWORD, password2=NEW_PASSWORD, name="N")
    there = follow(phone, confirm(phone, mailoutbox[-1]))
    assert mobile_app.name not in there.content.decode()
    assert log_in(phone, "new@example.test", NEW_PASSWORD)["Location"] == "/"
    assert "Continue to" in browser.get("/").content.decode()


def test_a_new_password(alice, mobile_app, mailoutbox):
    browser = Browser()
    url = link(browser.get(start(browser, mobile_app)), "Forgot your password?")
    done = follow(browser, submit(browser, url, email=alice.email))
    assert "Check your inbox" in done.content.decode()
    form = browser.get(path_in(mailoutbox[-1]))
    answer = submit(browser, form["Location"], password1=NEW_PASSWORD, password2=NEW_PASSWORD)
    page = follow(browser, answer)
    where = page.request["PATH_INFO"] + "?" + page.request["QUERY_STRING"]
    assert ends_at_the_consent(browser, submit(browser, where, login=alice.email, password=NEW_PASSWORD))


def test_a_code_by_email(alice, mobile_app, mailoutbox):
    browser = Browser()
    url = link(browser.get(start(browser, mobile_app)), "Email me a code")
    asked = submit(browser, url, email=alice.email)
    assert ends_at_the_consent(browser, submit(browser, asked["Location"], code=code_in(mailoutbox[-1])))


def test_a_link_that_is_sent_again_leads_to_the_consent_as_well(mobile_app, mailoutbox):
    with time_machine.travel("2026-11-29T01:24:00+00:00", tick=False) as clock:
        browser = Browser()
        url = link(browser.get(start(browser, mobile_app)), "Sign up")
        sent = submit(browser, url, email="new@example.test", password1=NEW_PASSWORD, password2=NEW_PASSWORD, name="N")
        clock.shift(60)
        again = browser.post(sent["Location"], {"action": "resend"})
        assert "On the way to" in follow(browser, again).content.decode()
        assert len(mailoutbox) == 2
        back = follow(browser, confirm(browser, mailoutbox[1]))
        where = back.request["PATH_INFO"] + "?" + back.request["QUERY_STRING"]
        assert ends_at_the_consent(browser, submit(browser, where, login="new@example.test", password=NEW_PASSWORD))


def test_every_page_on_the_way_offers_the_way_back(alice, bob, mobile_app, mailoutbox, totp):
    """This includes pages where the user can only go back."""
    pages = []

    def begin():
        browser = Browser()
        pages.append(browser.get(start(browser, mobile_app)))
        return browser, pages[-1]

    browser, login = begin()
    pages.append(browser.get(link(login, "Sign up")))
    signed_up = {"email": "new@example.test", "password1": NEW_PASSWORD, "password2": NEW_PASSWORD, "name": "N"}
    pages.append(follow(browser, submit(browser, link(login, "Sign up"), **signed_up)))
    pages.append(browser.get(path_in(mailoutbox[-1])))
    browser, login = begin()
    pages.append(browser.get(link(login, "Forgot your password?")))
    pages.append(follow(browser, submit(browser, link(login, "Forgot your password?"), email=alice.email)))
    pages.append(follow(browser, browser.get(path_in(mailoutbox[-1]))))
    dead_ends = ("password/reset/key/1-no-key/", "confirm-email/no-key/", "inactive/", "social/login/cancelled/")
    pages.extend(browser.get(f"/accounts/{page}") for page in dead_ends)
    browser, login = begin()
    pages.append(browser.get(link(login, "Email me a code")))
    pages.append(follow(browser, submit(browser, link(login, "Email me a code"), email=bob.email)))
    browser, login = begin()
    where = login.request["PATH_INFO"] + "?" + login.request["QUERY_STRING"]
    pages.append(follow(browser, submit(browser, where, login=alice.email, password=PASSWORD)))
    for page in pages:
        assert f"Back to {mobile_app.shown_name}" in page.content.decode(), page.request["PATH_INFO"]
    assert len({page.request["PATH_INFO"] for page in pages}) == len(pages) - 3


def test_a_second_factor_in_two_tabs(alice, mobile_app, totp):
    """A session holds only one pending login. The tab that completes it continues with its own request, and then the
    other tab continues.
    """
    browser = Browser()
    first, second = start(browser, mobile_app, state="first"), start(browser, mobile_app, state="second")
    step_of_first = submit(browser, first, login=alice.email, password=PASSWORD)["Location"]
    step_of_second = browser.get(second)["Location"]
    assert "On the way to" in browser.get(step_of_first).content.decode()
    proven = submit_code(browser, step_of_first)
    trusting = submit_button(browser, proven["Location"], action="skip")
    assert ends_at_the_consent(browser, trusting, "first")
    assert ends_at_the_consent(browser, browser.get(step_of_second), "second")


def submit_code(browser, url):
    page = browser.get(url)
    form = BeautifulSoup(page.content, "html.parser").select("main form")[0]
    return browser.post(form["action"], {"code": code()})


def submit_button(browser, url, **fields):
    form = BeautifulSoup(browser.get(url).content, "html.parser").select_one("main form")
    return browser.post(form["action"], fields)


def test_a_wrong_password_and_another_language(alice, mobile_app):
    browser = Browser()
    wrong = submit(browser, start(browser, mobile_app), login=alice.email, password="not-the-password")
    languages = BeautifulSoup(wrong.content, "html.parser").select_one("form.languages")
    there = languages.select_one("input[name=next]")["value"]
    page = follow(browser, browser.post("/language", {"language": "de", "next": there}))
    assert "Unterwegs zu" in page.content.decode() or mobile_app.name in page.content.decode()
    back = submit(browser, there, login=alice.email, password=PASSWORD)
    consent = follow(browser, back)
    assert consent.request["PATH_INFO"] == "/oauth/authorize"
    assert callback(decide(browser, consent))["state"] == "the-state"


def test_giving_up_the_second_factor_and_beginning_again(alice, mobile_app, totp):
    browser = Browser()
    step = submit(browser, start(browser, mobile_app), login=alice.email, password=PASSWORD)["Location"]
    forms = BeautifulSoup(browser.get(step).content, "html.parser").select("main form")
    [give_up] = [form for form in forms if form["action"] == "/accounts/logout/"]
    fields = {one["name"]: one["value"] for one in give_up.select("input")}
    again = browser.post("/accounts/logout/", fields)["Location"]
    assert "On the way to" in browser.get(again).content.decode()
    assert parse_qs(urlsplit(again).query)["next"][0].startswith("/oauth/authorize?interaction=")


def test_a_passkey_is_set_up_on_the_way(alice, browser, mobile_app):
    page = browser.get(authorization_url(mobile_app))
    way = f"/oauth/authorize?interaction={form_fields(page.content)['interaction']}"
    there = browser.get(f"/accounts/stronger/?{urlencode({'next': way})}")["Location"]
    for path in (there, "/accounts/2fa/webauthn/add/"):
        html = browser.get(path).content.decode()
        assert way in html, path
        assert "Continue to" in html


# --- stale forms, with the CSRF check of a real browser


@pytest.fixture
def tabs():
    return Browser(enforce_csrf_checks=True)


def posted(browser, url, page, **values):
    form = BeautifulSoup(page.content, "html.parser").select_one("main form")
    fields = {field["name"]: field.get("value", "") for field in form.select("input[name]")}
    return browser.post(form.get("action") or url, {**fields, **values})


def test_the_login_form_of_a_tab_whose_user_has_logged_in_meanwhile_goes_on(alice, tabs, mobile_app):
    """The login has changed the CSRF token, so that of the other tab is no longer valid."""
    first, second = start(tabs, mobile_app, state="first"), start(tabs, mobile_app, state="second")
    page_of_first, page_of_second = tabs.get(first), tabs.get(second)
    posted(tabs, first, page_of_first, login=alice.email, password=PASSWORD)
    answer = posted(tabs, second, page_of_second, login=alice.email, password=PASSWORD)
    assert answer.status_code == 303
    page = follow(tabs, answer)
    assert StoredInteraction.objects.get(pk=form_fields(page.content)["interaction"]).request["state"] == "second"


def test_any_other_stale_form_does_nothing_and_offers_the_next_page(alice, mobile_app):
    browser = logged_in(alice)
    strict = Browser(enforce_csrf_checks=True)
    strict.cookies = browser.cookies
    page = strict.get(authorization_url(mobile_app))
    interaction = form_fields(page.content)["interaction"]
    body = urlencode({"interaction": interaction, "decision": "allow", "csrfmiddlewaretoken": "x" * 64})
    answer = strict.post("/oauth/authorize", body, content_type="application/x-www-form-urlencoded")
    assert answer.status_code == 403
    assert f'href="/oauth/authorize?interaction={interaction}"' in answer.content.decode()
    assert "asks for access" in strict.get(f"/oauth/authorize?interaction={interaction}").content.decode()


def test_a_stale_form_of_somebody_who_is_not_logged_in_offers_its_own_app(tabs, mobile_app, web_app):
    way = start(tabs, mobile_app)
    start(tabs, web_app)
    query = parse_qs(urlsplit(way).query)
    answer = tabs.post("/accounts/login/", {"next": query["next"][0], "login": "x", "password": "x"})
    assert answer.status_code == 403
    html = answer.content.decode()
    assert re.findall(r"/oauth/authorize\?interaction=[\w-]+", html) == query["next"]
    assert web_app.name not in html


def test_a_stale_form_without_an_app_offers_the_home_page(alice):
    strict = Browser(enforce_csrf_checks=True)
    strict.cookies = logged_in(alice).cookies
    answer = strict.post("/accounts/logout/", {})
    assert answer.status_code == 403
    assert "Continue to" not in answer.content.decode()
    assert "Go to the home page" in answer.content.decode()


def test_a_stale_login_form_leads_only_to_this_site(alice):
    """RFC 9700 §4.11."""
    strict = Browser(enforce_csrf_checks=True)
    strict.cookies = logged_in(alice).cookies
    assert strict.post("/accounts/login/", {"next": "https://evil.example/"})["Location"] == "/"


def test_a_doubled_login_goes_on(alice, mobile_app):
    """The second POST of the form still has the cookies from before the first response."""
    browser = Browser()
    way = start(browser, mobile_app)
    before = {name: cookie.value for name, cookie in browser.cookies.items()}
    submit(browser, way, login=alice.email, password=PASSWORD)
    late = Browser()
    for name, value in before.items():
        late.cookies[name] = value
    assert ends_at_the_consent(late, submit(late, way, login=alice.email, password=PASSWORD))


def test_signing_up_without_an_app_leads_home(mailoutbox):
    browser = Browser()
    sign_up(browser)
    assert "next=" not in mailoutbox[-1].body
