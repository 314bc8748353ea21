"""Our pages put the host of a redirect URI into their Content-Security-Policy, so it must not contain syntax of a
policy (CSP3 §2.3.1).
"""

import pytest
from django.core.exceptions import ValidationError

from oauth.infrastructure.form_action import form_action
from oauth.models import Client
from oauth.models.client import validate_redirect_uri
from tests.lib.oauth_client import authorization_url
from tests.lib.registered import make_client

pytestmark = pytest.mark.django_db
UNSAFE = [
    "https://app.example;script-src/cb", "https://app.example;/cb", "https://app.example,evil.example/cb",
    "https://app.example'self'/cb", "https://'unsafe-inline'/cb", "https://app.example%3bscript-src/cb",
    "https://app.example$/cb", "https://app(x)/cb", "https://[fe80::1%25;x]/cb",
]  # fmt: skip


@pytest.mark.parametrize("uri", UNSAFE)
def test_no_syntax_of_a_policy_is_registered_as_a_host(uri):
    """Client.clean() checks this, for the admin and for registrations."""
    with pytest.raises(ValidationError):
        validate_redirect_uri(uri, kind="web")
    with pytest.raises(ValidationError):
        make_client("web", redirect_uris=uri).full_clean()
    with pytest.raises(ValidationError):
        make_client("web", post_logout_redirect_uris=uri).full_clean()


@pytest.mark.parametrize("uri", UNSAFE)
def test_what_was_registered_before_gives_no_source(uri):
    for source in form_action(uri):
        assert source == "'self'"


@pytest.mark.parametrize(
    ("uri", "source"),
    [
        ("https://app.example/cb?a=;", "https://app.example"),
        ("https://App_1.example:8443/cb", "https://app_1.example:8443"),
        ("http://127.0.0.1:9000/cb", "http://127.0.0.1:9000"),
        ("http://[::1]:9000/cb", "http://[::1]:9000"),
        ("com.example.app:/cb", "com.example.app:"),
    ],
)
def test_plain_hosts_are_sources(uri, source):
    assert form_action(uri) == ("'self'", source)


def test_the_policy_of_the_consent_page_gains_no_directive(browser, web_app):
    uri = "https://app.example;sandbox/callback"
    Client.objects.filter(pk=web_app.pk).update(redirect_uris=uri)
    web_app.refresh_from_db()
    page = browser.get(authorization_url(web_app, redirect_uri=uri))
    assert page.status_code == 200
    assert "sandbox" not in page["Content-Security-Policy"]
