"""URIs that are spelled differently and mean the same (RFC 3986 §6.2.2, §6.2.3)."""

import pytest

from oauth.conf import conf
from oauth.infrastructure.uris import normalized, spelled_as
from tests.lib.oauth_client import allow, authorization_url, callback, decoded


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("https://api.example", "https://api.example/"),
        ("https://api.example", "HTTPS://API.Example:443"),
        ("http://api.example:80/v1", "http://api.example/v1"),
        ("https://api.example/a%2fb", "https://api.example/a%2Fb"),
        ("https://api.example/%7Euser", "https://api.example/~user"),
        ("https://[2001:DB8::1]/", "https://[2001:db8::1]"),
    ],
)
def test_equivalent_uris_have_the_same_normal_form(one, other):
    assert normalized(one) == normalized(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("https://api.example/v1", "https://api.example/v1/"),
        ("https://api.example/v1", "https://api.example/V1"),
        ("https://api.example/v1", "http://api.example/v1"),
        ("https://api.example/v1", "https://api.example:8443/v1"),
        ("https://api.example/v1", "https://api.example/v1?x"),
        ("https://api.example/v1", "https://api.example/v1#x"),
        ("https://api.example/v1", "https://api.example/v1#"),
        ("https://api.example/v1", "https://user@api.example/v1"),
        ("https://api.example/a/b", "https://api.example/a%2Fb"),
        ("urn:x:api", "URN:x:API"),
        ("https://api.example:port/", "https://api.example/"),
    ],
)
def test_different_uris_have_different_normal_forms(one, other):
    assert normalized(one) != normalized(other)


def test_the_known_spelling_counts():
    known = ["https://api.example", "urn:x"]
    assert spelled_as(known, ["HTTPS://api.example:443/", "https://api.example", "urn:x", "urn:y"]) == (*known, "urn:y")


@pytest.mark.django_db
def test_a_resource_is_found_in_any_spelling_and_the_audience_is_ours(browser, web_app, service, token_endpoint):
    """RFC 8707 §2: this applies at the authorization endpoint, at the token endpoint and to a refresh."""
    ours = next(iter(conf.RESOURCES))
    other = ours.replace("http://localhost", "HTTP://LocalHost")
    assert other != ours
    code = allow(browser, web_app, resource=other)
    tokens = token_endpoint.redeem(web_app, code, resource=other).json()
    assert decoded(tokens["access_token"])["aud"] in (ours, [ours])
    again = token_endpoint.refresh(web_app, tokens["refresh_token"], resource=other).json()
    assert decoded(again["access_token"])["aud"] in (ours, [ours])
    own = token_endpoint.post(service, grant_type="client_credentials", resource=other).json()
    assert decoded(own["access_token"])["aud"] in (ours, [ours])
    refused = token_endpoint.post(service, grant_type="client_credentials", resource=f"{other}/x").json()
    assert refused["error"] == "invalid_target"
    assert f"Allowed: {ours}." in refused["error_description"]
    refused = callback(browser.get(authorization_url(web_app, resource=f"{other}/x")))
    assert f"this client may use: {ours}." in refused["error_description"]
