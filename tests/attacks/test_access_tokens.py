"""Access tokens that the API must not accept. Each is refused with 401 and without a query."""

import base64
import json
from datetime import timedelta

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.test import Client as Browser

from oauth import keys
from oauth.conf import conf
from tests.lib.signing_keys import private_key
from tests.lib.times import from_now

pytestmark = pytest.mark.django_db


@pytest.fixture
def present(signing_keys, django_assert_num_queries):
    def send(token, scheme="Bearer"):
        keys.published_jwks()
        with django_assert_num_queries(0):
            return Browser().get("/api/v1/accounts", headers={"Authorization": f"{scheme} {token}"})

    return send


def assert_invalid(answer):
    assert answer.status_code == 401, answer.content
    assert answer["Content-Type"] == "application/problem+json"
    challenge = answer["WWW-Authenticate"]
    assert challenge.startswith('Bearer error="invalid_token"')
    assert f'resource_metadata="{conf.ISSUER}/.well-known/oauth-protected-resource/api/v1"' in challenge


def forge(token, *, header=None, claims=None, key=None, algorithm=None, drop=()):
    """Returns the token with other headers or claims, signed with the real key or another one."""
    ring = keys.signing_key("ES256")
    payload = {**jwt.decode(token, options={"verify_signature": False}), **(claims or {})}
    headers = {"typ": "at+jwt", "kid": ring.kid, **(header or {})}
    payload = {name: value for name, value in payload.items() if name not in drop}
    body = json.dumps(payload).encode()  # PyJWT itself would refuse to sign some of these
    return jwt.api_jws.encode(body, key or private_key(), algorithm=algorithm or "ES256", headers=headers)


def test_a_request_without_a_token_is_told_where_to_get_one(client, signing_keys):
    """RFC 6750 §3.1: no error code; RFC 9728 §5.1."""
    answer = client.get("/api/v1/accounts")
    assert answer.status_code == 401
    assert "error=" not in answer["WWW-Authenticate"]
    assert "resource_metadata=" in answer["WWW-Authenticate"]


@pytest.mark.parametrize(
    ("method", "path", "scopes"), [("get", "accounts", "accounts:read"), ("post", "transfers", "transfers:write")]
)
@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer x.y.z"}], ids=["no token", "invalid token"])
def test_a_client_that_needs_a_token_learns_which_scope_to_request(client, signing_keys, method, path, scopes, headers):
    """RFC 6750 §3. Clients of the Model Context Protocol otherwise request all scopes of the API's metadata."""
    answer = getattr(client, method)(f"/api/v1/{path}", headers=headers)
    assert answer.status_code == 401
    assert f'scope="{scopes}"' in answer["WWW-Authenticate"]


def test_a_valid_token_is_accepted_with_the_scheme_in_any_case(present, access_token, alice, django_assert_num_queries):
    token = access_token(alice)
    for scheme in ("Bearer", "bearer", "BEARER"):
        with django_assert_num_queries(1):  # one query for the status list, none for the token
            answer = Browser().get("/api/v1/accounts", headers={"Authorization": f"{scheme} {token}"})
        assert answer.status_code == 200


@pytest.mark.parametrize("part", [None, 0, 1, 2])
def test_a_token_has_one_spelling(present, access_token, alice, part):
    """RFC 7515 §2: the last base64url character of a part may have unused bits. Other spellings are refused even if the
    site itself has signed them.
    """
    ring, ecdsa = keys.signing_key("ES256"), jwt.algorithms.get_default_algorithms()["ES256"]
    claims = jwt.decode(access_token(alice), options={"verify_signature": False})
    parts = []
    for content in ({"typ": "at+jwt", "alg": "ES256", "kid": ring.kid}, claims):
        text = json.dumps(content).encode()
        # one byte longer than allowed
        parts.append(base64.urlsafe_b64encode(text + b" " * (-len(text) % 3 + 1)).rstrip(b"="))
    for number in (0, 1, 2):
        if number == 2:
            signature = ecdsa.sign(b".".join(parts), private_key())
            parts.append(base64.urlsafe_b64encode(signature).rstrip(b"="))
        if number == part:
            parts[number] = parts[number][:-1] + bytes([parts[number][-1] + 1])
    answer = Browser().get("/api/v1/accounts", headers={"Authorization": f"Bearer {b'.'.join(parts).decode()}"})
    assert answer.status_code == (200 if part is None else 401)


