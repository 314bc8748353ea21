"""The attacks of jwt_tool's playbook and PortSwigger's JWT labs, with a live access token at the API.

Every forgery is the live token with one thing changed, so nothing else explains the refusal; each is 401 with
`invalid_token`, and no query runs for it. `test_access_tokens.py` has the attacks that need no forger.
"""

import base64
import datetime
import json
import time
from dataclasses import dataclass
from itertools import product

import jwt
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import NameOID
from jwt.utils import base64url_encode

from oauth import keys
from oauth.conf import conf
from oauth.sessions import backchannel_logout
from oauth.status import published_lists
from tests.lib.client_keys import ClientKey
from tests.lib.signing_keys import private_key

pytestmark = pytest.mark.django_db

HMACS = ["HS256", "HS384", "HS512"]
# The example secret of jwt.io, those of the labs, and defaults that often remain in settings files.
WEAK_SECRETS = ["", "\0", " ", "secret", "secret1", "password", "changeme", "your-256-bit-secret", "null", "key"]


@dataclass(frozen=True)
class Live:
    """An access token that the API accepts now."""

    token: str

    @property
    def header(self):
        return jwt.get_unverified_header(self.token)

    @property
    def claims(self):
        return jwt.decode(self.token, options={"verify_signature": False})

    @property
    def kid(self):
        return self.header["kid"]

    def forged(self, sign, *, header=None, claims=None, without=()):
        """Returns the token with these headers and claims; `claims` may be the JSON text of the whole payload."""
        payload = claims if isinstance(claims, str) else json.dumps({**self.claims, **(claims or {})})
        merged = {**self.header, **(header or {})}
        return compact({name: value for name, value in merged.items() if name not in without}, payload, sign)

    def with_claim(self, name, text):
        """A token that the site signed, in which the claim is this JSON text. Python's json could not write some of
        these texts. None leaves the claim out.
        """
        body = json.dumps({other: value for other, value in self.claims.items() if other != name})
        return self.forged(ours, claims=body if text is None else f'{body[:-1]}, "{name}": {text}}}')


def compact(header, payload, sign):
    signing_input = base64url_encode(json.dumps(header).encode()) + b"." + base64url_encode(payload.encode())
    return (signing_input + b"." + base64url_encode(sign(signing_input))).decode()


def ours(signing_input):
    """The key that signs access tokens."""
    return by(private_key())(signing_input)


def by(key, algorithm="ES256"):
    return lambda signing_input: jwt.get_algorithm_by_name(algorithm).sign(signing_input, key)


def hmac_with(secret, algorithm="HS256"):
    # Does not use PyJWT's key preparation, because that refuses public keys as secrets.
    return lambda signing_input: jwt.get_algorithm_by_name(algorithm).sign(signing_input, secret)


def nobody(signing_input):
    return b""


@pytest.fixture
def live(access_token, alice):
    return Live(access_token(alice))


@pytest.fixture
def assert_refused(api, signing_keys, django_assert_num_queries):
    def check(token):
        keys.published_jwks()  # read once a minute
        with django_assert_num_queries(0):
            answer = api(token).get("/api/v1/accounts")
        assert answer.status_code == 401, readable(token)
        assert answer["WWW-Authenticate"].startswith('Bearer error="invalid_token"'), readable(token)

    return check


def readable(token):
    """Returns header and claims of a forgery that was accepted, for the message of the failing test."""
    parts = token.split(".")
    return [base64.urlsafe_b64decode(part + "==")[:500] for part in parts[:2]] if len(parts) == 3 else token


@pytest.fixture
def stranger():
    return ec.generate_private_key(ec.SECP256R1())


def test_the_forger_forges_what_the_api_accepts(live, api, issued, mobile_app):
    """The control: a token made in the same way, unchanged and signed by our key, is accepted, also with the claims of
    a real flow.
    """
    for token in (live, Live(issued(mobile_app)["access_token"])):
        assert api(token.token).get("/api/v1/accounts").status_code == 200
        assert api(token.forged(ours)).get("/api/v1/accounts").status_code == 200


