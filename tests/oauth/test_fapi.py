"""FAPI 2.0 by one switch on a client: the Security Profile and Message Signing, and the features that they consist
of.
"""

import time
from datetime import timedelta
from urllib.parse import parse_qs, urlencode, urlsplit

import jwt
import pytest
import time_machine
from django.core.exceptions import ValidationError
from django.test import Client as Browser
from django.utils import timezone

from oauth import keys
from oauth.conf import conf
from oauth.models import Client
from tests.lib.client_keys import ClientKey, by
from tests.lib.dpop import proof
from tests.lib.oauth_client import CHALLENGE, VERIFIER, authorization_url, decide, decoded
from tests.lib.registered import make_client

pytestmark = pytest.mark.django_db

KEY = ClientKey("PS256")
FORM = "application/x-www-form-urlencoded"
BASE = {
    "redirect_uri": "https://app.example/callback", "response_type": "code", "scope": "openid accounts:read",
    "state": "the-state", "nonce": "the-nonce", "code_challenge": CHALLENGE, "code_challenge_method": "S256",
}  # fmt: skip


def made(profile, **values):
    client = make_client(
        "web", token_endpoint_auth_method="private_key_jwt", client_jwks={"keys": [KEY.public]}, security_profile=profile,
        **values,
    )  # fmt: skip
    client.full_clean()
    client.save()
    return client


@pytest.fixture
def bank(signing_keys):
    return made("fapi2")


@pytest.fixture
def signer(signing_keys):
    return made("fapi2-message-signing")


@pytest.fixture
def keyed(signing_keys):
    """An ordinary client with keys: each building block works alone."""
    return made("oauth21")


def push(client, *, key=KEY, assertion=None, **parameters):
    body = {**BASE, "client_id": client.client_id, **by(assertion or key.assertion(client.client_id)), **parameters}
    body = {name: value for name, value in body.items() if value is not None}
    return Browser(raise_request_exception=False).post("/oauth/par", urlencode(body), content_type=FORM)


def ask(browser, client, request_uri):
    query = urlencode({"client_id": client.client_id, "request_uri": request_uri})
    page = browser.get(f"/oauth/authorize?{query}")
    return decide(browser, page) if page.status_code == 200 else page


def returned(answer):
    assert answer.status_code == 303, answer.content
    return {name: values[0] for name, values in parse_qs(urlsplit(answer["Location"]).query).items()}


def redeem(token_endpoint, client, code, *, headers=None, assertion=None):
    form = by(assertion or KEY.assertion(client.client_id))
    return token_endpoint.post(
        grant_type="authorization_code", code=code, code_verifier=VERIFIER, redirect_uri=BASE["redirect_uri"],
        headers={"DPoP": proof()} if headers is None else headers, **form,
    )  # fmt: skip


def request_object(client, *, key=KEY, without=(), headers=None, **claims):
    now = int(time.time())
    given = {
        **BASE, "client_id": client.client_id, "iss": client.client_id, "aud": conf.ISSUER, "nbf": now, "exp": now + 300,
        **claims,
    }  # fmt: skip
    return key.sign(
        {name: value for name, value in given.items() if name not in without},
        **{"typ": "oauth-authz-req+jwt", **(headers or {})},
    )


def opened(response, client):
    """Verifies a JARM response as a client does (JARM §2.4). Returns its parameters."""
    header = jwt.get_unverified_header(response)
    key = jwt.PyJWKSet.from_dict(keys.published_jwks())[header["kid"]]
    return jwt.decode(response, key, algorithms=[header["alg"]], audience=client.client_id, issuer=conf.ISSUER)


# --- the Security Profile