@pytest.mark.parametrize(
    "claims",
    [
        {"exp": timedelta(seconds=-31)},
        {"exp": "9999999999"},
        {"exp": -1},
        {"exp": None},
        {"nbf": timedelta(hours=1)},
        {"iat": timedelta(hours=1)},
        {"iss": "https://evil.example"},
        {"iss": ["http://localhost:8000"]},
        {"iss": "http://localhost:800"},
        {"iss": "http://localhost:8000/"},
        {"aud": "https://other.example/api/v1"},
        {"aud": "http://localhost:8000/api/v1/"},
        {"aud": "http://localhost:8000/api"},
        {"aud": []},
        {"aud": {}},
        {"sub": 7},
        {"scope": ["accounts:read"]},
        {"scope": None},
        {"jti": None},
        {"cnf": {}},
        {"cnf": "x"},
        {"status": {}},
        {"status": {"another": 1}},
        {"status": {"status_list": {}}},
        {"status": {"status_list": {"idx": True, "uri": "http://localhost:8000/oauth/status/0"}}},
        {"client_id": 7},
        {"nbf": "1"},
        {"nbf": True},
        {"iat": True},
        {"auth_time": True},
        {"grant_id": 7},
        {"acr": []},
        {"sid": {}},
        {"amr": "pwd"},
        {"authorization_details": {}},
        {"authorization_details": ["x"]},
        {"act": "x"},
        {"cnf": {"x5t#S256": "x"}},  # bound to a certificate that this request does not present (RFC 8705 §3)
    ],
)
def test_wrong_claims_are_refused(present, access_token, alice, claims):
    """ASVS 9.2.1, 9.2.3, 10.3.1; PyJWT CVE-2024-53861."""
    assert_invalid(present(forge(access_token(alice), claims=from_now(claims))))


@pytest.mark.parametrize("claim", ["iss", "sub", "aud", "exp", "iat", "jti", "client_id"])
def test_missing_claims_are_refused(present, access_token, alice, claim):
    assert_invalid(present(forge(access_token(alice), drop=[claim])))


@pytest.mark.parametrize("typ", ["JWT", "logout+jwt", "dpop+jwt", "", "at+jwtx", None])
def test_another_type_of_token_is_refused(present, access_token, alice, typ):
    """ASVS 9.2.2, RFC 8725 §3.11."""
    assert_invalid(present(forge(access_token(alice), header={"typ": typ})))


@pytest.mark.parametrize("typ", ["AT+JWT", "application/at+jwt"])
def test_the_type_is_matched_as_a_media_type(present, access_token, alice, typ):
    """RFC 9068 §4."""
    token = forge(access_token(alice), header={"typ": typ})
    assert Browser().get("/api/v1/accounts", headers={"Authorization": f"Bearer {token}"}).status_code == 200


def test_an_id_token_is_no_access_token(present, issued, mobile_app):
    assert_invalid(present(issued(mobile_app, scope="openid accounts:read")["id_token"]))


@pytest.mark.parametrize("alg", ["none", "None", "NONE", "nOnE"])
def test_an_unsigned_token_is_refused(present, access_token, alice, alg):
    """ASVS 9.1.2."""
    header, payload, signature = access_token(alice).split(".")
    unsigned = base64.urlsafe_b64encode(json.dumps({"alg": alg, "typ": "at+jwt", "kid": "x"}).encode())
    unsigned_header = unsigned.rstrip(b"=").decode()
    for token in (f"{unsigned_header}.{payload}.", f"{unsigned_header}.{payload}.{signature}", f"{header}.{payload}."):
        assert_invalid(present(token))


def test_the_public_key_is_no_hmac_secret(present, access_token, alice):
    """PyJWT CVE-2017-11424, CVE-2022-29217: confusion by PEM, DER and JWK text."""
    public = private_key().public_key()
    jwk = json.dumps(keys.published_jwks()["keys"][0]).encode()
    der = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    _, payload, _ = access_token(alice).split(".")
    kid = keys.signing_key("ES256").kid
    for secret in (pem, der, jwk):
        header = json.dumps({"alg": "HS256", "typ": "at+jwt", "kid": kid}).encode()
        signing_input = base64.urlsafe_b64encode(header).rstrip(b"=") + b"." + payload.encode()
        mac = jwt.algorithms.HMACAlgorithm(jwt.algorithms.HMACAlgorithm.SHA256).sign(signing_input, secret)
        signature = base64.urlsafe_b64encode(mac).rstrip(b"=")
        assert_invalid(present((signing_input + b"." + signature).decode()))


