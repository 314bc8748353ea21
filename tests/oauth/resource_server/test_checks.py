"""The system checks of a site that only has an API."""

import pytest

from oauth.resource_server import checks
from oauth.resource_server.checks import check_resource_server
from tests.lib import servers

API = {"ISSUER": "https://login.example", "AUDIENCES": ["https://api.example/v1"]}


@pytest.fixture
def api(settings, monkeypatch):
    """Settings of a site without the authorization server."""
    monkeypatch.setattr("oauth.conf.has_authorization_server", lambda: False)
    monkeypatch.setattr(checks, "has_authorization_server", lambda: False)

    def configure(**given):
        settings.OAUTH = API | given
        return [message.id for message in check_resource_server()]

    return configure


def test_a_right_api_has_no_messages(api):
    assert api() == []


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"ISSUER": "https://login.example/"}, "oauth.E001"),
        ({"ISSUER": "http://login.example"}, "oauth.W001"),
        ({"AUDIENCES": []}, "oauth.E006"),
        ({"AUDIENCES": ["api"]}, "oauth.E033"),
        ({"JWKS_URI": "/oauth/jwks"}, "oauth.E038"),
        ({"REVOCATION_CHECK": "shop.is_live"}, "oauth.E036"),
    ],
)
def test_a_wrong_value_is_reported(api, given, expected):
    assert api(**given) == [expected]


def test_an_api_that_offers_no_nonces_is_a_warning(api, settings):
    settings.MIDDLEWARE = [one for one in settings.MIDDLEWARE if one != checks.NONCE_MIDDLEWARE]
    assert api() == ["oauth.W005"]
    assert api(DPOP_NONCE_REQUIRED=False) == []


def test_rest_framework_is_missing(api, monkeypatch):
    monkeypatch.setattr(checks, "find_spec", lambda name: None)
    assert api() == ["oauth.E039"]


@pytest.mark.parametrize("app", ["auth", "contenttypes"])
def test_rest_framework_misses_an_app(api, monkeypatch, app):
    installed = checks.apps.is_installed
    monkeypatch.setattr(checks.apps, "is_installed", lambda name: name != f"django.contrib.{app}" and installed(name))
    assert api() == ["oauth.E023"]


def test_an_authorization_server_runs_its_own_checks(settings):
    settings.OAUTH = {**settings.OAUTH, "ISSUER": "https://login.example/"}
    assert check_resource_server() == []


@pytest.mark.served
@pytest.mark.parametrize(
    ("oauth", "text"),
    [
        ("{}", '(oauth.E022) OAUTH["ISSUER"] is not set.'),
        ('{"ISSUER": "https://login.example"}', "(oauth.E006)"),
        ('{"ISSUER": "https://login.example", "AUDIENCES": "https://api.example"}', "(oauth.E020)"),
    ],
)
def test_a_site_with_only_an_api_reads_what_to_do(tmp_path, oauth, text):
    (tmp_path / "api.py").write_text(
        'SECRET_KEY = "of an API"\nDATABASES = {}\nROOT_URLCONF = "api"\nurlpatterns = []\nMIDDLEWARE = []\n'
        f'INSTALLED_APPS = ["oauth.resource_server"]\nOAUTH = {oauth}\n'
    )
    environment = {"PYTHONPATH": f"{tmp_path}:{servers.ROOT}", "DJANGO_SETTINGS_MODULE": "api"}
    assert text in servers.refusal("-m", "django", "check", environment=environment)
