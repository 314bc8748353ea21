"""Token exchange (RFC 8693): the new token is for the same user and never has more permissions."""

from dataclasses import replace
from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from oauth.conf import conf
from oauth.models import AuditEvent, Authorization
from oauth.models.client import GrantType
from oauth.tokens.claims import AccessTokenClaims
from oauth.tokens.signing import sign_access_token
from tests.lib.dpop import proof
from tests.lib.oauth_client import allow, decoded
from tests.lib.registered import make_client
from tests.lib.token_exchange import ACCESS_TOKEN, exchange

pytestmark = pytest.mark.django_db


@pytest.fixture
def subject_token(issued, mobile_app):
    return issued(mobile_app, scope="accounts:read transfers:write")["access_token"]


def test_a_service_goes_on_for_the_user_as_itself(gateway, subject_token, token_endpoint, alice, api):
    body = exchange(token_endpoint, gateway, subject_token).json()
    assert (body["issued_token_type"], body["token_type"]) == (ACCESS_TOKEN, "Bearer")
    assert "refresh_token" not in body
    before, after = decoded(subject_token), decoded(body["access_token"])
    assert after["sub"] == str(alice.pk)
    assert after["client_id"] == gateway.client_id
    assert after["act"] == {"sub": gateway.client_id, "client_id": gateway.client_id}
    assert after["scope"] == "accounts:read"  # the scopes that both clients may have
    assert after["exp"] <= before["exp"]
    assert (after["grant_id"], after["auth_time"], after["acr"]) == (
        before["grant_id"],
        before["auth_time"],
        before["acr"],
    )
    assert api(body["access_token"]).get("/api/v1/accounts").status_code == 200
    assert AuditEvent.objects.filter(action="issued", client=gateway.client_id, user=str(alice.pk)).exists()


def test_the_chain_of_actors_is_kept(gateway, subject_token, token_endpoint):
    """RFC 8693 §4.1."""
    second = make_client("service", grant_types=[GrantType.TOKEN_EXCHANGE.value], allowed_scopes=["accounts:read"])
    second.secret = second.issue_secret()
    second.save()
    second.exchange_from.add(gateway)
    first = exchange(token_endpoint, gateway, subject_token).json()["access_token"]
    token = exchange(token_endpoint, second, first).json()["access_token"]
    act = decoded(token)["act"]
    assert (act["sub"], act["act"]["sub"]) == (second.client_id, gateway.client_id)


def test_a_loop_of_exchanges_ends(gateway, subject_token, token_endpoint):
    token = subject_token
    for _ in range(5):
        token = exchange(token_endpoint, gateway, token).json()["access_token"]
    assert exchange(token_endpoint, gateway, token).json()["error"] == "invalid_request"


def test_impersonation_is_the_admins_decision(gateway, subject_token, token_endpoint):
    gateway.exchange_policy = "impersonation"
    gateway.save()
    assert "act" not in decoded(exchange(token_endpoint, gateway, subject_token).json()["access_token"])


def test_an_actor_token_names_the_actor(gateway, subject_token, token_endpoint):
    gateway.exchange_policy = "impersonation"
    gateway.grant_types = [*gateway.grant_types, "client_credentials"]
    gateway.save()
    actor = token_endpoint.post(gateway, grant_type="client_credentials").json()["access_token"]
    form = {"actor_token": actor, "actor_token_type": ACCESS_TOKEN}
    token = exchange(token_endpoint, gateway, subject_token, **form).json()["access_token"]
    assert decoded(token)["act"]["sub"] == gateway.client_id
    assert exchange(token_endpoint, gateway, subject_token, actor_token=actor).json()["error"] == "invalid_request"
    of_another = {"actor_token": subject_token, "actor_token_type": ACCESS_TOKEN}
    assert exchange(token_endpoint, gateway, subject_token, **of_another).json()["error"] == "invalid_request"


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({"scope": "transfers:write"}, "invalid_scope"),  # the token has it, but the client may not have it
        ({"scope": "balances:read"}, "invalid_scope"),  # the client may have it, but the token does not
        ({"scope": "nonsense"}, "invalid_scope"),
        ({"resource": "https://other.example/"}, "invalid_target"),
        ({"audience": "https://other.example/"}, "invalid_target"),
        ({"requested_token_type": "urn:ietf:params:oauth:token-type:refresh_token"}, "invalid_request"),
        ({"subject_token_type": "urn:ietf:params:oauth:token-type:saml2"}, "invalid_request"),
        ({"subject_token": "nonsense"}, "invalid_request"),
        ({"subject_token": ""}, "invalid_request"),
        ({"actor_token_type": ACCESS_TOKEN}, "invalid_request"),
    ],
)
def test_only_narrower(gateway, subject_token, token_endpoint, form, error):
    answer = exchange(token_endpoint, gateway, subject_token, **form)
    assert (answer.status_code, answer.json()["error"]) == (400, error)


def test_the_audience_of_the_token_may_be_named(gateway, subject_token, token_endpoint):
    answer = exchange(token_endpoint, gateway, subject_token, resource=conf.audiences[0])
    assert decoded(answer.json()["access_token"])["aud"] == conf.audiences[0]