def test_the_whole_flow(browser, bank, token_endpoint):
    answer = returned(ask(browser, bank, push(bank).json()["request_uri"]))
    assert (answer["state"], answer["iss"]) == ("the-state", conf.ISSUER)
    tokens = redeem(token_endpoint, bank, answer["code"]).json()
    assert tokens["token_type"] == "DPoP"
    assert jwt.get_unverified_header(tokens["id_token"])["alg"] == "ES256"  # §5.4.1: no RS256
    assert decoded(tokens["access_token"])["cnf"]["jkt"]
    refreshed = token_endpoint.post(
        grant_type="refresh_token", refresh_token=tokens["refresh_token"], headers={"DPoP": proof()},
        **by(KEY.assertion(bank.client_id)),
    )  # fmt: skip
    assert refreshed.json()["refresh_token"] == tokens["refresh_token"]  # §5.3.2.1: not rotated
    assert refreshed.json()["token_type"] == "DPoP"


def test_asvs_10_4_13_only_a_pushed_request_is_accepted(browser, bank):
    """§5.3.2.2: even if a field of the client says otherwise."""
    Client.objects.update(require_pushed_authorization_requests=False)
    answer = returned(browser.get(authorization_url(bank)))
    assert answer["error"] == "invalid_request"


def test_asvs_10_4_14_only_bound_tokens_are_issued(browser, bank, token_endpoint):
    """§5.3.2.1."""
    code = returned(ask(browser, bank, push(bank).json()["request_uri"]))["code"]
    assert redeem(token_endpoint, bank, code, headers={}).json()["error"] == "invalid_dpop_proof"
    assert redeem(token_endpoint, bank, code).status_code == 200


def test_asvs_10_4_16_a_secret_is_refused_even_if_the_row_has_one(bank, token_endpoint):
    """§5.3.2.1: this is checked at each request, whatever the row contains."""
    secret = bank.issue_secret()
    bank.token_endpoint_auth_method = "client_secret_post"
    bank.save()
    form = {"client_id": bank.client_id, "client_secret": secret}
    assert token_endpoint.post(grant_type="client_credentials", **form).json()["error"] == "invalid_client"


@pytest.mark.parametrize("audience", [[conf.ISSUER], f"{conf.ISSUER}/oauth/token", f"{conf.ISSUER}/oauth/par"])
def test_the_audience_of_an_assertion_is_the_issuer_as_a_string(bank, audience):
    """§5.3.2.1."""
    assert push(bank, assertion=KEY.assertion(bank.client_id, aud=audience)).json()["error"] == "invalid_client"


def test_an_assertion_lives_five_minutes(bank):
    """ASVS 5.0 10.4.16."""
    assertion = KEY.assertion(bank.client_id, exp=int(time.time()) + 600)
    assert push(bank, assertion=assertion).json()["error"] == "invalid_client"


@pytest.mark.parametrize(
    "parameters", [{"redirect_uri": None}, {"code_challenge": None}, {"code_challenge_method": "plain"}]
)
def test_an_incomplete_pushed_request_is_refused(bank, parameters):
    """§5.3.2.2."""
    assert push(bank, **parameters).json()["error"] == "invalid_request"


@pytest.mark.parametrize(
    "values",
    [
        {"token_endpoint_auth_method": "client_secret_basic", "client_jwks": None},
        {"token_endpoint_auth_method": "none", "client_type": "public", "client_jwks": None},
        {"id_token_signed_response_alg": "RS256"},
        {"client_jwks": None},
    ],
)
def test_an_unsafe_fapi_client_cannot_be_made(db, values):
    """The checks run on every save by a form of the admin or by registration (Keycloak CVE-2026-9792)."""
    given = {"token_endpoint_auth_method": "private_key_jwt", "client_jwks": {"keys": [KEY.public]}, **values}
    with pytest.raises(ValidationError):
        make_client("web", security_profile="fapi2", **given).full_clean()


# --- request objects (RFC 9101)


def test_a_signed_request_by_value(browser, keyed):
    signed = request_object(keyed)
    query = urlencode({"client_id": keyed.client_id, "request": signed, "scope": "transfers:write", "state": "other"})
    answer = returned(decide(browser, browser.get(f"/oauth/authorize?{query}")))
    assert answer["state"] == "the-state"  # §6.3: only the parameters in the request object count