def test_another_key_is_refused_under_any_name(present, access_token, alice):
    """ASVS 9.1.3; jwt_tool i, s: no header of the token may choose the key."""
    stranger = ec.generate_private_key(ec.SECP256R1())
    jwk = jwt.algorithms.ECAlgorithm.to_jwk(stranger.public_key(), as_dict=True)
    token = access_token(alice)
    for header in (
        {},
        {"kid": "unknown"},
        {"kid": "../../dev/null"},
        {"kid": "' OR 1=1 --"},
        {"kid": "unknown", "jwk": jwk},
        {"kid": "unknown", "jku": "https://evil.example/jwks"},
        {"kid": "unknown", "x5u": "https://evil.example/x"},
    ):
        assert_invalid(present(forge(token, header=header, key=stranger)))
    rsa_key = rsa.generate_private_key(65537, 2048)
    assert_invalid(present(forge(token, key=rsa_key, algorithm="RS256")))


def test_a_key_signs_by_its_own_algorithm_only(present, access_token, alice):
    """PyJWT CVE-2026-48523: the RS256 key of ID tokens used as PS256."""
    kid = keys.signing_key("RS256").kid
    token = forge(access_token(alice), key=private_key("RS256"), algorithm="PS256", header={"kid": kid})
    assert_invalid(present(token))


@pytest.mark.parametrize("header", [{"crit": ["exp"]}, {"crit": []}, {"crit": "exp"}, {"zip": "DEF"}])
def test_extensions_that_are_not_understood_are_refused(present, access_token, alice, header):
    """RFC 7515 §4.1.11; PyJWT CVE-2026-32597."""
    assert_invalid(present(forge(access_token(alice), header=header)))


def test_every_changed_character_is_refused(present, access_token, alice):
    """ASVS 9.1.1; ZITADEL CVE-2026-27840: one token has one spelling."""
    token = access_token(alice)
    for index in range(0, len(token), 3):
        other = "A" if token[index] != "A" else "B"
        assert_invalid(present(token[:index] + other + token[index + 1 :]))
    last = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    for other in set(last) - {token[-1]}:
        assert_invalid(present(token[:-1] + other))


def test_every_prefix_and_other_spelling_is_refused(present, access_token, alice):
    token = access_token(alice)
    for length in range(1, len(token), 7):
        assert_invalid(present(token[:length]))
    for spelling in (token + "=", token + ".", token + ".x", "." + token, token.replace(".", ".."), token + "A"):
        assert_invalid(present(spelling))


def test_huge_tokens_are_refused_before_they_are_looked_at(present):
    """Authlib CVE-2025-61920."""
    assert_invalid(present("." * 100_000))
    assert_invalid(present("a" * 9000 + ".b.c"))


@pytest.mark.parametrize("value", ["Bearer", "Bearer ", "Bearer {t} x", "Bearer\t{t}", "Bearer {t},{t}"])
def test_a_malformed_header_is_refused(access_token, alice, value):
    header = value.format(t=access_token(alice))
    answer = Browser().get("/api/v1/accounts", headers={"Authorization": header})
    assert answer.status_code in (400, 401)


@pytest.mark.parametrize("value", ["Bearer  {t}", "Bearer {t} "])
def test_spaces_around_a_token_are_ignored(access_token, alice, value):
    """RFC 9110 §11.4 allows several spaces before the token; §5.5: whitespace around a field value is not part of
    it.
    """
    header = value.format(t=access_token(alice))
    assert Browser().get("/api/v1/accounts", headers={"Authorization": header}).status_code == 200


def test_a_token_elsewhere_than_in_the_header_is_not_looked_at(client, access_token, alice):
    """RFC 6750 §2.3, RFC 9700 §4.3.2."""
    token = access_token(alice)
    assert client.get(f"/api/v1/accounts?access_token={token}").status_code == 401


def test_the_refusal_of_a_token_names_the_missing_scope_and_its_code(client, access_token, alice):
    """RFC 6750 §3.1."""
    headers = {"Authorization": f"Bearer {access_token(alice, scope='balances:read')}"}
    answer = client.get("/api/v1/accounts", headers=headers)
    assert answer.status_code == 403
    assert 'error="insufficient_scope"' in answer["WWW-Authenticate"]
    assert 'scope="accounts:read"' in answer["WWW-Authenticate"]
    assert answer.json()["code"] == "insufficient_scope"


def test_a_token_is_no_log_in(client, access_token, alice):
    headers = {"Authorization": f"Bearer {access_token(alice)}"}
    assert client.get("/admin/", headers=headers).status_code == 302
