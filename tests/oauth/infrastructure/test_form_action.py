"""The consent page's form may redirect to the app under every Content-Security-Policy of the adopting site."""

from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.http import HttpResponse
from django.test import RequestFactory

from oauth.infrastructure.form_action import allow_forms_to
from tests.lib.oauth_client import authorization_url

APP = "https://app.example/callback"


@pytest.mark.parametrize(
    ("setting", "attribute"),
    [("SECURE_CSP", "_csp_config"), ("SECURE_CSP_REPORT_ONLY", "_csp_ro_config")],
)
@pytest.mark.parametrize(
    ("allowed", "merged"),
    [
        (["'self'"], ["'self'", "https://app.example"]),
        ("'self'", ["'self'", "https://app.example"]),
        (("'none'",), ["'self'", "https://app.example"]),
        (["https://pay.example"], ["https://pay.example", "'self'", "https://app.example"]),
    ],
)
def test_the_policy_of_django_lets_a_form_redirect_to_the_app(setting, attribute, allowed, merged, settings):
    """Django's ContentSecurityPolicyMiddleware (6.0 or newer) reads the attribute instead of the setting."""
    policy = {"default-src": ["'self'"], "form-action": allowed}
    setattr(settings, setting, policy)
    page = HttpResponse()
    allow_forms_to(page, APP)
    assert getattr(page, attribute) == {"default-src": ["'self'"], "form-action": merged}
    assert policy["form-action"] == allowed, "The setting was changed."


def test_a_policy_of_django_without_form_action_stays(settings):
    """form-action does not fall back to default-src: without it, a policy restricts no form."""
    settings.SECURE_CSP = {"default-src": ["'self'"]}
    page = HttpResponse()
    allow_forms_to(page, APP)
    assert not hasattr(page, "_csp_config")


def test_the_login_page_of_the_documents_allows_the_app_that_waits(client, settings, mobile_app):
    """A login redirects to an app that the user has allowed before (docs/adopting.md)."""
    settings.SECURE_CSP = {"form-action": ["'self'"]}
    code = (
        (Path(__file__).parents[3] / "docs/adopting.md")
        .read_text()
        .partition("under a Content-Security-Policy\n\n```python\n")[2]
    )
    names: dict[str, Any] = {}
    exec(code.partition("```")[0], names)
    waiting = client.get(authorization_url(mobile_app)).headers["Location"]
    request = RequestFactory().get(waiting)
    request.COOKIES.update({name: cookie.value for name, cookie in client.cookies.items()})
    request.user, request.session = AnonymousUser(), client.session
    page = names["Login"].as_view(template_name="admin/login.html")(request)
    assert len(page._csp_config["form-action"]) == 2
    assert page._csp_update == {"form-action": page._csp_config["form-action"]}
