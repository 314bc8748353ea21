"""The plans for FAPI 2.0 Security Profile and Message Signing.

Each test has the name of a module of the suite (docs/conformance.md) and runs for both profiles; those about signed
messages run for Message Signing only.
"""

import re
import secrets
import time
from datetime import timedelta

import jwt
import pytest
import time_machine
from django.utils import timezone

from oauth.conf import conf
from oauth.models import Authorization, Client
from oauth.models.client import SecurityProfile
from tests.lib.client_keys import ClientKey
from tests.lib.fapi_client import ACCOUNTS, PAR, FapiClient
from tests.lib.oauth_client import CHALLENGE, authorization_url, decide

pytestmark = pytest.mark.django_db


@pytest.fixture(params=[SecurityProfile.FAPI2, SecurityProfile.FAPI2_MESSAGE_SIGNING])
def bank(request, initial_access_token):
    return FapiClient(request.param, initial_access_token)


@pytest.fixture
def bank2(bank, initial_access_token):
    """The second client of the plan."""
    return FapiClient(SecurityProfile(bank.client.security_profile), initial_access_token)


@pytest.fixture
def signer(initial_access_token):
    return FapiClient(SecurityProfile.FAPI2_MESSAGE_SIGNING, initial_access_token)


def refused(answer, error):
    """Asserts that the error is one that the module of the suite accepts, and that only invalid_client has the status
    401.
    """
    assert (answer.status_code, answer.json()["error"]) == (401 if error == "invalid_client" else 400, error)
    # RFC 6749 §5.2: %x20-21 / %x23-5B / %x5D-7E. The suite checks these characters.
    assert re.fullmatch(r"[\x20\x21\x23-\x5B\x5D-\x7E]+", answer.json()["error_description"])


def refused_as_unknown(answer, unknown):
    """Asserts invalid_grant with the same description as for an unknown code or token: another client learns nothing."""
    refused(answer, "invalid_grant")
    told, expected = (one.json()["error_description"].partition(" (error id")[0] for one in (answer, unknown))
    assert told == expected


# --- requests that must succeed


def test_discovery_end_point_verification(client, signing_keys):
    metadata = client.get("/.well-known/openid-configuration").json()
    assert metadata["issuer"] == conf.ISSUER
    assert metadata["pushed_authorization_request_endpoint"] == PAR
    assert metadata["authorization_response_iss_parameter_supported"] is True
    assert metadata["code_challenge_methods_supported"] == ["S256"]
    assert metadata["response_types_supported"] == ["code"]
    assert "private_key_jwt" in metadata["token_endpoint_auth_methods_supported"]
    assert {"PS256", "ES256", "EdDSA"} <= set(metadata["token_endpoint_auth_signing_alg_values_supported"])
    assert {"PS256", "ES256", "EdDSA"} == set(metadata["dpop_signing_alg_values_supported"])
    assert {"PS256", "ES256"} <= set(metadata["dpop_signing_alg_values_supported"])
    assert {"PS256", "ES256"} <= set(metadata["request_object_signing_alg_values_supported"])
    assert {"PS256", "ES256"} <= set(metadata["authorization_signing_alg_values_supported"])
    assert {"jwt", "query.jwt", "form_post.jwt"} <= set(metadata["response_modes_supported"])


def test_happy_flow(browser, bank, bank2):
    """Two clients. The API refuses the token of one client with the key of the other."""
    first, second = bank.tokens(browser), bank2.tokens(browser)
    for who, tokens in ((bank, first), (bank2, second)):
        assert tokens["token_type"] == "DPoP"
        assert who.resource(tokens["access_token"]).status_code == 200
        assert tokens["claims"]["nonce"] == "the-nonce"
    stolen = bank2.proof(url=ACCOUNTS, method="GET", token=first["access_token"])
    assert bank.resource(first["access_token"], sent=stolen).status_code == 401


def test_user_rejects_authentication(browser, bank):
    answer = bank.authorize(browser, decision="deny")
    assert (answer["error"], answer["state"]) == ("access_denied", "the-state")


def test_ensure_authorization_request_without_state_success(browser, bank):
    assert "state" not in bank.authorize(browser, state=None)


def test_ensure_authorization_request_without_nonce_success(browser, bank):
    tokens = bank.tokens(browser, nonce=None)
    assert "nonce" not in tokens["claims"]


