"""An authorization that has ended or changed is refused at every endpoint. One function decides for all
(`oauth.status.liveness`).
"""

import ast
from pathlib import Path
from urllib.parse import urlencode

import pytest
from django.db import connection
from django.test import Client as Browser

from oauth.authorize import from_claims
from oauth.models import Authorization, Client
from oauth.models.client import GrantType
from oauth.status import liveness
from oauth.status.liveness import Named
from tests.lib.device import begin, poll, type_code
from tests.lib.device import decide as decide_on_device
from tests.lib.oauth_client import allow
from tests.lib.registered import make_client
from tests.lib.token_exchange import ACCESS_TOKEN, exchange

pytestmark = pytest.mark.django_db
FORM = "application/x-www-form-urlencoded"
ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def app(signing_keys):
    client = make_client("web")
    client.secret = client.issue_secret()
    client.save()
    return client


@pytest.fixture
def gateway(app):
    """A service that the app calls with its tokens, and that also acts for itself."""
    client = make_client("service", allowed_scopes=["openid", "accounts:read"])
    client.grant_types = [GrantType.TOKEN_EXCHANGE.value, GrantType.CLIENT_CREDENTIALS.value]
    client.secret = client.issue_secret()
    client.save()
    client.exchange_from.add(app)
    return client


@pytest.fixture
def tokens(browser, app, token_endpoint):
    """Returns tokens of an app that may read and pay."""
    code = allow(browser, app, scope="openid email accounts:read transfers:write", grant_management_action="create")
    return token_endpoint.redeem(app, code).json()


@pytest.fixture
def replaced(browser, app, tokens, token_endpoint):
    """The same tokens after the user has replaced the permissions by fewer ones: the grant is live, but the tokens are
    not.
    """
    code = allow(
        browser, app, scope="openid accounts:read", grant_management_action="replace", grant_id=tokens["grant_id"]
    )
    assert token_endpoint.redeem(app, code).status_code == 200
    assert Authorization.objects.get().is_live
    return tokens


def disable_elsewhere(client):
    """Disables the client as another process does, so this process still has it in memory."""
    with connection.cursor() as cursor:
        cursor.execute("UPDATE oauth_client SET is_active = false WHERE id = %s", [client.pk])


def userinfo(token):
    return Browser().get("/oauth/userinfo", headers={"Authorization": f"Bearer {token}"})


def test_a_token_from_before_a_change_is_not_exchanged(replaced, gateway, token_endpoint):
    """It named more than the user allows now."""
    refused = exchange(token_endpoint, gateway, replaced["access_token"])
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_request")


def test_a_token_from_before_a_change_is_refused_at_userinfo(replaced):
    assert userinfo(replaced["access_token"]).status_code == 401


def test_a_token_from_before_a_change_revokes_nothing(replaced, app):
    """RFC 7009 §2.2: the answer is the same for a token that has already ended."""
    app.token_endpoint_auth_method = "client_secret_post"
    app.save()
    form = {"token": replaced["access_token"], "client_id": app.client_id, "client_secret": app.secret}
    assert Browser().post("/oauth/revoke", urlencode(form), content_type=FORM).status_code == 200
    assert Authorization.objects.get().is_live


def test_a_token_from_before_a_change_manages_no_grants(browser, app, token_endpoint):
    app.allowed_scopes = [*app.allowed_scopes, "grant_management_query"]
    app.save()
    code = allow(browser, app, scope="grant_management_query", grant_management_action="create")
    old = token_endpoint.redeem(app, code).json()
    headers = {"Authorization": f"Bearer {old['access_token']}"}
    assert Browser().get(f"/oauth/grants/{old['grant_id']}", headers=headers).status_code == 200
    allow(browser, app, scope="grant_management_query", grant_management_action="replace", grant_id=old["grant_id"])
    assert Browser().get(f"/oauth/grants/{old['grant_id']}", headers=headers).status_code == 401


def test_an_actor_token_whose_authority_has_ended_does_not_count(browser, gateway, tokens, token_endpoint):
    own = make_client("web", grant_types=["authorization_code", GrantType.TOKEN_EXCHANGE.value])
    own.secret = own.issue_secret()
    own.save()
    own.exchange_from.add(gateway, Client.objects.get(authorizations__isnull=False))
    actor = token_endpoint.redeem(own, allow(browser, own)).json()["access_token"]
    form = {"actor_token": actor, "actor_token_type": ACCESS_TOKEN}
    assert exchange(token_endpoint, own, tokens["access_token"], **form).status_code == 200
    Authorization.objects.filter(client=own).revoke(Authorization.RevocationReason.USER)
    assert exchange(token_endpoint, own, tokens["access_token"], **form).json()["error"] == "invalid_request"