def test_numbers_objects_and_lists_are_parameters_too(browser, keyed):
    signed = request_object(keyed, max_age=3600, claims={"id_token": {"email": None}}, resource=[conf.audiences[0]])
    answer = push(keyed, request=signed)
    assert answer.status_code == 201, answer.content
    page = browser.get("/oauth/authorize?" + urlencode({"client_id": keyed.client_id, **answer.json()}))
    assert b"See your email address" in page.content


@pytest.mark.parametrize(
    "wrong",
    [
        {"without": ("exp",)}, {"aud": [conf.ISSUER, "https://other.example"]}, {"aud": []}, {"sub": "another"},
        {"aud": "https://other.example"}, {"without": ("aud",)}, {"iss": "another"}, {"exp": 1}, {"client_id": "another"},
        {"nbf": timedelta(hours=1)}, {"request": "x"}, {"request_uri": "urn:x"}, {"key": ClientKey("PS256")},
        {"headers": {"typ": "at+jwt"}}, {"headers": {"kid": "unknown"}}, {"headers": {"crit": ["exp"]}},
        {"state": "a\x00b"}, {"state": "\ud800"},
    ],
)  # fmt: skip
def test_a_wrong_request_object_is_refused(keyed, wrong):
    answer = push(keyed, request=request_object(keyed, **wrong))
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request_object"), answer.content


def test_a_request_object_never_names_the_client_as_its_subject(keyed):
    """RFC 9101 §10.8: otherwise, it could be used as a client assertion."""
    answer = push(keyed, request=request_object(keyed, sub=keyed.client_id))
    assert answer.json()["error"] == "invalid_request_object"


@pytest.mark.parametrize("typ", ["application/OAuth-Authz-Req+JWT", "jwt"])
def test_the_type_of_a_request_object_counts_in_any_case(keyed, typ):
    """RFC 7515 §4.1.9."""
    assert push(keyed, request=request_object(keyed, headers={"typ": typ})).status_code == 201


def test_what_is_wrong_with_its_header_is_named(keyed):
    for header, name in [({"typ": "at+jwt"}, "typ of request"), ({"crit": ["exp"]}, "crit")]:
        assert name in push(keyed, request=request_object(keyed, headers=header)).json()["error_description"]
    keyed.request_object_signing_alg = "ES256"
    keyed.save()
    assert "alg of request" in push(keyed, request=request_object(keyed)).json()["error_description"]


def test_rs256_signs_the_requests_of_an_ordinary_client(keyed, bank):
    """OpenID Connect Core §6.1, RFC 8414 §2; FAPI 2.0 §5.4.1 forbids it."""
    key = ClientKey("RS256", kid="rsa")
    for client in (keyed, bank):
        client.client_jwks = {"keys": [KEY.public, key.public]}
        client.save()
    assert push(keyed, request=request_object(keyed, key=key)).status_code == 201
    assert push(bank, request=request_object(bank, key=key)).json()["error"] == "invalid_request_object"
    assert push(keyed, assertion=key.assertion(keyed.client_id)).status_code == 201
    assert push(bank, assertion=key.assertion(bank.client_id)).json()["error"] == "invalid_client"


@pytest.mark.parametrize("request_", ["nonsense", "a.b.c", "eyJhbGciOiJub25lIn0.e30.", "." * 3000])
def test_a_request_object_that_is_not_a_signed_jwt_is_refused(keyed, request_):
    assert push(keyed, request=request_).json()["error"] == "invalid_request_object"


def test_a_fault_in_it_is_told_to_a_proven_address_only(browser, keyed):
    """RFC 9700 §4.11."""
    broken = {"client_id": keyed.client_id, "request": "nonsense"}
    assert browser.get("/oauth/authorize?" + urlencode(broken)).status_code == 400
    proven = {**broken, "redirect_uri": BASE["redirect_uri"], "response_type": "code"}
    assert returned(browser.get("/oauth/authorize?" + urlencode(proven)))["error"] == "invalid_request_object"


