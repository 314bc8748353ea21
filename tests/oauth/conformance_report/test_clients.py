"""For each unsafe field of a client, the report has a line that says "not met" and names the field."""

from datetime import timedelta

import pytest

from oauth.conformance_report import Line, Standard, Verdict, report_on_client
from oauth.models.client import GrantType
from tests.lib.client_keys import ClientKey
from tests.lib.registered import make_client

pytestmark = pytest.mark.django_db

WITH_IMPLICIT = [GrantType.AUTHORIZATION_CODE.value, GrantType.IMPLICIT.value]


def fapi_client(**values):
    fields = {
        "security_profile": "fapi2-message-signing",
        "token_endpoint_auth_method": "private_key_jwt",
        "client_jwks": {"keys": [ClientKey().public]},
        "allowed_scopes": ["openid", "accounts:read"],
    }
    return make_client("web", **{**fields, **values})


def lines(client, standard: Standard, section: str, *, asked: bool = False) -> list[Line]:
    found = report_on_client(client, [standard] if asked else ()).lines
    return [line for line in found if (line.standard, line.section) == (standard, section)]


def unmet(*arguments, **named) -> list[Line]:
    return [line for line in lines(*arguments, **named) if line.verdict == Verdict.UNMET]


def test_a_fapi_client_meets_everything():
    assert not report_on_client(fapi_client()).unmet(recommendations=True)


def test_a_client_of_each_kind_meets_every_requirement():
    for kind in ("mobile", "web", "browser", "service", "device"):
        client = make_client(kind)
        if client.has_secret:
            client.issue_secret()
        assert not report_on_client(client).unmet(recommendations=False), kind


UNSAFE = [
    ({"redirect_uris": "http://app.example/callback"}, Standard.OAUTH21, "§2.3.1", "redirect_uris"),
    ({"redirect_uris": ""}, Standard.RFC_9700, "§2.1", "redirect_uris"),
    (
        {"redirect_uris": "http://localhost:8080/callback"}, Standard.OAUTH21, "§2.3.1, RFC 8252 §8.3", "redirect_uris",
    ),
    ({"redirect_uris": "http://localhost:8080/callback"}, Standard.FAPI, "§5.3.2.2", "redirect_uris"),
    ({"redirect_uris": "http://127.0.0.1/callback"}, Standard.FAPI, "§5.3.2.2", "redirect_uris"),
    ({"grant_types": WITH_IMPLICIT}, Standard.OAUTH21, "§10.1", "grant_types"),
    ({"grant_types": WITH_IMPLICIT}, Standard.RFC_9700, "§2.1.2", "grant_types"),
    ({"grant_types": WITH_IMPLICIT}, Standard.ASVS_10, "10.6.1", "grant_types"),
    ({"grant_types": WITH_IMPLICIT}, Standard.FAPI, "§5.3.2.2", "grant_types"),
    ({"access_token_lifetime": timedelta(days=1)}, Standard.RFC_9700, "§2.2", "access_token_lifetime"),
    ({"authorization_lifetime": timedelta(days=3650)}, Standard.ASVS_10, "10.4.8", "authorization_lifetime"),
    ({"client_id": "12345"}, Standard.RFC_9700, "§4.15", "client_id: register the client again"),
    ({"allowed_scopes": [f"scope{n}" for n in range(9)]}, Standard.RFC_9700, "§2.3", "allowed_scopes"),
    ({"token_endpoint_auth_method": "client_secret_basic"}, Standard.RFC_9700, "§2.5", "token_endpoint_auth_method"),
    ({"token_endpoint_auth_method": "client_secret_basic"}, Standard.FAPI, "§5.3.2.1", "token_endpoint_auth_method"),
    (
        {"token_endpoint_auth_method": "client_secret_basic"}, Standard.ASVS_10, "10.4.16 (L3)",
        "token_endpoint_auth_method",
    ),
    ({"token_endpoint_auth_method": "client_secret_basic"}, Standard.OAUTH21, "§2.4", "the secret, in the admin"),
    ({"token_endpoint_auth_method": "none"}, Standard.ASVS_10, "10.4.10", "token_endpoint_auth_method"),
    ({"userinfo_signed_response_alg": "RS256"}, Standard.FAPI, "§5.4.1", "userinfo_signed_response_alg"),
    ({"client_jwks": {"keys": [ClientKey("PS256", kty="RSA", size=1024).public]}}, Standard.FAPI, "§5.4.2", "client_jwks"),
]  # fmt: skip