def test_an_exchanged_token_ends_with_the_client_that_exchanged_it(tokens, gateway, token_endpoint):
    token = exchange(token_endpoint, gateway, tokens["access_token"]).json()["access_token"]
    assert userinfo(token).status_code == 200
    disable_elsewhere(gateway)
    assert userinfo(token).status_code == 401


@pytest.fixture
def second(gateway):
    """A service that the gateway calls."""
    client = make_client("service", allowed_scopes=["openid"], grant_types=[GrantType.TOKEN_EXCHANGE.value])
    client.secret = client.issue_secret()
    client.save()
    client.exchange_from.add(gateway)
    return client


def test_an_exchanged_token_ends_when_its_client_may_no_longer_exchange(app, tokens, gateway, second, token_endpoint):
    """A webhook of a service asks the same function, and lives longer than a token."""
    first = exchange(token_endpoint, gateway, tokens["access_token"]).json()["access_token"]
    further = exchange(token_endpoint, second, first).json()["access_token"]
    assert {userinfo(token).status_code for token in (first, further)} == {200}
    gateway.exchange_from.clear()
    assert {userinfo(token).status_code for token in (first, further)} == {401}
    gateway.exchange_from.add(app)
    assert {userinfo(token).status_code for token in (first, further)} == {200}
    second.grant_types = [GrantType.CLIENT_CREDENTIALS.value]
    second.save()
    assert [userinfo(token).status_code for token in (first, further)] == [200, 401]


def test_what_a_disabled_service_passed_on_waits_until_it_is_enabled(tokens, gateway, second, token_endpoint):
    """The second service got its token from the first one, which staff have disabled."""
    first = exchange(token_endpoint, gateway, tokens["access_token"]).json()["access_token"]
    further = exchange(token_endpoint, second, first).json()["access_token"]
    of_second = Named(second.client_id, Authorization.objects.get().pk)
    disable_elsewhere(gateway)
    assert userinfo(further).status_code == 401
    assert from_claims.find(of_second) is None
    assert liveness.is_client_disabled(of_second)
    Client.objects.filter(pk=gateway.pk).update(is_active=True)
    assert userinfo(further).status_code == 200
    gateway.grant_types = [GrantType.CLIENT_CREDENTIALS.value]
    gateway.save()
    assert userinfo(further).status_code == 401
    assert not liveness.is_client_disabled(of_second)


@pytest.mark.usefixtures("tokens")
def test_a_service_keeps_no_scope_that_was_taken_from_the_app(app, gateway):
    """ASVS 5.0 10.4.11: a webhook of the service gets only events for which these scopes suffice."""
    of_service = Named(gateway.client_id, Authorization.objects.get().pk)
    assert from_claims.find(of_service).scopes == ["accounts:read", "openid"]
    app.allowed_scopes = ["openid", "email"]
    app.save()
    assert from_claims.find(of_service).scopes == ["openid"]


def test_a_scope_that_was_taken_is_gone_from_tokens_that_are_shown_to_this_server(browser, app, token_endpoint):
    """ASVS 5.0 10.4.11: UserInfo, introspection and grant management read the client, so they need not wait until the
    access token expires.
    """
    app.allowed_scopes = [*app.allowed_scopes, "grant_management_query"]
    app.save()
    issued = token_endpoint.redeem(app, allow(browser, app, scope="openid email grant_management_query")).json()
    token = issued["access_token"]

    def introspected(name):
        return token_endpoint.send(urlencode({"token": issued[name], **secret}), endpoint="/oauth/introspect").json()

    def grant():
        headers = {"Authorization": f"Bearer {token}"}
        return Browser().get(f"/oauth/grants/{issued['grant_id']}", headers=headers).status_code

    app.token_endpoint_auth_method = "client_secret_post"
    app.save()
    secret = {"client_id": app.client_id, "client_secret": app.secret}
    assert ("email" in userinfo(token).json(), grant()) == (True, 200)
    app.allowed_scopes = ["openid"]
    app.save()
    assert ("email" in userinfo(token).json(), grant()) == (False, 403)
    for name in ("access_token", "refresh_token"):
        assert (introspected(name)["active"], introspected(name)["scope"]) == (True, "openid")
    app.allowed_scopes = ["email"]
    app.save()
    assert userinfo(token).status_code == 403


