"""Wycheproof's JWS and JWK vectors against the verifier of access tokens.

The vectors sign payloads such as `foo`, which are not claims: decoding always fails. The test looks at the step that
fails: if the verifier has read the payload and refused its content, it has accepted the signature.
"""

import json
import time
from pathlib import Path
from typing import Any

import jwt
import pytest

from oauth.algorithms import SIGNING_ALGORITHMS
from oauth.models.client import keys as client_keys
from oauth.resource_server.jwks import parse
from oauth.tokens.verification import InvalidJWT, VerifyingBackend

VECTORS = Path(__file__).parent / "vectors" / "wycheproof"
ISSUER, AUDIENCE = "https://login.example", "https://api.example/v1"

# Vectors for which we expect another result than Wycheproof. An entry that is no longer true fails its test.
SYMMETRIC = "a secret that two share proves no issuer (RFC 9068 §2.1, RFC 8725 §3.1)"
UNSUPPORTED = "the algorithm is none of ours (RFC 8725 §3.1)"
EMPTY = "the payload is empty, so it is no JSON object (RFC 7519 §7.2 step 10)"
KEY_IS_FOR_ANOTHER = "the key's alg is not the header's, or no registered one (RFC 7517 §4.4)"
STRAY_CHARACTER = "a character that is not of base64url (RFC 7515 §2)"
JWS_DIFFERENCES = {
    **dict.fromkeys([1, 348, 352, 357, 358, 359, 376, 377], SYMMETRIC),
    **dict.fromkeys([265, 266, 267, 269, 270, 271, 321, 322, 323, 326, 327, 328], UNSUPPORTED),
    **dict.fromkeys([259, 264, 268, 272, 320, 325], EMPTY),
    **dict.fromkeys([346, 347, 350, 351], KEY_IS_FOR_ANOTHER),
    **dict.fromkeys([372, 373], STRAY_CHARACTER),
}
JWK_DIFFERENCES = {
    **dict.fromkeys([2, 13, 14, 15], SYMMETRIC),
    7: "ROCA is a flaw of smart cards; the keys of an issuer are its own and are not tested for it",
}
# Keys that the issuer's set may hold although RFC 7518 §3.3 forbids them; a client's may not.
WEAK_KEYS_OF_AN_ISSUER = {7}


def vectors(file: str) -> list[Any]:
    """Yields (key set, vector) for every test. The key set has what a verifier knows about the key."""
    groups = json.loads((VECTORS / file).read_text())["testGroups"]
    return [
        pytest.param(_key_set(group), vector, id=f"{vector['tcId']}-{group['comment']}-{vector['comment']}")
        for group in groups
        for vector in group["tests"]
    ]


def _key_set(group: dict[str, Any], part: str = "public") -> dict[str, Any]:
    key = group.get(part) or group["private"]
    return key if "keys" in key else {"keys": [key]}


def verifier(jwks: dict[str, Any], *, typ: str = "") -> VerifyingBackend:
    """The verifier of an issuer with these keys; the vectors' headers have no `typ`."""
    return VerifyingBackend(typ=typ, issuer=ISSUER, audiences=[AUDIENCE], find_key=usable_keys(jwks).get)


def usable_keys(jwks: dict[str, Any]) -> dict[str, jwt.PyJWK]:
    try:
        return parse(jwks)
    except ValueError:
        return {}


def signature_holds(backend: VerifyingBackend, token: str) -> bool:
    """Whether the verifier has read the payload, which it does only after a valid signature (ASVS 9.1.1)."""
    with pytest.raises(InvalidJWT) as refusal:
        backend.decode(token)
    cause = refusal.value.__cause__
    return isinstance(cause, jwt.MissingRequiredClaimError) or str(cause).startswith("Invalid payload string")


def named_key(jwks: dict[str, Any], vector: dict[str, Any]) -> dict[str, Any]:
    kid = jwt.get_unverified_header(vector["jws"])["kid"]
    return next(key for key in jwks["keys"] if key["kid"] == kid)


@pytest.mark.parametrize(("jwks", "vector"), vectors("json_web_signature_test.json"))
def test_asvs_9_1_1_a_signature_holds_only_where_it_should(jwks, vector):
    """ASVS 9.1.1, 9.1.2, 9.1.3; RFC 7515 §5.2."""
    expected = (vector["result"] == "valid") != (vector["tcId"] in JWS_DIFFERENCES)
    assert signature_holds(verifier(jwks), vector["jws"]) == expected, JWS_DIFFERENCES.get(vector["tcId"])


