"""The implicit flow is off unless both the site and the client enable it, and then it gives as little as possible."""

from urllib.parse import parse_qs, urlsplit

import pytest
from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.core.management.base import SystemCheckError

from oauth.conf import conf
from oauth.models import RefreshToken
from tests.lib.oauth_client import authorization_url, callback, decide, decoded
from tests.lib.registered import make_client

pytestmark = pytest.mark.django_db

ASK = {"response_type": "token", "code_challenge": None, "code_challenge_method": None}


@pytest.fixture
def old_app(db):
    client = make_client("browser", grant_types=["implicit"])
    client.save()
    return client


@pytest.fixture
def allowed(settings):
    settings.OAUTH = {**settings.OAUTH, "ALLOW_IMPLICIT": True}


def in_fragment(answer):
    assert answer.status_code == 303
    parts = urlsplit(answer["Location"])
    assert not parts.query
    return {name: values[0] for name, values in parse_qs(parts.fragment).items()}


def test_it_is_off_even_if_a_row_says_otherwise(browser, old_app, client):
    """ASVS 5.0 10.4.4."""
    assert callback(browser.get(authorization_url(old_app, **ASK)))["error"] == "unsupported_response_type"
    metadata = client.get("/.well-known/openid-configuration").json()
    assert metadata["response_types_supported"] == ["code"]
    assert "implicit" not in metadata["grant_types_supported"]
    assert "fragment" not in metadata["response_modes_supported"]
    with pytest.raises(ValidationError, match="implicit flow is unsafe"):
        old_app.full_clean()


def test_a_client_that_does_not_allow_the_implicit_flow_is_refused(browser, mobile_app, allowed):
    assert in_fragment(browser.get(authorization_url(mobile_app, **ASK)))["error"] == "unauthorized_client"


def test_it_gives_a_short_access_token_and_nothing_else(browser, old_app, allowed, api):
    old_app.full_clean()
    answer = in_fragment(decide(browser, browser.get(authorization_url(old_app, **ASK))))
    assert (answer["token_type"], answer["state"], answer["iss"]) == ("Bearer", "the-state", conf.ISSUER)
    assert int(answer["expires_in"]) <= 300
    assert "refresh_token" not in answer
    assert not RefreshToken.objects.exists()
    assert decoded(answer["access_token"])["scope"] == "accounts:read"
    assert api(answer["access_token"]).get("/api/v1/accounts").status_code == 200


def test_a_token_never_travels_in_a_query(browser, old_app, allowed):
    answer = in_fragment(browser.get(authorization_url(old_app, response_mode="query", **ASK)))
    assert answer["error"] == "invalid_request"


def test_a_deployment_with_it_does_not_start(allowed):
    with pytest.raises(SystemCheckError, match=r"oauth\.E011"):
        call_command("check", deploy=True, tags=["security"])
