"""The plan “Config OP”: the metadata is complete and true (OpenID Connect Discovery §3, RFC 8414 §2)."""

import jwt
import pytest
from django.test import Client as Browser

from oauth.conf import conf
from tests.lib.relying_party import FORM, path

pytestmark = pytest.mark.django_db

REQUIRED = {
    "issuer", "authorization_endpoint", "token_endpoint", "jwks_uri", "response_types_supported",
    "subject_types_supported", "id_token_signing_alg_values_supported", "userinfo_endpoint", "scopes_supported",
    "claims_supported", "registration_endpoint", "end_session_endpoint",
}  # fmt: skip


@pytest.fixture
def metadata(client, signing_keys):
    answer = client.get("/.well-known/openid-configuration")
    assert answer["Content-Type"] == "application/json"
    return answer.json()


def test_oidcc_discovery_endpoint_verification(metadata):
    assert metadata.keys() >= REQUIRED
    assert metadata["issuer"] == conf.ISSUER
    assert "RS256" in metadata["id_token_signing_alg_values_supported"]
    assert "none" not in metadata["id_token_signing_alg_values_supported"]
    assert "openid" in metadata["scopes_supported"]
    assert metadata["response_types_supported"] == ["code"]
    assert not any(value is None for value in metadata.values())


def test_every_endpoint_exists_and_belongs_to_the_issuer(metadata):
    for name, url in metadata.items():
        if name.endswith(("_endpoint", "_uri")):
            assert url.startswith(f"{conf.ISSUER}/"), name
            assert Browser().get(path(url)).status_code != 404, name
    for name in ("token", "introspection", "revocation", "pushed_authorization_request", "device_authorization"):
        answer = Browser().post(path(metadata[f"{name}_endpoint"]), "grant_type=x", content_type=FORM)
        assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client"), name


def test_the_keys_verify_what_is_signed(metadata, register, browser):
    """oidcc-idtoken-rs256, oidcc-idtoken-signature: each algorithm that is offered."""
    published = jwt.PyJWKSet.from_dict(Browser().get(path(metadata["jwks_uri"])).json())
    assert {key.algorithm_name for key in published.keys} == set(metadata["id_token_signing_alg_values_supported"])
    assert len({key.key_id for key in published.keys}) == len(published.keys)
    for algorithm in metadata["id_token_signing_alg_values_supported"]:
        rp = register(id_token_signed_response_alg=algorithm)
        body = rp.redeem(rp.authorize(browser)["code"]).json()
        assert rp.verified(body["id_token"])["aud"] == rp.client["client_id"]


def test_oidcc_idtoken_unsigned_is_not_offered(initial_access_token):
    answer = Browser().post(
        "/oauth/register",
        {"redirect_uris": ["https://rp.example/callback"], "id_token_signed_response_alg": "none"},
        content_type="application/json",
        headers={"Authorization": f"Bearer {initial_access_token}"},
    )
    assert answer.json()["error"] == "invalid_client_metadata"
