"""The answer to a request that is not run: 503 with Retry-After in the caller's format, without the database."""

import json

import pytest
from bs4 import BeautifulSoup
from django.conf import settings
from django.template.loader import render_to_string
from django.test import RequestFactory
from django.utils.translation import get_language

from config.http import overload
from config.http.overload import overloaded, too_large, too_many_logins
from oauth.pages.brand import Brand

LOGIN = "/accounts/login/?next=/oauth/authorize%3Finteraction%3Dx"


def answer(path, application=overloaded, **headers):
    found = {}

    def start_response(status, given):
        found.update(status=status, headers={name.lower(): value for name, value in given})

    [body] = application(RequestFactory().post(path, headers=headers).environ, start_response)
    return found["status"], found["headers"], body


@pytest.mark.parametrize(
    ("path", "content_type"),
    [
        ("/oauth/token", "application/json"),
        ("/api/v1/transfers", "application/problem+json"),
        ("/accounts/login/", "text/html; charset=utf-8"),
        ("/oauth/authorize", "text/html; charset=utf-8"),
    ],
)
def test_each_caller_is_told_when_to_come_again(path, content_type):
    status, headers, body = answer(path)
    assert status.startswith("503 ")
    assert headers["retry-after"] == "2"
    assert headers["content-type"] == content_type
    assert headers["cache-control"] == "no-store"
    assert headers["x-content-type-options"] == "nosniff"
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert int(headers["content-length"]) == len(body)


@pytest.mark.parametrize(
    ("path", "content_type", "words"),
    [
        ("/oauth/token", "application/json", '"error": "invalid_request"'),
        ("/api/v1/transfers", "application/problem+json", "too_large"),
        ("/accounts/login/", "text/html; charset=utf-8", "This is too large"),
    ],
)
def test_each_caller_is_told_that_a_body_is_too_large(path, content_type, words):
    status, headers, body = answer(path, too_large)
    assert status.startswith("413 ")
    assert (headers["content-type"], headers["cache-control"]) == (content_type, "no-store")
    assert "retry-after" not in headers
    assert words in body.decode()


def test_the_error_id_is_that_of_the_answer():
    _, headers, body = answer("/oauth/token")
    said = json.loads(body)
    assert said["error"] == "temporarily_unavailable"
    assert headers["x-request-id"] == headers["x-error-id"]
    assert headers["x-error-id"] in said["error_description"]


@pytest.mark.parametrize("application", [overloaded, too_large, too_many_logins])
def test_its_id_is_the_one_that_the_caller_or_the_proxy_chose(application):
    """The line of the proxy has it, too."""
    chosen = "0123456789abcdef0123456789abcdef"
    _, headers, body = answer("/accounts/login/", application, x_request_id=chosen)
    assert headers["x-request-id"] == chosen
    assert chosen.encode() in body


def test_a_script_of_a_browser_app_sees_the_status_and_when_to_come_again():
    """Fetch standard, CORS: only at the endpoints whose other answers allow it, too."""
    _, headers, _ = answer("/oauth/token", origin="https://app.example")
    assert headers["access-control-allow-origin"] == "*"
    assert "retry-after" in headers["access-control-expose-headers"]
    assert "access-control-allow-origin" not in answer("/accounts/login/", origin="https://app.example")[1]


@pytest.mark.parametrize(
    ("asked", "language", "heading"),
    [
        ("en-GB", "en-gb", "Too many logins at the same time"),
        ("de-CH,de;q=0.9", "de", "Zu viele Anmeldungen auf einmal"),
        ("zh-CN", "zh-hans", "同时登录的人数过多"),
    ],
)
def test_a_login_too_many_gets_a_page_that_says_what_to_do(asked, language, heading):
    status, headers, body = answer(LOGIN, too_many_logins, accept_language=asked)
    assert (status, headers["retry-after"], headers["cache-control"]) == ("503 Service Unavailable", "2", "no-store")
    assert headers["content-type"] == "text/html; charset=utf-8"
    assert headers["content-security-policy"] == answer(LOGIN)[1]["content-security-policy"]
    assert headers["x-frame-options"] == "DENY"
    assert int(headers["content-length"]) == len(body)
    assert "set-cookie" not in headers
    page = BeautifulSoup(body, "html.parser")
    assert page.html["lang"] == headers["content-language"] == language
    assert page.h1.text == heading
    assert page.select_one(".actions a")["href"] == ""  # the link leads to the same URL, with its `next`
    assert get_language() == settings.LANGUAGE_CODE  # the next request of the thread does not inherit the language


def test_a_user_is_told_in_the_language_that_they_have_chosen():
    _, headers, _ = answer(LOGIN, too_many_logins, accept_language="en", cookie=f"{settings.LANGUAGE_COOKIE_NAME}=de")
    assert headers["content-language"] == "de"


def test_its_page_is_rendered_once_and_each_answer_has_its_own_id(monkeypatch):
    rendered = []

    def render(*arguments):
        rendered.append(arguments)
        return render_to_string(*arguments)

    monkeypatch.setattr(overload, "render_to_string", render)
    overload._page.cache_clear()
    ids = set()
    for _ in range(3):
        _, headers, body = answer(LOGIN, too_many_logins)
        assert BeautifulSoup(body, "html.parser").code.text == headers["x-request-id"]
        ids.add(headers["x-request-id"])
    assert (len(rendered), len(ids)) == (1, 3)
    monkeypatch.setattr("oauth.pages.brand.known", lambda: Brand("Another Bank", "", ""))
    assert b"Another Bank" in answer(LOGIN, too_many_logins)[2]


def test_nothing_of_its_form_is_shown():
    _, _, body = answer("/accounts/login/?next=%22%3E%3Cscript%3E", too_many_logins)
    assert b"script" not in body
