"""FAPI Grant Management for OAuth 2.0: grant_id, query, revoke, update, replace."""

from uuid import uuid4

import pytest

from oauth.infrastructure import caches
from oauth.models import Authorization
from oauth.models.client import GrantType
from tests.lib.oauth_client import allow, authorization_url, callback, decide, decoded
from tests.lib.registered import ALL_SCOPES, make_client
from tests.lib.token_exchange import exchange

pytestmark = pytest.mark.django_db
MANAGE = "grant_management_query grant_management_revoke"


@pytest.fixture
def manager(signing_keys):
    """A client that users have allowed, and that also manages its grants itself."""
    client = make_client("web", allowed_scopes=[*ALL_SCOPES, *MANAGE.split()])
    client.grant_types = [*client.grant_types, "client_credentials"]
    client.secret = client.issue_secret()
    client.save()
    return client


@pytest.fixture
def own_token(token_endpoint):
    def get(client, scope=MANAGE):
        return token_endpoint.post(client, grant_type="client_credentials", scope=scope).json()["access_token"]

    return get


@pytest.fixture
def issue(browser, token_endpoint):
    def get(client, **parameters):
        return token_endpoint.redeem(client, allow(browser, client, **parameters)).json()

    return get


def grant(client, grant_id, token, method="get"):
    return getattr(client, method)(f"/oauth/grants/{grant_id}", headers={"Authorization": f"Bearer {token}"})


def test_a_client_reads_and_gives_back_what_it_was_allowed(client, manager, own_token, issue, token_endpoint):
    issued = issue(manager, scope="accounts:read balances:read", grant_management_action="create")
    token = own_token(manager)
    answer = grant(client, issued["grant_id"], token)
    assert answer.json()["scopes"][0]["scope"] == "accounts:read balances:read"
    assert answer["Cache-Control"] == "no-store"
    gone = grant(client, issued["grant_id"], token, "delete")
    assert (gone.status_code, gone.content) == (204, b"")
    assert grant(client, issued["grant_id"], token).status_code == 404
    assert token_endpoint.refresh(manager, issued["refresh_token"]).json()["error"] == "invalid_grant"
    assert Authorization.objects.get().revocation_reason == "client"


@pytest.mark.parametrize("method", ["get", "delete"])
def test_each_needs_its_scope_and_another_clients_grant_is_not_there(
    client, manager, web_app, own_token, issue, method
):
    issued = issue(web_app)
    assert grant(client, issued["grant_id"], own_token(manager), method).status_code == 404
    assert grant(client, uuid4(), own_token(manager), method).status_code == 404
    assert grant(client, "nonsense", own_token(manager), method).status_code == 404
    other = MANAGE.split()[0 if method == "delete" else 1]
    refused = grant(client, issued["grant_id"], own_token(manager, other), method)
    assert (refused.status_code, refused.json()["error"]) == (403, "insufficient_scope")
    assert getattr(client, method)(f"/oauth/grants/{issued['grant_id']}").status_code == 401
    assert Authorization.objects.live().exists()


def test_a_users_token_speaks_for_that_user_only(client, manager, issue, alice, bob):
    issued = issue(manager, scope="grant_management_query")
    Authorization.objects.create(
        user=bob, client=manager, scopes=["accounts:read"], expires_at=Authorization.objects.get().expires_at
    )
    of_bob = Authorization.objects.get(user=bob)
    assert grant(client, issued["grant_id"], issued["access_token"]).status_code == 200
    assert grant(client, of_bob.pk, issued["access_token"]).status_code == 404


@pytest.mark.parametrize("action", ["update", "merge"])
def test_update_adds(browser, manager, issue, token_endpoint, action):
    first = issue(manager, scope="accounts:read")
    url = authorization_url(manager, scope="balances:read", grant_management_action=action, grant_id=first["grant_id"])
    page = browser.get(url)
    assert b"added to what you allowed" in page.content
    second = token_endpoint.redeem(manager, callback(decide(browser, page))["code"]).json()
    assert second["grant_id"] == first["grant_id"]
    assert set(Authorization.objects.get().scopes) == {"accounts:read", "balances:read"}
    assert token_endpoint.refresh(manager, first["refresh_token"]).json()["scope"] == "accounts:read"