def test_an_exchanged_token_tells_no_claims_that_were_for_another_client(browser, app, gateway, token_endpoint):
    """OpenID Connect Core §5.5: the user allowed these claims for the app, not for the services that it calls."""
    code = allow(browser, app, scope="openid accounts:read", claims='{"userinfo": {"email": null}}')
    token = token_endpoint.redeem(app, code).json()["access_token"]
    assert "email" in userinfo(token).json()
    exchanged = exchange(token_endpoint, gateway, token).json()["access_token"]
    assert "email" not in userinfo(exchanged).json()


def test_a_clients_own_token_from_before_its_status_changed_is_refused(gateway, token_endpoint):
    gateway.token_endpoint_auth_method = "client_secret_post"
    gateway.save()
    secret = {"client_id": gateway.client_id, "client_secret": gateway.secret}
    token = token_endpoint.send(urlencode({"grant_type": "client_credentials", **secret})).json()["access_token"]
    body = urlencode({"token": token, **secret})
    assert Browser().post("/oauth/introspect", body, content_type=FORM).json()["active"] is True
    Client.objects.filter(pk=gateway.pk).update(status_index=10**6)
    assert Browser().post("/oauth/introspect", body, content_type=FORM).json() == {"active": False}


# --- a client that another process has just disabled, and that is still in the cache of this process


def test_a_disabled_client_redeems_no_code(browser, app, token_endpoint):
    code = allow(browser, app)
    assert token_endpoint.post(app, grant_type="nonsense").json()["error"] == "unsupported_grant_type"  # known now
    disable_elsewhere(app)
    assert token_endpoint.redeem(app, code).json()["error"] == "invalid_grant"


def test_a_disabled_client_refreshes_nothing(tokens, app, token_endpoint):
    assert token_endpoint.refresh(app, tokens["refresh_token"]).status_code == 200
    disable_elsewhere(app)
    assert token_endpoint.refresh(app, tokens["refresh_token"]).json()["error"] == "invalid_grant"


@pytest.mark.parametrize("end", ["client", "user", "authorization"])
def test_a_device_that_was_let_in_gets_nothing_after_the_end(browser, alice, signing_keys, end):
    television = make_client("device", redirect_uris="")
    television.save()
    asked = begin(television).json()
    decide_on_device(browser, type_code(browser, asked["user_code"]))
    match end:
        case "client":
            disable_elsewhere(television)
        case "user":
            alice.is_active = False
            alice.save()
        case _:
            Authorization.objects.all().revoke(Authorization.RevocationReason.USER)
    assert poll(television, asked["device_code"]).json()["error"] == "invalid_grant"


# --- no other code decides on liveness


#: Files that use these words for another purpose: lists for users, and the model with the columns.
ELSEWHERE = {
    "oauth/status/liveness.py",
    "oauth/models/authorization.py",
    "oauth/admin/authorization.py",
    "oauth/resource_server/__init__.py",
    "oauth/resource_server/revocation.py",
    "accounts/pages/personal_data.py",
}


def test_nothing_but_liveness_asks_whether_an_authorization_lives():
    """A second implementation would sooner or later give other answers."""
    found = []
    for room in ("oauth", "banking", "accounts", "config", "demo"):
        for path in sorted((ROOT / room).rglob("*.py")):
            name = path.relative_to(ROOT).as_posix()
            if name in ELSEWHERE or "/migrations/" in name:
                continue
            found += [f"{name}:{line} {what}" for line, what in asks(ast.parse(path.read_text()))]
    assert found == []


def asks(tree):
    """Whether the code reads `authorization.revoked_at`, `grant.is_live` or `authorization.user.is_active`, or a
    private name of liveness.
    """
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module == "oauth.status.liveness":
            yield from ((node.lineno, one.name) for one in node.names if one.name.startswith("_"))
        if not isinstance(node, ast.Attribute):
            continue
        owner = ast.unparse(node.value)
        of_authorization = owner.split(".")[-1] in ("authorization", "grant")
        of_its_owner = owner.endswith(("authorization.user", "authorization.client", "grant.user", "grant.client"))
        if (
            (node.attr in ("is_live", "revoked_at") and of_authorization)
            or (node.attr == "is_active" and of_its_owner)
            or (owner == "liveness" and node.attr.startswith("_"))
        ):
            yield node.lineno, f"{owner}.{node.attr}"


@pytest.mark.parametrize(
    "code",
    [
        "if authorization.revoked_at is None: pass",
        "code.authorization.is_live",
        "waiting.authorization.user.is_active",
        "from oauth.status.liveness import _counts",
        "liveness._counts(authorization)",
    ],
)
def test_the_guard_sees_who_asks(code):
    assert list(asks(ast.parse(code)))