@pytest.mark.parametrize("length", [64, 384])
def test_ensure_authorization_request_with_64_char_nonce_and_long_nonce(browser, bank, length):
    nonce = secrets.token_hex(length // 2)
    tokens = bank.tokens(browser, nonce=nonce)
    assert tokens["claims"]["nonce"] == nonce


def test_ensure_authorization_request_with_long_state(browser, bank):
    state = secrets.token_hex(192)
    assert bank.authorize(browser, state=state)["state"] == state


def test_ensure_other_scope_order_succeeds(browser, bank):
    assert set(bank.tokens(browser, scope="accounts:read openid")["scope"].split()) == {"openid", "accounts:read"}


def test_claims_parameter_identity_claims(browser, bank):
    """The client requests these claims without the scopes that would include them."""
    wanted = '{"id_token": {"email": null}, "userinfo": {"name": null}}'
    tokens = bank.tokens(browser, claims=wanted)
    assert "email" in tokens["claims"]


@pytest.mark.parametrize("scheme", ["dpop", "DPOP", "dPoP"])
def test_access_token_type_header_case_sensitivity(browser, bank, scheme):
    assert bank.resource(bank.tokens(browser)["access_token"], scheme=scheme).status_code == 200


# --- DPoP


def test_check_dpop_proof_nbf_exp(browser, bank):
    now = int(time.time())
    code = bank.authorize(browser)["code"]
    answer = bank.redeem(code, headers=bank.proof(nbf=now, exp=now + 300))
    token = answer.json()["access_token"]
    sent = bank.proof(url=ACCOUNTS, method="GET", token=token, nbf=now, exp=now + 300)
    assert bank.resource(token, sent=sent).status_code == 200


@pytest.mark.parametrize("seconds", [-10, 10])
def test_ensure_dpop_proof_with_iat_10_seconds_before_and_after_succeeds(browser, bank, seconds):
    iat = int(time.time()) + seconds
    token = bank.redeem(bank.authorize(browser)["code"], headers=bank.proof(iat=iat)).json()["access_token"]
    sent = bank.proof(url=ACCOUNTS, method="GET", token=token, iat=iat)
    assert bank.resource(token, sent=sent).status_code == 200


def test_ensure_mismatched_dpop_jkt_fails(bank):
    other = ClientKey(kid=None).jwk.thumbprint()
    refused(bank.push(dpop_jkt=other, headers=bank.proof(url=PAR)), "invalid_dpop_proof")


def test_ensure_token_endpoint_fails_with_mismatched_dpop_proof_jkt(browser, bank, bank2):
    """Bound by the proof beside the pushed request (RFC 9449 §10.1)."""
    code = bank.authorize(browser, headers=bank.proof(url=PAR))["code"]
    refused(bank.redeem(code, headers=bank2.proof()), "invalid_grant")


def test_ensure_token_endpoint_fails_with_mismatched_dpop_jkt(browser, bank, bank2):
    code = bank.authorize(browser, dpop_jkt=bank.dpop.jwk.thumbprint())["code"]
    refused(bank.redeem(code, headers=bank2.proof()), "invalid_grant")


def test_ensure_dpop_proof_at_par_endpoint_binding_success(browser, bank):
    assert bank.tokens(browser, headers=bank.proof(url=PAR))["token_type"] == "DPoP"


def test_ensure_dpop_auth_code_binding_success(browser, bank):
    assert bank.tokens(browser, dpop_jkt=bank.dpop.jwk.thumbprint())["token_type"] == "DPoP"


@pytest.mark.parametrize(
    "wrong",
    [
        {"method": "PUT"},
        {"url": f"{conf.ISSUER}/api/v1/nowhere"},
        {"iat": 1},
        {"token": "another token"},
        {"without": "jti"},
        {"without": "htm"},
        {"without": "htu"},
        {"without": "iat"},
        {"without": "ath"},
        {"headers": {"typ": "JWT"}},
    ],
    ids=str,
)
def test_dpop_negative_tests(browser, bank, wrong):
    token = bank.tokens(browser)["access_token"]
    good = {"url": ACCOUNTS, "method": "GET", "token": token}
    assert bank.resource(token, sent=bank.proof(**{**good, **wrong})).status_code == 401
    assert bank.resource(token, sent={}).status_code == 401
    assert bank.resource(token, scheme="Bearer").status_code == 401
    assert bank.resource(token).status_code == 200


# --- request objects


def test_ensure_request_object_with_multiple_aud_succeeds(browser, signer):
    request = signer.request_object(times={"aud": [conf.ISSUER, "https://other.example"]})
    assert "code" in signer.authorize(browser, request=request)


def test_ensure_request_object_with_nbf_8_seconds_in_the_future_is_accepted(browser, signer):
    now = int(time.time())
    assert "code" in signer.authorize(browser, request=signer.request_object(times={"nbf": now + 8}))


@pytest.mark.parametrize("name", ["state", "nonce"])
def test_ensure_different_nonce_and_state_inside_and_outside_request_object(browser, signer, name):
    """Ignored (RFC 9101 §6.3)."""
    code = signer.authorize(browser, outside={name: "outside"})
    assert code["state"] == "the-state"
    assert signer.verified(signer.redeem(code["code"]).json()["id_token"])["nonce"] == "the-nonce"


def test_state_only_outside_request_object_not_used(browser, signer):
    assert "state" not in signer.authorize(browser, state=None, outside={"state": "outside"})


HOUR = 3600


@pytest.mark.parametrize(
    "wrong",
    [
        lambda bank, now: bank.request_object(times={"exp": None}),
        lambda bank, now: bank.request_object(times={"nbf": None}),
        lambda bank, now: bank.request_object(times={"nbf": now - 600, "exp": now - 120}),
        lambda bank, now: bank.request_object(times={"aud": "https://other.example"}),
        lambda bank, now: bank.request_object(times={"nbf": now, "exp": now + HOUR + 600}),
        lambda bank, now: bank.request_object(times={"nbf": now - HOUR - 600, "exp": now + 60}),
        lambda bank, now: bank.request_object()[:-8] + "AAAAAAAA",
        lambda bank, now: bank.request_object(key=ClientKey("PS256")),
        lambda bank, now: bank.request_object(request_uri="urn:ietf:params:oauth:request_uri:x"),
    ],
    ids=[
        "without-exp", "without-nbf", "expired", "bad-aud", "exp-over-60", "nbf-over-60",
        "invalid-signature", "not-matching-key",
        "par-authorization-request-containing-request_uri",
    ],
)  # fmt: skip
def test_ensure_wrong_request_object_fails(signer, wrong):
    answer = signer.push(request=wrong(signer, int(time.time())))
    refused(answer, "invalid_request_object")


def test_ensure_request_object_without_redirect_uri_fails(signer):
    refused(signer.push(redirect_uri=None), "invalid_request")


def test_ensure_signed_request_object_with_rs256_fails(signer):
    """Signed with the registered key, whose JWK names no algorithm: only the algorithm is wrong."""
    key = ClientKey("PS256", kid="key-2")
    public = {name: value for name, value in key.public.items() if name != "alg"}
    Client.objects.filter(client_id=signer.id).update(client_jwks={"keys": [signer.key.public, public]})
    assert signer.push(request=signer.request_object(key=key)).status_code == 201
    key.algorithm = "RS256"
    refused(signer.push(request=signer.request_object(key=key)), "invalid_request_object")


def test_ensure_request_object_signature_algorithm_is_not_none(signer):
    """Apart from the algorithm, the request object is valid: it has every claim."""
    claims = jwt.decode(signer.request_object(), options={"verify_signature": False})
    unsigned = jwt.encode(claims, None, algorithm="none", headers={"typ": "oauth-authz-req+jwt", "kid": "key-1"})
    refused(signer.push(request=unsigned), "invalid_request_object")


def test_ensure_unsigned_request_at_par_endpoint_fails(signer):
    signer.signs = False
    refused(signer.push(response_mode="jwt"), "invalid_request")


# --- the authorization request


def test_ensure_registered_redirect_uri(bank):
    refused(bank.push(redirect_uri="https://app.example/other"), "invalid_request")


def test_ensure_unsigned_authorization_request_without_using_par_fails(browser, bank):
    answer = browser.get(authorization_url(bank.client))
    assert bank.received(answer)["error"] == "invalid_request"


def test_ensure_redirect_uri_in_authorization_request(bank):
    refused(bank.push(redirect_uri=None), "invalid_request")


@pytest.mark.parametrize("response_type", ["code id_token", "token"])
def test_ensure_response_type_code_idtoken_and_token_fail(bank, response_type):
    refused(bank.push(response_type=response_type), "unsupported_response_type")


# --- the token endpoint


def test_ensure_client_id_in_token_endpoint(browser, bank, bank2):
    """An assertion for the second client, signed by the first, with the code of the first."""
    code = bank.authorize(browser)["code"]
    refused(bank.redeem(code, client_id=bank2.id, assertion=bank.key.assertion(bank2.id)), "invalid_client")


def test_ensure_holder_of_key_required(browser, bank):
    refused(bank.redeem(bank.authorize(browser)["code"], headers={}), "invalid_dpop_proof")


def test_ensure_authorization_code_is_bound_to_client(browser, bank, bank2):
    code = bank.authorize(browser)["code"]
    refused_as_unknown(bank2.redeem(code), bank2.redeem("unknown"))
    assert bank.redeem(code).status_code == 200


def test_attempt_reuse_authorization_code_after_one_second(browser, bank):
    code = bank.authorize(browser)["code"]
    token = bank.redeem(code).json()["access_token"]
    with time_machine.travel(timezone.now() + timedelta(seconds=1), tick=True):
        refused(bank.redeem(code), "invalid_grant")
    with time_machine.travel(timezone.now() + timedelta(seconds=8), tick=True):
        assert bank.resource(token).status_code == 401


def test_attempt_to_use_expired_auth_code(browser, bank):
    code = bank.authorize(browser)["code"]
    with time_machine.travel(timezone.now() + timedelta(seconds=65), tick=True):
        refused(bank.redeem(code), "invalid_grant")


def test_ensure_signed_client_assertion_with_rs256_fails(browser, bank):
    """Signed with a registered key whose JWK names no algorithm: only the algorithm is wrong."""
    key = ClientKey("PS256", kid="key-2")
    public = {name: value for name, value in key.public.items() if name != "alg"}
    Client.objects.filter(client_id=bank.id).update(client_jwks={"keys": [bank.key.public, public]})
    assert bank.push(assertion=key.assertion(bank.id)).status_code == 201
    key.algorithm = "RS256"
    refused(bank.push(assertion=key.assertion(bank.id)), "invalid_client")


def test_ensure_client_assertion_in_token_endpoint(browser, bank):
    code = bank.authorize(browser)["code"]
    refused(bank.redeem(code, assertion="", client_id=bank.id), "invalid_client")


@pytest.mark.parametrize(
    "claims",
    [{"exp": timedelta(minutes=-5)}, {"aud": "https://other.example"}, {"without": "sub"}],
    ids=["exp", "aud", "sub"],
)
def test_ensure_client_assertion_with_exp_5_minutes_in_past_wrong_aud_or_no_sub_fails(browser, bank, claims):
    code = bank.authorize(browser)["code"]
    refused(bank.redeem(code, assertion=bank.key.assertion(bank.id, **claims)), "invalid_client")


def test_refresh_token(browser, bank, bank2):
    """A refresh token needs client authentication and a proof, works only for its client and is not rotated
    (§5.3.2.1).
    """
    refresh_token = bank.tokens(browser)["refresh_token"]
    form = {"grant_type": "refresh_token", "refresh_token": refresh_token}
    refused(bank.token(**form, assertion="", client_id=bank.id), "invalid_client")
    refused(bank.token(**form, headers={}), "invalid_dpop_proof")
    refused_as_unknown(bank2.token(**form), bank2.token(**form | {"refresh_token": "unknown"}))
    answer = bank.token(**form).json()
    assert answer["token_type"] == "DPoP"
    assert answer["refresh_token"] == refresh_token
    assert bank.resource(answer["access_token"]).status_code == 200


# --- pushed requests


def test_par_ensure_reused_request_uri_prior_to_auth_completion_succeeds(browser, bank):
    """A link that is opened twice, for example by a browser that prefetches, still leads to the page."""
    request_uri = bank.push().json()["request_uri"]
    assert bank.visit(browser, request_uri).status_code == 200
    page = bank.visit(browser, request_uri)
    assert "code" in bank.received(decide(browser, page))


def test_par_attempt_reuse_request_uri(browser, bank):
    request_uri = bank.push().json()["request_uri"]
    bank.received(decide(browser, bank.visit(browser, request_uri)))
    assert bank.visit(browser, request_uri).status_code == 400


def test_par_attempt_to_use_expired_request_uri(browser, bank):
    pushed = bank.push().json()
    with time_machine.travel(timezone.now() + timedelta(seconds=pushed["expires_in"] + 1), tick=True):
        assert bank.visit(browser, pushed["request_uri"]).status_code == 400


def test_par_ensure_jwt_client_assertion_with_iat_nbf_8_seconds_in_the_future_is_accepted(bank):
    soon = int(time.time()) + 8
    assert bank.push(assertion=bank.key.assertion(bank.id, iat=soon, nbf=soon)).status_code == 201


@pytest.mark.parametrize("name", ["iat", "nbf"])
def test_par_ensure_jwt_client_assertion_with_iat_nbf_over_60_seconds_in_the_future_fails(clock_stands, bank, name):
    later = int(time.time()) + 70
    refused(bank.push(assertion=bank.key.assertion(bank.id, exp=later + 60, **{name: later})), "invalid_client")


def test_par_attempt_to_use_request_uri_for_different_client(browser, bank, bank2):
    assert bank2.visit(browser, bank.push().json()["request_uri"]).status_code == 400


def test_par_authorization_request_containing_request_uri_form_param(bank):
    refused(bank.push(outside={"request_uri": "urn:ietf:params:oauth:request_uri:x"}), "invalid_request")


def test_par_attempt_invalid_http_method(bank):
    assert bank.http.put("/oauth/par").status_code == 405


def test_par_without_duplicate_parameters(browser, bank):
    """All tests here send only client_id and request_uri in the browser. Further parameters change nothing."""
    page = bank.visit(browser, bank.push().json()["request_uri"], scope="transfers:write", state="another")
    answer = bank.received(decide(browser, page))
    assert answer["state"] == "the-state"
    assert "transfers:write" not in bank.redeem(answer["code"]).json()["scope"]


@pytest.mark.parametrize(
    "audience", [[PAR], PAR, f"{conf.ISSUER}/oauth/token"], ids=["array", "par-endpoint", "token-endpoint"]
)
def test_par_endpoint_as_array_audience_par_endpoint_and_token_endpoint_as_audience_fail(bank, audience):
    """§5.3.2.1: the audience must be the issuer as a string, and nothing else."""
    refused(bank.push(assertion=bank.key.assertion(bank.id, aud=audience)), "invalid_client")


# --- PKCE


def test_par_ensure_pkce_required(bank):
    refused(bank.push(code_challenge=None, code_challenge_method=None), "invalid_request")


def test_ensure_pkce_code_verifier_required(browser, bank):
    refused(bank.redeem(bank.authorize(browser)["code"], code_verifier=None), "invalid_grant")


def test_incorrect_pkce_code_verifier_rejected(browser, bank):
    refused(bank.redeem(bank.authorize(browser)["code"], code_verifier="x" * 43), "invalid_grant")


def test_par_plain_pkce_rejected(bank):
    refused(bank.push(code_challenge=CHALLENGE, code_challenge_method="plain"), "invalid_request")


# --- Grant Management


def test_grant_management(browser, bank, bank2):
    """happy-flow, ensure-query-after-revoke-fails, ensure-query-non-existent-grant-fails, and
    ensure-wrong-client-cannot-query- and -revoke-grant."""
    for who in (bank, bank2):
        row = who.client  # client credentials come from an administrator
        row.grant_types = [*row.grant_types, "client_credentials"]
        row.allowed_scopes = [*row.allowed_scopes, "grant_management_query", "grant_management_revoke"]
        if who is bank2:  # a client that may exchange the other's tokens may not manage its grants either
            row.grant_types = [*row.grant_types, "urn:ietf:params:oauth:grant-type:token-exchange"]
            row.exchange_from.add(bank.client)
        row.save()
    tokens = bank.tokens(browser)
    uri = f"/oauth/grants/{tokens['grant_id']}"
    scope = "grant_management_query grant_management_revoke"

    def call(who, method, path=uri):
        token = who.token(grant_type="client_credentials", scope=scope).json()["access_token"]
        sent = who.proof(url=f"{conf.ISSUER}{path}", method=method.upper(), token=token)
        return getattr(who.http, method)(path, headers={"Authorization": f"DPoP {token}", **sent})

    assert call(bank2, "get").status_code == 404
    assert call(bank2, "delete").status_code == 404
    assert set(call(bank, "get").json()["scopes"][0]["scope"].split()) == {"openid", "accounts:read"}
    assert call(bank, "get", "/oauth/grants/00000000-0000-0000-0000-000000000000").status_code == 404
    assert call(bank, "delete").status_code == 204
    assert call(bank, "get").status_code == 404
    assert bank.resource(tokens["access_token"]).status_code == 401


def test_grant_management_ensure_invalid_grant_id_fails(bank):
    refused(bank.push(grant_id="unknown", grant_management_action="replace"), "invalid_grant_id")


@pytest.mark.parametrize("action", ["merge", "replace"])
def test_grant_management_merge_and_replace(browser, bank, action):
    grant_id = bank.tokens(browser, scope="openid accounts:read")["grant_id"]
    again = bank.tokens(
        browser, scope="openid balances:read", grant_id=grant_id, grant_management_action=action, prompt="consent"
    )
    assert again["grant_id"] == grant_id
    assert ("accounts:read" in Authorization.objects.get(pk=grant_id).scopes) == (action == "merge")