def test_replace_ends_everything_of_before(browser, manager, issue, token_endpoint, api):
    first = issue(manager, scope="accounts:read balances:read")
    page = browser.get(
        authorization_url(manager, scope="balances:read", grant_management_action="replace", grant_id=first["grant_id"])
    )
    assert b"replaces everything" in page.content
    second = token_endpoint.redeem(manager, callback(decide(browser, page))["code"]).json()
    assert second["grant_id"] == first["grant_id"]
    assert Authorization.objects.get().scopes == ["balances:read"]
    assert token_endpoint.refresh(manager, first["refresh_token"]).json()["error"] == "invalid_grant"
    assert token_endpoint.refresh(manager, second["refresh_token"]).status_code == 200
    caches.clear()
    assert api(first["access_token"]).get("/api/v1/accounts").status_code == 401
    before, after = (decoded(one["access_token"])["status"]["status_list"]["idx"] for one in (first, second))
    assert before != after


@pytest.mark.parametrize(
    ("parameters", "error"),
    [
        ({"grant_management_action": "nonsense"}, "invalid_request"),
        ({"grant_management_action": "update"}, "invalid_request"),
        ({"grant_id": "x"}, "invalid_request"),
        ({"grant_management_action": "create", "grant_id": "x"}, "invalid_request"),
        ({"grant_management_action": "replace", "grant_id": "x"}, "invalid_grant_id"),
        ({"grant_management_action": "update", "grant_id": str(uuid4())}, "invalid_grant_id"),
    ],
)
def test_what_is_wrong_is_told(browser, manager, parameters, error):
    assert callback(browser.get(authorization_url(manager, **parameters)))["error"] == error


def test_the_grant_of_another_user_or_client_cannot_be_changed(browser, manager, web_app, issue, bob):
    of_web_app = issue(web_app)["grant_id"]
    of_bob = Authorization.objects.create(
        user=bob, client=manager, scopes=["accounts:read"], expires_at=Authorization.objects.get().expires_at
    )
    for grant_id in (of_web_app, str(of_bob.pk)):
        answer = browser.get(authorization_url(manager, grant_management_action="replace", grant_id=grant_id))
        assert callback(answer)["error"] == "invalid_grant_id"


def test_a_public_client_cannot_change_grants(browser, mobile_app, issue):
    grant_id = issue(mobile_app)["grant_id"]
    answer = browser.get(authorization_url(mobile_app, grant_management_action="update", grant_id=grant_id))
    assert callback(answer)["error"] == "invalid_request"


def test_the_metadata_say_so(client):
    metadata = client.get("/.well-known/oauth-authorization-server").json()
    assert metadata["grant_management_endpoint"].endswith("/oauth/grants")
    assert {"query", "revoke", "create", "update", "replace"} <= set(metadata["grant_management_actions_supported"])


@pytest.mark.parametrize("method", ["get", "delete"])
def test_a_token_with_an_actor_manages_no_grants(client, manager, issue, token_endpoint, method):
    """RFC 8693 §4.1: such a token is for a service that acts for the user. The rule also applies to a token that the
    client itself exchanged.
    """
    manager.grant_types = [*manager.grant_types, GrantType.TOKEN_EXCHANGE.value]
    manager.save()
    issued = issue(manager, scope=MANAGE, grant_management_action="create")
    token = exchange(token_endpoint, manager, issued["access_token"]).json()["access_token"]
    refused = grant(client, issued["grant_id"], token, method)
    assert (refused.status_code, refused.json()["error"]) == (403, "insufficient_scope")
    assert Authorization.objects.get().is_live
