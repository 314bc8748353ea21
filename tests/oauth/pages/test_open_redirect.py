"""This site is not an open redirector for clients that nobody has checked (RFC 9700 §4.11.2)."""

from urllib.parse import urlencode, urlsplit

import pytest
from bs4 import BeautifulSoup
from django.contrib.contenttypes.models import ContentType
from django.test import Client as Browser

from oauth.models import Client
from tests.lib.oauth_client import authorization_url, callback

pytestmark = pytest.mark.django_db
AFTER = "https://app.example/logged-out"
WRONG = {"scope": "nonsense"}


@pytest.fixture(params=["dcr", "cimd"])
def stranger(web_app, request):
    """A client that registered itself."""
    web_app.registration_source, web_app.post_logout_redirect_uris = request.param, AFTER
    web_app.save()
    return web_app


@pytest.fixture
def nobody():
    return Browser()


def shown(page):
    """Returns the target of the page's button."""
    assert page.status_code == 200, page
    assert "Location" not in page
    main = BeautifulSoup(page.content, "html.parser").select_one("main")
    assert "app.example" in main.select_one("dd").text
    assert not main.select("script, meta[http-equiv]")
    return main.select_one("a.button") or main.select_one("form")


def test_an_error_does_not_redirect_a_browser_without_a_login(nobody, stranger):
    link = shown(nobody.get(authorization_url(stranger, **WRONG)))
    assert link["href"].startswith("https://app.example/callback?error=invalid_scope")
    assert "state=the-state" in link["href"]


def test_the_admin_does_not_redirect_staff_to_a_url_of_a_developer(admin_browser, stranger):
    """Django's admin has a redirect for each object that has a URL."""
    stranger.client_uri = "https://app.example/"
    stranger.save()
    kind = ContentType.objects.get_for_model(Client)
    answer = admin_browser.get(f"/admin/r/{kind.pk}/{stranger.pk}/")
    assert urlsplit(answer["Location"]).hostname == "testserver"


def test_an_error_of_a_posted_request_does_not_redirect(nobody, stranger):
    body = authorization_url(stranger, **WRONG).partition("?")[2]
    page = nobody.post("/oauth/authorize", body, content_type="application/x-www-form-urlencoded")
    assert "error=invalid_scope" in shown(page)["href"]


def test_an_error_in_form_post_mode_is_not_sent_at_once(nobody, stranger):
    page = nobody.get(authorization_url(stranger, response_mode="form_post", **WRONG))
    form = shown(page)
    assert form["action"] == "https://app.example/callback"
    assert form.select_one("input[name=error]")["value"] == "invalid_scope"
    assert "form-action 'self' https://app.example" in page["Content-Security-Policy"]


def test_an_error_for_a_client_that_an_admin_created_redirects_at_once(nobody, web_app):
    assert callback(nobody.get(authorization_url(web_app, **WRONG)))["error"] == "invalid_scope"


def test_a_user_who_is_logged_in_is_sent_on_at_once(browser, stranger):
    assert callback(browser.get(authorization_url(stranger, **WRONG)))["error"] == "invalid_scope"


@pytest.mark.parametrize("dest", ["iframe", None])
def test_silent_authentication_is_answered_where_it_belongs(nobody, stranger, dest):
    """OpenID Connect Core §3.1.2.1: in a frame, the user could not press a button. RFC 9700 §4.11.2 allows this
    exception.
    """
    headers = {"Sec-Fetch-Dest": dest} if dest else {}
    answer = nobody.get(authorization_url(stranger, prompt="none"), headers=headers)
    assert callback(answer)["error"] == "login_required"


def test_a_link_with_prompt_none_opens_a_page(nobody, stranger):
    """A link in an email always opens a page, whatever its `prompt`."""
    page = nobody.get(authorization_url(stranger, prompt="none"), headers={"Sec-Fetch-Dest": "document"})
    assert "error=login_required" in shown(page)["href"]


def test_a_wrong_request_is_no_silent_authentication_either(nobody, stranger):
    page = nobody.get(authorization_url(stranger, prompt="none", **WRONG), headers={"Sec-Fetch-Dest": "iframe"})
    assert "error=invalid_scope" in shown(page)["href"]


def log_out(browser, client, **parameters):
    query = {"client_id": client.client_id, "post_logout_redirect_uri": AFTER, **parameters}
    return browser.get("/oauth/logout?" + urlencode(query))


def test_a_logout_without_a_session_does_not_redirect(nobody, stranger):
    assert shown(log_out(nobody, stranger, state="s1"))["href"] == f"{AFTER}?state=s1"


def test_a_logout_without_a_session_returns_to_a_client_that_an_admin_created(nobody, web_app):
    web_app.post_logout_redirect_uris = AFTER
    web_app.save()
    assert log_out(nobody, web_app)["Location"] == AFTER


def test_the_question_whether_to_log_out_shows_the_target(browser, stranger):
    """The page shows the target. Its button logs the user out and redirects there."""
    page = log_out(browser, stranger)
    assert page.status_code == 200
    assert "app.example" in BeautifulSoup(page.content, "html.parser").select_one("dl").text


def test_a_private_use_scheme_is_named(nobody, mobile_app):
    Client.objects.filter(pk=mobile_app.pk).update(registration_source="dcr")
    page = nobody.get(authorization_url(mobile_app, redirect_uri="com.example.app:/callback", **WRONG))
    assert b"com.example.app:" in page.content