def test_a_service_reaches_the_apis_that_it_calls_but_an_app_only_those_that_it_asked_for(
    gateway, web_app, issued, token_endpoint, settings
):
    """RFC 8693 §2.1, RFC 8707 §2: an app that exchanges its own token gets no API beyond the token's."""
    first, second = conf.audiences[0], "https://other.example/api"
    resources = {**settings.OAUTH["RESOURCES"], second: {"name": "Other", "path": "/"}}
    settings.OAUTH = {**settings.OAUTH, "RESOURCES": resources}
    for client in (gateway, web_app):
        client.allowed_resources = [first, second]
        client.save()
    web_app.grant_types = [*web_app.grant_types, GrantType.TOKEN_EXCHANGE.value]
    web_app.save()
    gateway.exchange_from.add(web_app)
    token = issued(web_app, scope="accounts:read", resource=first)["access_token"]
    of_gateway = exchange(token_endpoint, gateway, token, resource=second).json()
    assert decoded(of_gateway["access_token"])["aud"] == second
    assert exchange(token_endpoint, web_app, token, resource=second).json()["error"] == "invalid_target"
    assert exchange(token_endpoint, web_app, token, resource=first).status_code == 200
    assert decoded(exchange(token_endpoint, web_app, token).json()["access_token"])["aud"] == first


def test_tokens_of_other_clients_are_not_exchanged(gateway, issued, web_app, token_endpoint):
    answer = exchange(token_endpoint, gateway, issued(web_app)["access_token"])
    assert answer.json()["error"] == "invalid_request"


def test_neither_id_tokens_nor_refresh_tokens_are_exchanged(gateway, issued, mobile_app, token_endpoint):
    """ASVS 5.0 9.2.2."""
    body = issued(mobile_app, scope="openid")
    for name in ("id_token", "refresh_token"):
        assert exchange(token_endpoint, gateway, body[name]).json()["error"] == "invalid_request"


def test_a_services_own_token_is_not_passed_on(gateway, service, token_endpoint):
    """RFC 9700 §4.15: the client_id would be in the place of a user's `sub`."""
    gateway.exchange_from.add(service)
    token = token_endpoint.post(service, grant_type="client_credentials").json()["access_token"]
    assert exchange(token_endpoint, gateway, token).json()["error"] == "invalid_request"


def test_a_token_whose_authorization_has_ended_is_not_exchanged(gateway, subject_token, token_endpoint):
    Authorization.objects.all().revoke(Authorization.RevocationReason.USER)
    assert exchange(token_endpoint, gateway, subject_token).json()["error"] == "invalid_request"


def test_an_expired_token_is_not_exchanged(gateway, subject_token, token_endpoint):
    with time_machine.travel(timezone.now() + timedelta(minutes=6)):
        assert exchange(token_endpoint, gateway, subject_token).json()["error"] == "invalid_request"


def test_the_new_token_ends_with_the_old_one(gateway, subject_token, token_endpoint):
    with time_machine.travel(timezone.now() + timedelta(minutes=4), tick=False):
        body = exchange(token_endpoint, gateway, subject_token).json()
    assert decoded(body["access_token"])["exp"] == decoded(subject_token)["exp"]
    assert body["expires_in"] <= 60


def test_a_client_needs_the_grant_and_its_secret(gateway, service, subject_token, token_endpoint):
    assert exchange(token_endpoint, service, subject_token).json()["error"] == "unauthorized_client"
    gateway.secret = "wrong"
    assert exchange(token_endpoint, gateway, subject_token).status_code == 401


# --- tokens that are bound to a key (RFC 9449 §6, RFC 8705 §3)


def bound_by(client, confirmation, token_endpoint, browser):
    """A token of the client, bound as `confirmation` says: signed by this server, for a live authorization."""
    claims = AccessTokenClaims.from_payload(
        decoded(token_endpoint.redeem(client, allow(browser, client)).json()["access_token"])
    )
    return sign_access_token(replace(claims, confirmation=confirmation), algorithm=conf.SIGNING_ALGORITHM)


@pytest.mark.parametrize("confirmation", [{"jkt": "x" * 43}, {"x5t#S256": "x" * 43}])
def test_a_bound_subject_token_is_never_exchanged_for_an_unbound_one(
    gateway, mobile_app, token_endpoint, browser, confirmation
):
    """RFC 9449 §6: otherwise a thief could exchange a bound token for one that works without the key."""
    token = bound_by(mobile_app, confirmation, token_endpoint, browser)
    for headers in ({}, {"DPoP": proof()}):
        answer = exchange(token_endpoint, gateway, token, headers=headers)
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")
        assert "bound to a key" in answer.json()["error_description"]


@pytest.mark.parametrize("confirmation", [{"jkt": "x" * 43}, {"x5t#S256": "x" * 43}])
def test_a_bound_actor_token_does_not_count_without_its_key(
    gateway, subject_token, token_endpoint, browser, confirmation
):
    gateway.redirect_uris = "https://app.example/callback"
    gateway.grant_types = [*gateway.grant_types, "authorization_code"]
    gateway.save()
    unbound = token_endpoint.redeem(gateway, allow(browser, gateway)).json()["access_token"]
    form = {"actor_token_type": ACCESS_TOKEN}
    assert exchange(token_endpoint, gateway, subject_token, actor_token=unbound, **form).status_code == 200
    bound = bound_by(gateway, confirmation, token_endpoint, browser)
    answer = exchange(token_endpoint, gateway, subject_token, actor_token=bound, **form)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")