@pytest.mark.parametrize(("values", "standard", "section", "change"), UNSAFE)
def test_an_unsafe_field_is_not_met_and_named(values, standard, section, change):
    assert not unmet(fapi_client(), standard, section)
    assert change in [line.change for line in unmet(fapi_client(**values), standard, section)]


# Settings of an ordinary client that the profile of a FAPI client forbids.
LOOSE = [
    ({}, Standard.RFC_9700, "§2.2.1", "dpop_bound_access_tokens"),
    ({}, Standard.ASVS_10, "10.4.14 (L3)", "dpop_bound_access_tokens"),
    ({}, Standard.FAPI, "§5.3.2.1", "dpop_bound_access_tokens"),
    ({}, Standard.ASVS_10, "10.4.13 (L3)", "require_pushed_authorization_requests"),
    ({}, Standard.FAPI, "§5.3.2.2", "require_pushed_authorization_requests"),
    ({}, Standard.FAPI, "§5.4.1", "id_token_signed_response_alg"),
    ({}, Standard.MESSAGE_SIGNING, "§5.3.1", "require_signed_request_object"),
    ({}, Standard.MESSAGE_SIGNING, "§5.4.1", "security_profile"),
    ({}, Standard.MESSAGE_SIGNING, "§5.5.1", "security_profile"),
    (
        {"accepts_endpoint_audience": True}, Standard.RFC_9700, "§2.5, draft-ietf-oauth-rfc7523bis",
        "accepts_endpoint_audience",
    ),
    ({"require_pkce": False}, Standard.OAUTH21, "§4.1.1", "require_pkce"),
    ({"require_pkce": False}, Standard.RFC_9700, "§2.1.1", "require_pkce"),
    ({"require_pkce": False}, Standard.ASVS_10, "10.4.6", "require_pkce"),
    ({"accepts_endpoint_audience": True}, Standard.FAPI, "§5.3.2.1", "accepts_endpoint_audience"),
]  # fmt: skip


@pytest.mark.parametrize(("values", "standard", "section", "change"), LOOSE)
def test_what_an_ordinary_client_lacks_is_named(values, standard, section, change):
    ordinary = fapi_client(security_profile="oauth21", **values)
    assert change in [line.change for line in unmet(ordinary, standard, section, asked=True)]
    assert not unmet(fapi_client(**values), standard, section, asked=True)


def test_a_public_client_lacks_what_fapi_asks_for():
    public = make_client("mobile")
    found = {line.change for line in unmet(public, Standard.FAPI, "§5.3.2.1", asked=True)}
    assert {"client_type", "dpop_bound_access_tokens", "token_endpoint_auth_method"} <= found
    bad = make_client("mobile", grant_types=["client_credentials"])
    assert [line.change for line in unmet(bad, Standard.OAUTH21, "§4.2")] == ["grant_types"]


def test_fapi_does_not_apply_to_another_profile_unless_asked():
    ordinary = make_client("web")
    found = report_on_client(ordinary).lines
    of_fapi = [line for line in found if line.standard in (Standard.FAPI, Standard.MESSAGE_SIGNING)]
    assert {line.verdict for line in of_fapi} == {Verdict.NOT_APPLICABLE}
    assert "security_profile is oauth21" in of_fapi[0].reason


def test_an_unsafe_default_of_the_site_is_named_and_not_the_field(settings):
    settings.OAUTH = {**settings.OAUTH, "ACCESS_TOKEN_LIFETIME": timedelta(hours=1)}
    assert [line.change for line in unmet(fapi_client(), Standard.RFC_9700, "§2.2")] == [
        'OAUTH["ACCESS_TOKEN_LIFETIME"]'
    ]


def test_the_report_on_a_client_asks_the_database_nothing(django_assert_num_queries):
    client = fapi_client()
    with django_assert_num_queries(0):
        report_on_client(client)
