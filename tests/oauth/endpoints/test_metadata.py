"""The metadata documents agree with each other and with the server, whatever the Host header of the request is."""

import pytest

from oauth.conf import conf

pytestmark = pytest.mark.django_db
DOCUMENTS = ["/.well-known/oauth-authorization-server", "/.well-known/openid-configuration"]


def test_both_documents_say_the_same(client):
    first, second = (client.get(url).json() for url in DOCUMENTS)
    assert first == second
    assert first["issuer"] == conf.ISSUER


@pytest.mark.parametrize("url", [*DOCUMENTS, "/oauth/jwks", "/.well-known/oauth-protected-resource"])
def test_browsers_can_cache_public_documents(client, signing_keys, url):
    """Chromium ignores `max-age` if there is also `Pragma: no-cache`."""
    answer = client.get(url)
    assert answer["Cache-Control"].startswith("public, max-age=")
    assert "Pragma" not in answer


def test_responses_with_tokens_are_not_cached(client):
    """RFC 6749 §5.1."""
    answer = client.post("/oauth/token")
    assert (answer["Cache-Control"], answer["Pragma"]) == ("no-store", "no-cache")


@pytest.mark.parametrize("url", [*DOCUMENTS, "/.well-known/oauth-protected-resource"])
def test_no_url_follows_the_host_header(client, url):
    """ZITADEL CVE-2025-64101."""
    spoofed = client.get(url, headers={"Host": "127.0.0.1:1", "X-Forwarded-Host": "evil.example"})
    assert spoofed.json() == client.get(url).json()
    assert "evil" not in spoofed.content.decode()


def test_every_endpoint_that_is_named_answers(client, signing_keys):
    document = client.get(DOCUMENTS[0]).json()
    for name, url in document.items():
        if name.endswith(("_endpoint", "_uri")):
            assert url.startswith(conf.ISSUER)
            assert client.get(url.removeprefix(conf.ISSUER)).status_code != 404


def test_legacy_flows_are_not_offered(client):
    document = client.get(DOCUMENTS[0]).json()
    assert document["response_types_supported"] == ["code"]
    assert document["code_challenge_methods_supported"] == ["S256"]
    assert not {"implicit", "password"} & set(document["grant_types_supported"])


@pytest.mark.parametrize("path", ["", "/api/v1"])
def test_the_bank_api_says_where_to_get_tokens(client, path):
    """RFC 9728 §3."""
    document = client.get(f"/.well-known/oauth-protected-resource{path}").json()
    assert document["resource"] == f"{conf.ISSUER}/api/v1"
    assert document["authorization_servers"] == [conf.ISSUER]
    assert "transfers:write" in document["scopes_supported"]


def test_an_api_of_another_host_is_described_at_its_own_path(client, settings):
    """RFC 9728 §3.1: the issuer is on another host."""
    audiences = ["https://api.example/v1", "https://api.example/deep/v2"]
    settings.OAUTH = {**settings.OAUTH, "AUDIENCES": audiences}
    for one in audiences:
        path = one.removeprefix("https://api.example")
        document = client.get(f"/.well-known/oauth-protected-resource{path}").json()
        assert (document["resource"], document["authorization_servers"]) == (one, [conf.ISSUER])
    assert client.get("/.well-known/oauth-protected-resource/v2").status_code == 404


def test_another_resource_is_not_known(client):
    assert client.get("/.well-known/oauth-protected-resource/api/v2").status_code == 404


def test_the_key_set_holds_public_keys_only(client, signing_keys):
    answer = client.get("/oauth/jwks")
    assert answer["Content-Type"] == "application/jwk-set+json"
    assert "max-age=60" in answer["Cache-Control"]
    keys = answer.json()["keys"]
    assert {key["alg"] for key in keys} == {"ES256", "PS256", "EdDSA", "RS256"}
    for key in keys:
        assert not {"d", "p", "q", "dp", "dq", "qi", "k"} & set(key)
        assert key["use"] == "sig"
        assert key["kid"]