def test_the_client_may_choose_its_algorithm(keyed):
    keyed.request_object_signing_alg = "ES256"
    keyed.save()
    assert push(keyed, request=request_object(keyed)).json()["error"] == "invalid_request_object"


# --- signed answers (JARM)


@pytest.mark.parametrize("mode", ["jwt", "query.jwt"])
def test_an_answer_in_a_jwt(browser, keyed, token_endpoint, mode):
    answer = returned(ask(browser, keyed, push(keyed, response_mode=mode).json()["request_uri"]))
    assert answer.keys() == {"response"}
    claims = opened(answer["response"], keyed)
    assert (claims["state"], claims["iss"], claims["aud"]) == ("the-state", conf.ISSUER, keyed.client_id)
    assert 0 < claims["exp"] - time.time() <= 600
    assert redeem(token_endpoint, keyed, claims["code"]).status_code == 200


def test_a_signed_answer_by_form_and_a_signed_error(browser, keyed):
    page = ask(browser, keyed, push(keyed, response_mode="form_post.jwt").json()["request_uri"])
    assert b'name="response"' in page.content
    assert b'name="code"' not in page.content
    answer = returned(browser.get(authorization_url(keyed, response_mode="jwt", scope="nonsense")))
    assert opened(answer["response"], keyed)["error"] == "invalid_scope"


def test_the_client_chooses_the_signature_of_answers(browser, keyed):
    keyed.authorization_signed_response_alg = "EdDSA"
    keyed.save()
    answer = returned(ask(browser, keyed, push(keyed, response_mode="jwt").json()["request_uri"]))
    assert jwt.get_unverified_header(answer["response"])["alg"] == "EdDSA"
    opened(answer["response"], keyed)


# --- Message Signing


def test_the_whole_flow_with_signed_messages(browser, signer, token_endpoint):
    pushed = push(signer, request=request_object(signer, response_mode="jwt"))
    claims = opened(returned(ask(browser, signer, pushed.json()["request_uri"]))["response"], signer)
    tokens = redeem(token_endpoint, signer, claims["code"]).json()
    body = urlencode({"token": tokens["access_token"], **by(KEY.assertion(signer.client_id))})
    answer = Browser().post("/oauth/introspect", body, content_type=FORM)
    assert answer["Content-Type"] == "application/token-introspection+jwt"
    told = opened(answer.content.decode(), signer)["token_introspection"]
    assert (told["active"], told["scope"]) == (True, tokens["scope"])


def test_unsigned_messages_are_refused(signer):
    """Message Signing §5.3.1, §5.4.1."""
    assert push(signer, response_mode="jwt").json()["error"] == "invalid_request"
    assert push(signer, request=request_object(signer)).json()["error"] == "invalid_request"
    assert push(signer, request=request_object(signer, response_mode="query")).json()["error"] == "invalid_request"


@pytest.mark.parametrize(
    "wrong", [{"without": ("exp",)}, {"without": ("nbf",)}, {"without": ("iss",)}, {"exp": 9999999999}]
)
def test_the_lifetime_of_a_signed_request_is_bounded(signer, wrong):
    signed = request_object(signer, response_mode="jwt", **wrong)
    assert push(signer, request=signed).json()["error"] == "invalid_request_object"


def test_a_signed_request_is_over_an_hour_after_it_began(signer):
    signed = request_object(signer, response_mode="jwt", nbf=int(time.time()) - 3500, exp=int(time.time()) + 90)
    assert push(signer, request=signed).status_code == 201
    with time_machine.travel(timezone.now() + timedelta(minutes=5)):
        assert push(signer, request=signed).json()["error"] == "invalid_request_object"
