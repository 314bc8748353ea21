"""Authlib, used as in its documentation, with a running server."""

import json

import pytest
import requests
from authlib.integrations.requests_client import OAuth2Session
from authlib.oauth2.rfc7523 import PrivateKeyJWT
from joserfc import jwt
from joserfc.jwk import KeySet

from tests.lib import person
from tests.lib.client_keys import ClientKey
from tests.lib.servers import Server

pytestmark = pytest.mark.served


@pytest.fixture(scope="module")
def metadata(live: Server) -> dict:
    return requests.get(f"{live.url}/.well-known/openid-configuration", timeout=60).json()


@pytest.fixture(scope="module")
def clients(live: Server) -> dict:
    return json.loads((live.data_dir / "clients.json").read_text())


@pytest.mark.parametrize(
    ("client_id", "redirect_uri", "method", "rotates"),
    [
        ("demo-mobile", "http://127.0.0.1:51234/callback", "none", True),
        ("demo-mobile", "com.example.countersign:/callback", "none", True),
        ("demo-web", "http://localhost:3000/callback", "client_secret_basic", False),
    ],
)
def test_code_with_pkce_then_the_api_then_refresh(live, metadata, clients, client_id, redirect_uri, method, rotates):
    session = OAuth2Session(
        client_id,
        clients[client_id].get("client_secret"),
        scope="openid accounts:read",
        redirect_uri=redirect_uri,
        code_challenge_method="S256",
        token_endpoint_auth_method=method,
    )
    verifier = "a-code-verifier-of-forty-three-characters-or-more"
    url, state = session.create_authorization_url(metadata["authorization_endpoint"], code_verifier=verifier)
    callback = person.answer(url, returns_to=redirect_uri)
    first = session.fetch_token(
        metadata["token_endpoint"], authorization_response=callback, code_verifier=verifier, state=state
    )
    assert first["token_type"] == "Bearer"

    keys = KeySet.import_key_set(requests.get(metadata["jwks_uri"], timeout=60).json())
    algorithms = metadata["id_token_signing_alg_values_supported"]
    id_token = jwt.decode(first["id_token"], keys, algorithms=algorithms).claims
    assert (id_token["iss"], id_token["aud"]) == (metadata["issuer"], client_id)

    accounts = session.get(f"{live.url}/api/v1/accounts").json()["data"]
    assert len(accounts) >= 2
    second = session.refresh_token(metadata["token_endpoint"], first["refresh_token"])
    assert second["access_token"] != first["access_token"]
    assert (second["refresh_token"] != first["refresh_token"]) is rotates
    assert session.get(f"{live.url}/api/v1/accounts").json()["data"] == accounts


def test_client_credentials(live, metadata, clients):
    session = OAuth2Session("demo-service", clients["demo-service"]["client_secret"], scope="accounts:read")
    token = session.fetch_token(metadata["token_endpoint"], grant_type="client_credentials")
    assert token["expires_in"] == 300
    assert session.get(f"{live.url}/api/v1/accounts").json()["data"] == []


def test_bobs_token_does_not_see_alices_accounts(live, metadata):
    def accounts_of(email):
        session = OAuth2Session("demo-mobile", redirect_uri="http://127.0.0.1:1/callback", scope="accounts:read",
                                code_challenge_method="S256", token_endpoint_auth_method="none")  # fmt: skip
        verifier = "x" * 43
        url, _ = session.create_authorization_url(metadata["authorization_endpoint"], code_verifier=verifier)
        callback = person.answer(url, returns_to="http://127.0.0.1:1/callback", email=email)
        session.fetch_token(metadata["token_endpoint"], authorization_response=callback, code_verifier=verifier)
        return session, [account["id"] for account in session.get(f"{live.url}/api/v1/accounts").json()["data"]]

    _, of_alice = accounts_of("alice@demo.test")
    bob, of_bob = accounts_of("bob@demo.test")
    assert not set(of_alice) & set(of_bob)
    assert bob.get(f"{live.url}/api/v1/accounts/{of_alice[0]}").status_code == 404


def test_a_user_who_denies_is_told_to_the_client(live, metadata):
    session = OAuth2Session("demo-mobile", redirect_uri="http://127.0.0.1:1/callback", scope="accounts:read",
                            code_challenge_method="S256", token_endpoint_auth_method="none")  # fmt: skip
    url, _ = session.create_authorization_url(metadata["authorization_endpoint"], code_verifier="x" * 43)
    callback = person.answer(url, returns_to="http://127.0.0.1:1/callback", decision="deny")
    assert "error=access_denied" in callback


def test_userinfo_introspection_and_revocation(live, metadata, clients):
    redirect_uri = "http://localhost:3000/callback"
    session = OAuth2Session(
        "demo-web", clients["demo-web"]["client_secret"], scope="openid profile email", redirect_uri=redirect_uri,
        code_challenge_method="S256",
    )  # fmt: skip
    url, _ = session.create_authorization_url(metadata["authorization_endpoint"], code_verifier="v" * 43)
    callback = person.answer(url, returns_to=redirect_uri)
    token = session.fetch_token(metadata["token_endpoint"], authorization_response=callback, code_verifier="v" * 43)
    assert session.get(metadata["userinfo_endpoint"]).json()["email"] == "alice@demo.test"

    def is_active():
        answer = session.introspect_token(metadata["introspection_endpoint"], token["access_token"])
        return answer.json()["active"]

    assert is_active()
    assert session.revoke_token(metadata["revocation_endpoint"], token["refresh_token"]).status_code == 200
    assert not is_active()


def test_private_key_jwt_registered_by_the_client_itself(live, metadata):
    """RFC 7591, RFC 7523: client and server share no secret."""
    key = ClientKey("PS256")
    registered = requests.post(
        metadata["registration_endpoint"],
        json={
            "grant_types": ["client_credentials"], "scope": "accounts:read", "jwks": {"keys": [key.public]},
            "token_endpoint_auth_method": "private_key_jwt",
        },
        headers={"Authorization": f"Bearer {live.registration_token()}"},
        timeout=60,
    ).json()  # fmt: skip
    session = OAuth2Session(registered["client_id"], key.private_pem, token_endpoint_auth_method="private_key_jwt")
    # Authlib sets the audience of its assertion to the URL of the token endpoint, but for a new client it must be the
    # issuer.
    session.register_client_auth_method(PrivateKeyJWT(metadata["issuer"], headers={"kid": key.kid}, alg="PS256"))
    token = session.fetch_token(metadata["token_endpoint"], grant_type="client_credentials")
    assert token["scope"] == "accounts:read"