# --- the signature


def test_asvs_9_1_2_the_algorithm_none_in_any_case_is_refused(live, assert_refused):
    """ASVS 9.1.2; jwt_tool -X a: with the kid of the real key, without a kid, and with the signature of the live
    token.
    """
    signature = base64.urlsafe_b64decode(live.token.rpartition(".")[2] + "==")
    for alg in map("".join, product("nN", "oO", "nN", "eE")):
        for sign in (nobody, lambda _: signature):
            assert_refused(live.forged(sign, header={"alg": alg}))
            assert_refused(live.forged(sign, header={"alg": alg}, without=["kid"]))
        assert_refused(live.forged(nobody, header={"alg": alg}).rstrip("."))


MISSPELLED = [
    "", " ES256", "ES256\0", "es256", "ES256,none", "ES512", "HS256", None, True, 256, ["ES256"], {"ES256": 1},
]  # fmt: skip


def test_asvs_9_1_2_an_algorithm_that_is_not_spelled_as_ours_is_refused(live, assert_refused):
    """ASVS 9.1.2; RFC 8725 §3.1: even if our key has signed it."""
    for alg in MISSPELLED:
        assert_refused(live.forged(ours, header={"alg": alg}))


@pytest.mark.parametrize(
    "claims", [None, {"sub": "00000000-0000-0000-0000-000000000000"}, {"scope": "accounts:read x"}]
)
def test_asvs_9_1_1_a_signature_that_is_none_is_refused(live, assert_refused, claims):
    """ASVS 9.1.1; jwt_tool -X n; zeros are Java's CVE-2022-21449; PortSwigger's lab of the unverified signature."""
    signature = base64.urlsafe_b64decode(live.token.rpartition(".")[2] + "==")
    order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551  # of P-256
    numbers = [part.to_bytes(32, "big") for part in (0, 1, order - 1, order)]
    forgeries = [b"", b"\0", b"\0" * 64, b"null", b"None", *(r + s for r, s in product(numbers, numbers))]
    if claims:
        forgeries.append(signature)
    for forgery in (*forgeries, signature[:-1], signature + b"\0", signature[32:] + signature[:32]):
        assert_refused(live.forged(lambda _, forgery=forgery: forgery, claims=claims))


@pytest.mark.parametrize("algorithm", HMACS)
def test_asvs_9_1_2_a_blank_or_weak_password_is_refused(live, assert_refused, settings, algorithm):
    """ASVS 9.1.2; jwt_tool -X b, -C; PortSwigger's lab of the weak key; Django's own secret is not a key either."""
    for secret in (*WEAK_SECRETS, settings.SECRET_KEY, live.kid, conf.ISSUER):
        for kid in (live.kid, "../../../../dev/null"):
            header = {"alg": algorithm, "kid": kid}
            assert_refused(live.forged(hmac_with(secret.encode(), algorithm), header=header))


