"""RFC 6749 §2.3.1 defines two ways to send a client secret. A client may use either at every endpoint."""

import base64
from urllib.parse import urlencode

import pytest

from tests.lib.oauth_client import TokenEndpoint

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("signing_keys")]

METHODS = ("client_secret_basic", "client_secret_post")


def ask(client, secret: str, *, by: str, endpoint: str = "/oauth/token", **form: str):
    """Sends the secret by this method and returns the response."""
    headers = {}
    if by == "client_secret_basic":
        credentials = base64.b64encode(f"{client.client_id}:{secret}".encode()).decode()
        headers = {"Authorization": f"Basic {credentials}"}
    else:
        form |= {"client_id": client.client_id, "client_secret": secret}
    return TokenEndpoint().send(urlencode(form), headers=headers, endpoint=endpoint)


@pytest.mark.parametrize("registered", METHODS)
@pytest.mark.parametrize("sent", METHODS)
def test_a_client_with_a_secret_sends_it_in_either_way(service, registered, sent):
    """requests-oauthlib, OpenID-Connect-PHP and Postman send the code in one way and the refresh token in the other."""
    service.token_endpoint_auth_method = registered
    service.save()
    token = ask(service, service.secret, by=sent, grant_type="client_credentials")
    assert token.status_code == 200, token.content
    wrong = ask(service, "another-secret", by=sent, grant_type="client_credentials")
    assert (wrong.status_code, wrong.json()["error"]) == (401, "invalid_client")
    body = {"token": token.json()["access_token"]}
    assert ask(service, service.secret, by=sent, endpoint="/oauth/revoke", **body).status_code == 200


@pytest.mark.parametrize("sent", METHODS)
def test_no_secret_replaces_a_stronger_method(service, sent):
    """FAPI 2.0 §5.3.2.1: a client with a key cannot authenticate with a secret, even if an old secret is still in its
    row.
    """
    secret, digest = service.secret, service.secret_digest
    type(service).objects.filter(pk=service.pk).update(
        token_endpoint_auth_method="private_key_jwt", secret_digest=digest
    )
    answer = ask(service, secret, by=sent, grant_type="client_credentials")
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


@pytest.mark.parametrize("sent", METHODS)
def test_a_public_client_has_no_secret_to_send(mobile_app, sent):
    answer = ask(mobile_app, "a-secret", by=sent, grant_type="refresh_token", refresh_token="x")
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