@pytest.mark.parametrize(("jwks", "vector"), vectors("json_web_key_test.json"))
def test_asvs_9_1_3_a_signature_holds_only_by_a_key_that_may_sign(jwks, vector):
    """ASVS 9.1.3; RFC 7517 §4."""
    expected = (vector["result"] == "valid") != (vector["tcId"] in JWK_DIFFERENCES)
    assert signature_holds(verifier(jwks), vector["jws"]) == expected, JWK_DIFFERENCES.get(vector["tcId"])


SYMMETRIC_VECTORS = [
    one
    for one in vectors("json_web_signature_test.json") + vectors("json_web_key_test.json")
    if any(key["kty"] == "oct" for key in one.values[0]["keys"])
]


@pytest.mark.parametrize(("jwks", "vector"), SYMMETRIC_VECTORS)
def test_asvs_9_1_2_no_hmac_is_even_computed(jwks, vector):
    """ASVS 9.1.2: the verifier refuses it for its form or header, valid or not, before it looks for a key."""
    looked_for: list[str] = []
    backend = verifier(jwks)
    backend.find_key = looked_for.append
    with pytest.raises(InvalidJWT):
        backend.decode(vector["jws"])
    assert looked_for == []


@pytest.mark.parametrize(("jwks", "vector"), vectors("json_web_key_test.json"))
def test_asvs_9_1_3_no_broken_key_comes_out_of_an_issuers_set(jwks, vector):
    """ASVS 9.1.3; RFC 7517 §5: no usable key has the vector's kid, whatever else the set contains."""
    key = usable_keys(jwks).get(named_key(jwks, vector)["kid"])
    is_usable = key is not None and key.algorithm_name in SIGNING_ALGORITHMS
    is_fine = vector["result"] == "valid" and named_key(jwks, vector)["kty"] != "oct"
    assert is_usable == (is_fine or vector["tcId"] in WEAK_KEYS_OF_AN_ISSUER)


@pytest.mark.parametrize(("jwks", "vector"), vectors("json_web_key_test.json"))
def test_asvs_9_1_3_no_broken_or_weak_key_is_registered_by_a_client(jwks, vector):
    """RFC 7518 §3.3, §3.5: RSA keys are tried as PS256, since no client may sign with RS256 whatever its key."""
    jwks = {"keys": [{**key, "alg": "PS256"} if key["alg"] == "RS256" else key for key in jwks["keys"]]}
    key = named_key(jwks, vector)
    try:
        client_keys.validate_jwks(jwks)
        is_usable = key["alg"] in ("PS256", "ES256") and client_keys.fits(key, kid=key["kid"], algorithm=key["alg"])
        client_keys.load(key, key["alg"])  # a set may contain a broken key, which verifies no signature
    except ValueError:
        is_usable = False
    is_fine = vector["result"] == "valid" and named_key(jwks, vector)["kty"] != "oct"
    assert is_usable == (is_fine or vector["tcId"] == 7), JWK_DIFFERENCES.get(vector["tcId"])


@pytest.mark.parametrize("algorithm", ["ES256", "RS256", "PS256"])
def test_an_access_token_by_a_vectors_key_is_accepted_and_a_changed_one_not(algorithm):
    """The vectors do not show that a correct token is accepted; this test does so with the same keys."""
    groups = json.loads((VECTORS / "json_web_signature_test.json").read_text())["testGroups"]
    group = next(group for group in groups if group["comment"] == algorithm.lower())
    [private] = _key_set(group, "private")["keys"]
    now = int(time.time())
    claims = {"iss": ISSUER, "aud": AUDIENCE, "sub": "u", "client_id": "c", "jti": "j", "iat": now, "exp": now + 60}
    headers = {"typ": "at+jwt", "kid": private["kid"]}
    token = jwt.encode(claims, jwt.PyJWK(private), algorithm=algorithm, headers=headers)
    backend = verifier(_key_set(group), typ="at+jwt")
    assert backend.decode(token) == claims
    header, _, signature = token.split(".")
    other = jwt.utils.base64url_encode(json.dumps({**claims, "sub": "somebody else"}).encode()).decode()
    with pytest.raises(InvalidJWT):
        backend.decode(f"{header}.{other}.{signature}")
