"""The consent page's form may redirect to the app under every Content-Security-Policy of the adopting site."""

import pytest
from django.http import HttpResponse

from oauth.infrastructure.form_action import allow_forms_to

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