def public_forms(jwk):
    """Returns every text and binary form of this public key that an attacker could use."""
    public = jwt.PyJWK(jwk).key
    spki = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    ssh = public.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
    forms = [
        pem,
        pem.rstrip(b"\n"),
        pem.replace(b"\n", b"\r\n"),
        b"".join(pem.splitlines()[1:-1]),
        base64.b64encode(pem),
        spki,
        ssh,
        ssh + b"\n",
        ssh.split()[1],
        json.dumps(jwk).encode(),
        json.dumps(jwk, separators=(",", ":")).encode(),
        json.dumps({"keys": [jwk]}).encode(),
        *(value.encode() for value in jwk.values()),
    ]
    if isinstance(public, rsa.RSAPublicKey):
        forms += [public.public_bytes(encoding, PublicFormat.PKCS1) for encoding in (Encoding.PEM, Encoding.DER)]
        forms.append(public.public_numbers().n.to_bytes(public.key_size // 8, "big"))
    if isinstance(public, ec.EllipticCurvePublicKey):
        points = (PublicFormat.UncompressedPoint, PublicFormat.CompressedPoint)
        forms += [public.public_bytes(Encoding.X962, point) for point in points]
    return forms


@pytest.mark.parametrize("algorithm", HMACS)
@pytest.mark.parametrize("confused", ["ES256", "RS256", "PS256", "EdDSA"])
def test_asvs_9_1_2_our_public_key_is_no_hmac_secret_in_any_form(live, assert_refused, client, confused, algorithm):
    """ASVS 9.1.2; jwt_tool -X k; PortSwigger's two labs of algorithm confusion: PEM, DER, JWK, SSH, raw."""
    published = client.get("/oauth/jwks")
    jwk = next(jwk for jwk in published.json()["keys"] if jwk["alg"] == confused)
    for secret in (*public_forms(jwk), published.content):
        header = {"alg": algorithm, "kid": jwk["kid"]}
        assert_refused(live.forged(hmac_with(secret, algorithm), header=header))


@pytest.mark.parametrize("algorithm", ["RS256", "PS256", "EdDSA"])
def test_asvs_9_1_2_each_of_our_keys_signs_by_its_own_algorithm_only(live, assert_refused, api, algorithm):
    """ASVS 9.1.2, RFC 8725 §3.1: the algorithm of the key decides, not that of the header."""
    key = keys.signing_key(algorithm)
    sign = by(private_key(algorithm), algorithm)
    right = live.forged(sign, header={"alg": algorithm, "kid": key.kid})
    assert api(right).get("/api/v1/accounts").status_code == 200
    for alg in {"ES256", "RS256", "PS256", "EdDSA", "RS384", "RS512", "PS384", "PS512", "HS256", "none"} - {algorithm}:
        assert_refused(live.forged(sign, header={"alg": alg, "kid": key.kid}))
    assert_refused(live.forged(sign, header={"alg": algorithm}))  # the kid of the ES256 key


@pytest.mark.parametrize("name", ["alg", "kid", "typ"])
def test_asvs_9_1_2_a_header_without_what_we_go_by_is_refused(live, assert_refused, name):
    """ASVS 9.1.2, 9.1.3, 9.2.2: no default replaces a missing header, even if our key has signed the token."""
    assert_refused(live.forged(ours, without=[name]))


# --- keys inside the token


def certificate_of(key):
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a stranger")])
    now = datetime.datetime.now(datetime.UTC)
    builder = x509.CertificateBuilder(
        name, name, key.public_key(), x509.random_serial_number(), now, now + datetime.timedelta(days=1)
    )
    return builder.sign(key, hashes.SHA256())


def headers_that_bring(key, kid, listener):
    """Returns each header of RFC 7515 §4.1 that names or holds a key, and some others that a careless verifier may
    follow.
    """
    jwk = {**jwt.get_algorithm_by_name("ES256").to_jwk(key.public_key(), as_dict=True), "alg": "ES256", "use": "sig"}
    certificate = certificate_of(key)
    der = certificate.public_bytes(Encoding.DER)
    listener.body = {"keys": [{**jwk, "kid": kid}]}
    for brought in (jwk, {**jwk, "kid": kid}, {"keys": [{**jwk, "kid": kid}]}):
        yield {"jwk": brought}
        yield {"jwks": brought}
    for name in ("jku", "x5u", "jwks_uri", "iss", "kid", "url", "jwk", "x5c", "src"):
        yield {name: listener.url(f"/{name}")}
        yield {name: listener.url(f"/{name}"), "jwk": jwk}
    x5c = [base64.b64encode(der).decode()]
    yield {"x5c": x5c}
    yield {
        "x5c": x5c,
        "x5t": base64url_encode(certificate.fingerprint(hashes.SHA1())).decode(),
        "x5t#S256": base64url_encode(certificate.fingerprint(hashes.SHA256())).decode(),
    }


@pytest.mark.parametrize("kid_of", ["us", "the stranger"])
def test_asvs_9_1_3_a_key_that_the_token_brings_is_never_used(live, assert_refused, listener, stranger, kid_of):
    """ASVS 9.1.3; jwt_tool -X i, s, x5u, x5c (CVE-2018-0114); PortSwigger's labs of jwk and jku injection."""
    kid = live.kid if kid_of == "us" else "the-strangers"
    for header in headers_that_bring(stranger, kid, listener):
        assert_refused(live.forged(by(stranger), header={"kid": kid, **header}))
    assert listener.requests == 0


def test_asvs_9_1_3_a_verifier_that_fetches_asks_its_own_issuer_only(live, api, listener, stranger, settings):
    """ASVS 9.1.3: the same for an API on another machine, which fetches keys over the network."""
    jwks = keys.published_jwks()
    settings.OAUTH = {**settings.OAUTH, "VERIFICATION_KEYS": "", "JWKS_URI": listener.url("/the-issuers")}
    for header in headers_that_bring(stranger, "the-strangers", listener):
        listener.body = jwks
        forged = live.forged(by(stranger), header={"kid": "the-strangers", **header})
        assert api(forged).get("/api/v1/accounts").status_code == 401
    assert api(live.token).get("/api/v1/accounts").status_code == 200
    assert {path for _, path, _ in listener.received} == {"/the-issuers"}
    assert listener.requests <= 2  # one fetch, and one more for the first unknown kid


def test_asvs_9_1_3_addresses_in_the_claims_are_not_followed(live, assert_refused, listener):
    """ASVS 9.1.3; jwt_tool's external interactions: no discovery of an issuer that the token chose."""
    claims = [{name: listener.url(f"/{name}")} for name in ("iss", "aud")]
    claims.append({"iss": listener.url(""), "jwks_uri": listener.url("/jwks_uri"), "jku": listener.url("/jku")})
    claims.append({"status": {"status_list": {"idx": 0, "uri": listener.url("/oauth/status/0")}}})
    for one in claims:
        assert_refused(live.forged(ours, claims=one))
    assert listener.requests == 0


# --- the key's name


def injections(known_file, marker):
    return [
        str(known_file), f"file://{known_file}", f"../../../../../../..{known_file}", f"{known_file}\0.pem",
        "../../dev/null", "/dev/null", "..\\..\\windows\\win.ini", "/proc/sys/kernel/randomize_va_space",
        "' OR 1=1 --", "' UNION SELECT 'known' --", "x'; SELECT pg_sleep(9) --", '" OR ""="', "%' OR kid LIKE '%",
        f"x; touch {marker}", f"| touch {marker}", f"`touch {marker}`", f"$(touch {marker})", f"&touch {marker}&",
        "{{7*7}}", "${jndi:ldap://x}", "%s%n", "keys", "__class__", "0", "", " ", "\0", "\ud800", "é", "\u202e",
        "k" * 4_000,  # still within the size limit of a token
        "k" * 65_536,
        None, True, 0, 1.5, [], {}, {"$ne": None},
    ]  # fmt: skip


def test_asvs_9_1_3_the_keys_name_is_only_looked_up(live, assert_refused, stranger, tmp_path):
    """ASVS 9.1.3; jwt_tool's kid injections; PortSwigger's lab of kid path traversal: no file, query or command."""
    known_file, marker = tmp_path / "key", tmp_path / "marker"
    known_file.write_bytes(b"known")
    for kid in injections(known_file, marker):
        assert_refused(live.forged(ours, header={"kid": kid}))
        assert_refused(live.forged(by(stranger), header={"kid": kid}))
        for secret in (b"known", b"", b"2\n"):
            assert_refused(live.forged(hmac_with(secret), header={"alg": "HS256", "kid": kid}))
    assert not marker.exists()


NEAR_MISSES = ["{kid} ", " {kid}", "{kid}\0", "{kid}=", "{kid}/../{kid}", "./{kid}", "{kid},x", "[{kid}]"]


def test_asvs_9_1_3_the_keys_name_is_matched_exactly(live, assert_refused):
    """ASVS 9.1.3: even if our key has signed the token."""
    for near in NEAR_MISSES:
        assert_refused(live.forged(ours, header={"kid": near.format(kid=live.kid)}))


# --- claims, signed by our own key


# The years 2001 and 2128: in the past and in the future whenever the tests run.
PAST, FUTURE = 1_000_000_000, 5_000_000_000
# Texts of JSON that are not a time; Python would read some of them as numbers.
NO_TIMES = ["1e400", "-1e400", "NaN", "Infinity", "-Infinity", f"[{PAST}]", '{"s": 1}', '"soon"', '""', "9" * 400]


NO_EXPIRY = [
    None, "null", "true", "false", "0", "-1", "-1e10", str(PAST), f"{PAST}.5", f'"{FUTURE}"', f"[{FUTURE}]", *NO_TIMES,
]  # fmt: skip


def test_asvs_9_2_1_an_expiry_that_is_over_or_no_time_is_refused(live, assert_refused):
    """ASVS 9.2.1; RFC 7519 §4.1.4, §2 NumericDate; Python's JSON reads NaN, Infinity and 1e400."""
    for text in NO_EXPIRY:
        assert_refused(live.with_claim("exp", text))


NOT_YET = [str(FUTURE), f"{FUTURE}.5", f'"{FUTURE}"', "null", *NO_TIMES]


def test_asvs_9_2_1_a_token_for_later_is_refused(live, assert_refused):
    """ASVS 9.2.1; RFC 7519 §4.1.5."""
    for text in NOT_YET:
        assert_refused(live.with_claim("nbf", text))


NOT_ISSUED = [None, "null", str(FUTURE), f'"{PAST}"', f"[{PAST}]", *NO_TIMES]


def test_asvs_9_2_1_an_issue_time_that_is_to_come_or_no_time_is_refused(live, assert_refused):
    """ASVS 9.2.1; RFC 7519 §4.1.6, required by RFC 9068 §2.2."""
    for text in NOT_ISSUED:
        assert_refused(live.with_claim("iat", text))


def test_asvs_9_2_1_clocks_may_differ_by_a_minute_at_most(clock_stands, live, assert_refused, api):
    """ASVS 9.2.1: a difference within the leeway is accepted, a difference of one minute is refused."""
    now = int(time.time())
    for claims in ({"exp": now - 5}, {"nbf": now + 5}, {"iat": now + 5}):
        assert api(live.forged(ours, claims=claims)).get("/api/v1/accounts").status_code == 200
    for claims in ({"exp": now - 60}, {"nbf": now + 65}, {"iat": now + 65}):
        assert_refused(live.forged(ours, claims=claims))


OTHER_AUDIENCES = [
    lambda us: us[:-1],
    lambda us: us + "/",
    lambda us: us + "/accounts",
    lambda us: us + "?",
    lambda us: us + "#",
    lambda us: us + "0",
    lambda us: f" {us}",
    lambda us: f"{us} https://other.example",
    lambda us: f"https://other.example,{us}",
    lambda us: us.upper(),
    lambda us: us.replace("http://", "https://"),
    lambda us: us.replace("/api", "/%61pi"),
    lambda us: us.replace("/api", "/x/../api"),
    lambda us: us.removesuffix("/api/v1"),  # the issuer itself
    lambda us: [],
    lambda us: [us[:-1], us + "/"],
    lambda us: [[us]],
    lambda us: [{"aud": us}],
    lambda us: {us: us},
    lambda us: None,
    lambda us: True,
    lambda us: 1,
    lambda us: "",
    lambda us: "*",
]


def test_asvs_9_2_3_another_audience_is_refused(live, assert_refused):
    """ASVS 9.2.3, 9.2.4, 10.3.1; RFC 7519 §4.1.3: one key signs for several audiences, so `aud` tells them apart."""
    for audiences in OTHER_AUDIENCES:
        assert_refused(live.forged(ours, claims={"aud": audiences(conf.audiences[0])}))


def test_asvs_9_2_3_one_of_several_audiences_is_enough(live, api):
    """ASVS 9.2.3; RFC 7519 §4.1.3."""
    us = conf.audiences[0]
    for audiences in (us, [us], ["https://other.example", us], [us, us]):
        answer = api(live.forged(ours, claims={"aud": audiences})).get("/api/v1/accounts")
        assert answer.status_code == 200, audiences


OTHER_ISSUERS = [
    lambda us: us[:-1],
    lambda us: us + "0",
    lambda us: us + "/",
    lambda us: us + ".evil.example",
    lambda us: us.replace("://", "://evil.example@"),
    lambda us: us.upper(),
    lambda us: f" {us}",
    lambda us: us + "\0",
    lambda us: us.partition("://")[2],
    lambda us: [us],
    lambda us: [us, "https://evil.example"],
    lambda us: {us: us},
    lambda us: None,
    lambda us: True,
    lambda us: "",
]


def test_another_issuer_is_refused(live, assert_refused):
    """RFC 9068 §4, RFC 8725 §3.8; PyJWT CVE-2024-53861: the issuer is compared as a whole string; a substring or a list
    does not match.
    """
    for issuer in OTHER_ISSUERS:
        assert_refused(live.forged(ours, claims={"iss": issuer(conf.ISSUER)}))


NO_OBJECTS = ["[]", "null", "7", '"x"', "", "{", "{}", "\0", "[" * 3000, '{"exp": 1' + ", " * 9]


def test_a_payload_that_is_no_object_is_refused(live, assert_refused):
    """RFC 7519 §7.2 step 10."""
    for payload in NO_OBJECTS:
        assert_refused(live.forged(ours, claims=payload))


# --- another kind of token


@pytest.fixture
def others(issued, mobile_app, alice):
    """Returns one token of each other kind that this server issues or accepts."""
    tokens = issued(mobile_app, scope="openid offline_access accounts:read")
    client_key = ClientKey()
    proof = {"jti": "j", "htm": "GET", "htu": f"{conf.audiences[0]}/accounts", "iat": int(time.time())}
    return {
        "ID token": tokens["id_token"],
        "refresh token": tokens["refresh_token"],
        "logout token": backchannel_logout.logout_token(
            mobile_app, user_id=str(alice.pk), sid="s", issuer=conf.ISSUER, pairwise_key=""
        ),
        "status list": published_lists.published(0).jwt.text,
        "client assertion": client_key.assertion(mobile_app.client_id),
        "client assertion for the API": client_key.assertion(mobile_app.client_id, aud=conf.audiences[0]),
        "DPoP proof": client_key.sign(proof, typ="dpop+jwt", jwk=client_key.public),
    }


def test_asvs_9_2_2_another_kind_of_token_is_refused(others, live, assert_refused):
    """ASVS 9.2.2; RFC 8725 §3.11, §3.12: each token as it is, and its claims with the type and the key of an access
    token.
    """
    for kind, token in others.items():
        assert_refused(token)
        if kind != "refresh token":  # which is not a JWT
            claims = json.dumps(jwt.decode(token, options={"verify_signature": False}))
            header = {**jwt.get_unverified_header(token), "alg": "ES256", "kid": live.kid}
            assert_refused(compact(header, claims, ours))
            assert_refused(live.forged(ours, claims=claims))


OTHER_TYPES = [
    "JWT", "jwt", "application/jwt", "dpop+jwt", "logout+jwt", "statuslist+jwt", "secevent+jwt",
    "token-introspection+jwt", "oauth-authz-req+jwt", "client-authentication+jwt",
    "at", "+jwt", "at+jwt ", " at+jwt", "at+jwt\0", "at+jwt;q=1", "at jwt", "at%2Bjwt", "text/at+jwt",
    "application/application/at+jwt", ["at+jwt"], {"at+jwt": 1}, None, True, 1,
]  # fmt: skip


def test_asvs_9_2_2_the_claims_of_an_access_token_under_another_type_are_refused(live, assert_refused):
    """ASVS 9.2.2; RFC 9068 §4: the header `typ` decides, not the claims."""
    for typ in OTHER_TYPES:
        assert_refused(live.forged(ours, header={"typ": typ}))
        assert_refused(live.forged(ours, header={"typ": typ}, claims={"typ": "at+jwt", "token_type": "at+jwt"}))
