"""The answer to a request that is not run: 503 with Retry-After in the caller's format, without the database."""

import json

import pytest
from django.test import RequestFactory

from config.http.overload import overloaded


def answer(path, **headers):
    found = {}

    def start_response(status, given):
        found.update(status=status, headers={name.lower(): value for name, value in given})

    [body] = overloaded(RequestFactory().post(path, headers=headers).environ, start_response)
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


def test_the_error_id_is_that_of_the_answer():
    _, headers, body = answer("/oauth/token")
    said = json.loads(body)
    assert said["error"] == "temporarily_unavailable"
    assert headers["x-request-id"] == headers["x-error-id"]
    assert headers["x-error-id"] in said["error_description"]


def test_a_script_of_a_browser_app_sees_the_status_and_when_to_come_again():
    """Fetch standard, CORS; only where the other answers allow it, too."""
    _, headers, _ = answer("/oauth/token", origin="https://app.example")
    assert headers["access-control-allow-origin"] == "*"
    assert "retry-after" in headers["access-control-expose-headers"]
    assert "access-control-allow-origin" not in answer("/accounts/login/", origin="https://app.example")[1]
