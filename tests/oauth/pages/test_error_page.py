"""The error page says what was refused: the request of the app, the answer of the user, or a request beyond a limit."""

import pytest
from bs4 import BeautifulSoup

from oauth.models import Session
from tests.lib import device, oauth_client
from tests.lib.device import type_code

pytestmark = pytest.mark.django_db


@pytest.fixture
def logged_out_meanwhile(monkeypatch):
    """Ends the Session after the page was shown and before the answer, as a logout in another tab does."""
    return lambda: monkeypatch.setattr(Session, "lock_if_open", lambda self: False)


def shown(answer):
    page = BeautifulSoup(answer.content, "html.parser")
    return page.select_one("h1").text, page.select_one("main").text


def answer_a_device(browser, television, **_):
    page = type_code(browser, device.begin(television).json()["user_code"])
    return lambda: device.decide(browser, page)


def answer_an_app(browser, mobile_app, **_):
    page = browser.get(oauth_client.authorization_url(mobile_app))
    return lambda: oauth_client.decide(browser, page)


@pytest.mark.parametrize("ask", [answer_a_device, answer_an_app])
def test_an_answer_after_a_logout_is_not_called_a_login_link(
    ask, browser, television, mobile_app, logged_out_meanwhile
):
    give = ask(browser, television=television, mobile_app=mobile_app)
    logged_out_meanwhile()
    title, text = shown(give())
    assert title == "Your answer was not saved"
    assert "You have logged out" in text
    assert "Problem with the app" not in text


def test_a_faulty_request_of_an_app_is_called_a_problem_with_the_app(browser, mobile_app):
    title, text = shown(browser.get(oauth_client.authorization_url(mobile_app, client_id="unknown")))
    assert title == "This login link does not work"
    assert "Problem with the app" in text


@pytest.mark.usefixtures("clock_stands")
def test_a_limit_blames_no_app(browser, mobile_app, settings):
    settings.OAUTH = {**settings.OAUTH, "THROTTLE_SCALE": 0.0001}
    answers = [browser.get(oauth_client.authorization_url(mobile_app)) for _ in range(3)]
    assert answers[-1].status_code == 429
    title, text = shown(answers[-1])
    assert title == "Too many requests"
    assert "Problem with the app" not in text
