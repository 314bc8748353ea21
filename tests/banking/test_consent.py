"""What a token may do, and giving it back."""

import pytest

from oauth.models import Authorization
from tests.banking.conftest import funded

pytestmark = [pytest.mark.usefixtures("as_the_site"), pytest.mark.django_db]


def test_an_app_reads_what_it_may_do(issued, mobile_app, api, alice):
    account = funded(alice, "Everyday")
    token = issued(mobile_app, scope="accounts:read")["access_token"]
    body = api(token).get("/api/v1/consent").json()
    assert body["client"] == {"id": mobile_app.client_id, "name": mobile_app.name}
    assert (body["scopes"], body["accounts"]) == (["accounts:read"], [str(account.pk)])
    assert body["expires_at"] > body["granted_at"]


def test_an_app_gives_it_back_and_everything_is_over(issued, mobile_app, api, token_endpoint):
    tokens = issued(mobile_app, scope="accounts:read")
    client = api(tokens["access_token"])
    assert client.delete("/api/v1/consent").status_code == 204
    assert Authorization.objects.get().revocation_reason == "client"
    assert client.get("/api/v1/consent").status_code == 401
    assert token_endpoint.refresh(mobile_app, tokens["refresh_token"]).json()["error"] == "invalid_grant"


def test_it_ends_no_other_authorization(issued, mobile_app, web_app, api):
    other = issued(web_app)["access_token"]
    api(issued(mobile_app)["access_token"]).delete("/api/v1/consent")
    assert api(other).get("/api/v1/consent").status_code == 200


def test_a_client_acting_for_itself_has_scopes_and_no_accounts(token_endpoint, service, api):
    token = token_endpoint.post(service, grant_type="client_credentials").json()["access_token"]
    body = api(token).get("/api/v1/consent").json()
    assert (body["scopes"], body["accounts"]) == (["accounts:read"], [])


def test_without_a_token_nothing_is_told(client):
    assert client.get("/api/v1/consent").status_code == 401
