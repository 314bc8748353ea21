"""private_key_jwt (RFC 7523 §3): which assertions are accepted, and every reason to refuse one. ASVS 5.0 10.4.16."""

import hmac
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import jwt
import pytest
import time_machine
from django.db import connection
from django.utils import timezone

from oauth.clients.advice import advise
from oauth.clients.registration import metadata
from oauth.conf import conf
from oauth.models import UsedAssertion
from oauth.models.client import keys as registered_keys
from oauth.operations import cleanup
from tests.lib.client_keys import ClientKey, by
from tests.lib.registered import make_client

pytestmark = pytest.mark.django_db

KEY = ClientKey()


@pytest.fixture
def client_with_key(db):
    client = make_client(
        "service", allowed_scopes=["accounts:read"], token_endpoint_auth_method="private_key_jwt",
        client_jwks={"keys": [KEY.public]},
    )  # fmt: skip
    client.full_clean()
    client.save()
    return client


def ask(token_endpoint, assertion, **form):
    return token_endpoint.post(grant_type="client_credentials", **by(assertion), **form)


def base64url(header):
    return jwt.utils.base64url_encode(json.dumps(header).encode()).decode()


def refused(answer, code="invalid_client"):
    assert answer.status_code == (401 if code == "invalid_client" else 400), answer.content
    assert answer.json()["error"] == code
    return answer.json()["error_description"]


@pytest.mark.parametrize("algorithm", ["ES256", "PS256", "EdDSA", "RS256"])
def test_a_signature_proves_the_client(client_with_key, token_endpoint, algorithm):
    key = ClientKey(algorithm)
    client_with_key.client_jwks = {"keys": [key.public]}
    client_with_key.save()
    answer = ask(token_endpoint, key.assertion(client_with_key.client_id))
    assert answer.status_code == 200, answer.content
    also = ask(token_endpoint, key.assertion(client_with_key.client_id), client_id=client_with_key.client_id)
    assert also.status_code == 200


@pytest.mark.parametrize("registered", ["", "ES256", "PS256"])
def test_the_registered_algorithm_is_the_only_one(client_with_key, token_endpoint, registered):
    """OpenID Connect Registration §2: assertions that are signed with another algorithm must be refused, whatever keys
    the client has.
    """
    es256, ps256 = ClientKey("ES256", kid="es256"), ClientKey("PS256", kid="ps256")
    client_with_key.client_jwks = {"keys": [es256.public, ps256.public]}
    client_with_key.token_endpoint_auth_signing_alg = registered
    client_with_key.full_clean()
    client_with_key.save()
    for key in (es256, ps256):
        answer = ask(token_endpoint, key.assertion(client_with_key.client_id))
        if registered in ("", key.algorithm):
            assert answer.status_code == 200, answer.content
        else:
            assert refused(answer).startswith(f"alg of client_assertion must be one of {registered}.")


LOOSE = [[conf.ISSUER], f"{conf.ISSUER}/oauth/token", f"{conf.ISSUER}/oauth/par"]


@pytest.mark.parametrize("audience", LOOSE)
def test_the_issuer_alone_is_the_audience(client_with_key, token_endpoint, audience):
    """draft-ietf-oauth-rfc7523bis: an audience that is an endpoint's URL, or a list, may be valid at another server,
    too.
    """
    assert ask(token_endpoint, KEY.assertion(client_with_key.client_id, aud=conf.ISSUER)).status_code == 200
    refused(ask(token_endpoint, KEY.assertion(client_with_key.client_id, aud=audience)))


@pytest.mark.parametrize("audience", [conf.ISSUER, *LOOSE])
def test_an_admin_may_let_a_client_name_endpoints(client_with_key, token_endpoint, audience):
    """RFC 7523 §3 item 3, for a library that cannot use the issuer as audience."""
    client_with_key.accepts_endpoint_audience = True
    client_with_key.save()
    assert ask(token_endpoint, KEY.assertion(client_with_key.client_id, aud=audience)).status_code == 200
    assert [one.field for one in advise(client_with_key)].count("accepts_endpoint_audience") == 1


def test_a_registration_cannot_let_itself_name_endpoints():
    """Only an admin can: the field is not client metadata (RFC 7591)."""
    assert "accepts_endpoint_audience" not in Path(metadata.__file__).read_text()


@pytest.mark.parametrize("typ", ["client-authentication+jwt", "application/client-authentication+JWT", "JWT", "jwt"])
def test_the_type_of_an_assertion_may_say_what_it_is_for(client_with_key, token_endpoint, typ):
    assertion = KEY.assertion(client_with_key.client_id, headers={"typ": typ})
    assert ask(token_endpoint, assertion).status_code == 200


@pytest.mark.parametrize(
    "typ", ["oauth-authz-req+jwt", "application/OAuth-Authz-Req+JWT", "dpop+jwt", "at+jwt", "logout+jwt", "x", 1]
)
def test_a_jwt_of_another_type_never_authenticates(client_with_key, token_endpoint, typ):
    """RFC 8725 §3.11."""
    refused(ask(token_endpoint, KEY.assertion(client_with_key.client_id, headers={"typ": typ})))


@pytest.mark.parametrize("typ", ["JWT", "client-authentication+jwt"])
@pytest.mark.parametrize("name", ["response_type", "redirect_uri", "scope"])
def test_a_request_object_without_its_type_never_authenticates(client_with_key, token_endpoint, typ, name):
    """RFC 9101 §10.8: a request object could otherwise be used as a client assertion."""
    refused(ask(token_endpoint, KEY.assertion(client_with_key.client_id, headers={"typ": typ}, **{name: "x"})))


@pytest.mark.parametrize(
    "audience",
    ["https://other.example", f"{conf.ISSUER}/", f"{conf.ISSUER}.evil.example", "", [], None, 1,
     [conf.ISSUER, "https://other.example"], {"iss": conf.ISSUER}],
)  # fmt: skip
def test_an_assertion_for_somebody_else_too_is_refused(client_with_key, token_endpoint, audience):
    """RFC 7523 §3 item 3: any other server in the audience could use the assertion here. This also holds if the client
    may name endpoints.
    """
    client_with_key.accepts_endpoint_audience = True
    client_with_key.save()
    refused(ask(token_endpoint, KEY.assertion(client_with_key.client_id, aud=audience)))


def test_an_assertion_counts_once(client_with_key, token_endpoint):
    assertion = KEY.assertion(client_with_key.client_id)
    assert ask(token_endpoint, assertion).status_code == 200
    assert "already used" in refused(ask(token_endpoint, assertion))


def test_an_assertion_is_remembered_as_long_as_the_leeway_accepts_it(client_with_key, token_endpoint):
    """RFC 7523 §3 item 7: `exp` is compared with a leeway, so the jti must be stored longer than until `exp`. This must
    not rely on the cleanup, which deletes it later still.
    """
    # Starts at the next full second. In the first test of a run, the signing key may have become active in this second.
    now = timezone.now().replace(microsecond=0) + timedelta(seconds=1)
    with time_machine.travel(now, tick=False) as clock:
        assertion = KEY.assertion(client_with_key.client_id, exp=int(now.timestamp()) + 5)
        assert ask(token_endpoint, assertion).status_code == 200
        assert UsedAssertion.objects.get().expires_at >= now + timedelta(seconds=5) + conf.CLOCK_SKEW
        clock.shift(timedelta(seconds=5) + conf.CLOCK_SKEW - timedelta(seconds=1))
        cleanup.expired()["used assertions"].delete()
        assert "already used" in refused(ask(token_endpoint, assertion))


@pytest.mark.parametrize("missing", ["iss", "sub", "aud", "exp", "jti"])
def test_every_claim_is_needed(client_with_key, token_endpoint, missing):
    refused(ask(token_endpoint, KEY.assertion(client_with_key.client_id, without=missing)))


@pytest.mark.parametrize(
    "claims",
    [{"exp": 1}, {"exp": timedelta(seconds=4000)}, {"exp": "soon"}, {"exp": True}, {"exp": 1e400}, {"exp": None},
     {"nbf": timedelta(hours=1)}, {"iat": timedelta(hours=1)}, {"jti": ""}, {"jti": "x" * 300},
     {"jti": 1}, {"jti": "a\x00b"}, {"jti": "\ud800"}, {"iss": "another"}, {"sub": "another"}],
)  # fmt: skip
def test_claims_are_within_bounds(client_with_key, token_endpoint, claims):
    refused(ask(token_endpoint, KEY.assertion(client_with_key.client_id, **claims)))
    assert not UsedAssertion.objects.exists()


@pytest.mark.parametrize("headers", [{"crit": ["exp"]}, {"b64": False}, {"kid": "unknown"}])
def test_headers_are_within_bounds(client_with_key, token_endpoint, headers):
    assertion = KEY.assertion(client_with_key.client_id, headers=headers)
    refused(ask(token_endpoint, assertion))


def test_an_unsigned_or_symmetric_assertion_is_refused(client_with_key, token_endpoint):
    """RFC 8725 §3.1, §3.2: this covers `none`, HMAC with the public key, and another algorithm with the same key."""
    claims = jwt.decode(KEY.assertion(client_with_key.client_id), options={"verify_signature": False})
    refused(ask(token_endpoint, jwt.encode(claims, None, algorithm="none")))
    head = KEY.assertion(client_with_key.client_id, headers={"typ": "JWT"}).split(".")[1]
    signed = base64url({"alg": "HS256", "kid": "key-1"}) + "." + head
    for secret in (json.dumps(KEY.public).encode(), KEY.jwk.export_to_pem()):
        signature = hmac.new(secret, signed.encode(), "sha256").digest()
        refused(ask(token_endpoint, f"{signed}.{jwt.utils.base64url_encode(signature).decode()}"))
    rsa = ClientKey("RS256")
    client_with_key.client_jwks = {"keys": [{**rsa.public, "alg": "PS256"}]}
    client_with_key.save()
    refused(ask(token_endpoint, rsa.assertion(client_with_key.client_id)))


def test_one_of_several_keys_without_a_name_proves_the_client(client_with_key, token_endpoint):
    """RFC 7517 §4.5: `kid` is optional, and several keys may be of one kind while the client changes them."""
    keys = [ClientKey(kid=None), ClientKey("PS256", kid=None), ClientKey(kid=None)]
    client_with_key.client_jwks = {"keys": [key.public for key in keys]}
    client_with_key.save()
    for key in keys:
        assert ask(token_endpoint, key.assertion(client_with_key.client_id)).status_code == 200
    refused(ask(token_endpoint, ClientKey(kid=None).assertion(client_with_key.client_id)))


def test_what_is_wrong_with_the_header_is_named(client_with_key, token_endpoint):
    for header, name in [({"typ": "dpop+jwt"}, "typ"), ({"crit": ["exp"]}, "crit")]:
        description = refused(ask(token_endpoint, KEY.assertion(client_with_key.client_id, headers=header)))
        assert name in description
        assert "alg" not in description
    other = ClientKey("ES384", kty="EC", crv="P-384")
    assert "alg of client_assertion" in refused(ask(token_endpoint, other.assertion(client_with_key.client_id)))


def test_another_clients_key_proves_nothing(client_with_key, token_endpoint):
    refused(ask(token_endpoint, ClientKey().assertion(client_with_key.client_id)))


def test_key_material_in_the_header_is_never_used(client_with_key, token_endpoint):
    """RFC 8725 §3.5: an attacker controls jwk, jku, x5u and x5c of the header."""
    thief = ClientKey()
    for header in ({"jwk": thief.public}, {"jku": "https://evil.example/jwks"}, {"x5u": "https://evil.example/x"}):
        refused(ask(token_endpoint, thief.assertion(client_with_key.client_id, headers=header)))


def test_the_registered_method_is_the_only_one(client_with_key, service, token_endpoint):
    refused(token_endpoint.post(grant_type="client_credentials", client_id=client_with_key.client_id))
    refused(ask(token_endpoint, KEY.assertion(service.client_id)))


def test_two_methods_at_once_are_refused(client_with_key, token_endpoint):
    """RFC 6749 §2.3."""
    refused(ask(token_endpoint, KEY.assertion(client_with_key.client_id), client_secret="x"), "invalid_request")
    assertion = KEY.assertion(client_with_key.client_id)
    headers = {"Authorization": "Basic YTpi"}
    refused(token_endpoint.post(grant_type="client_credentials", headers=headers, **by(assertion)), "invalid_request")


def test_another_client_id_beside_the_assertion_is_refused(client_with_key, token_endpoint):
    refused(ask(token_endpoint, KEY.assertion(client_with_key.client_id), client_id="another"), "invalid_request")


@pytest.mark.parametrize("assertion", ["nonsense", "a.b.c", "e30.e30.AAAA", "." * 5000, "é.é.é"])
def test_an_assertion_that_is_not_a_jwt_is_invalid_client(client_with_key, token_endpoint, assertion):
    refused(ask(token_endpoint, assertion))


def test_another_assertion_type_is_refused(client_with_key, token_endpoint):
    form = by(KEY.assertion(client_with_key.client_id)) | {"client_assertion_type": "urn:example:saml"}
    refused(token_endpoint.post(grant_type="client_credentials", **form))


def test_one_statement_more_than_a_secret(client_with_key, token_endpoint, django_assert_num_queries):
    ask(token_endpoint, KEY.assertion(client_with_key.client_id))  # reads the signing keys and the client
    with django_assert_num_queries(1):
        assert ask(token_endpoint, KEY.assertion(client_with_key.client_id)).status_code == 200


@pytest.mark.django_db(transaction=True)
def test_of_parallel_uses_one_wins(client_with_key, token_endpoint):
    """RFC 7523 §3 item 7, with ten parallel requests."""
    assertion = KEY.assertion(client_with_key.client_id)
    start = threading.Barrier(10)

    def use(_):
        start.wait()
        try:
            return ask(token_endpoint, assertion).status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(10) as pool:
        statuses = sorted(pool.map(use, range(10)))
    assert statuses == [200] + [401] * 9


# --- keys by URL


@pytest.fixture
def key_server(listener):
    return listener


@pytest.fixture
def client_with_uri(client_with_key, key_server):
    key_server.body = {"keys": [KEY.public]}
    client_with_key.client_jwks, client_with_key.client_jwks_uri = None, key_server.url("/jwks")
    client_with_key.full_clean()
    client_with_key.save()
    return client_with_key


def test_keys_are_fetched_once_and_followed_when_they_change(client_with_uri, key_server, token_endpoint):
    for _ in range(3):
        assert ask(token_endpoint, KEY.assertion(client_with_uri.client_id)).status_code == 200
    assert key_server.requests == 1
    added = ClientKey(kid="key-2")
    key_server.body = {"keys": [KEY.public, added.public]}
    assert ask(token_endpoint, added.assertion(client_with_uri.client_id)).status_code == 200
    assert key_server.requests == 2


def test_unknown_kids_cause_one_fetch(client_with_uri, key_server, token_endpoint):
    assert ask(token_endpoint, KEY.assertion(client_with_uri.client_id)).status_code == 200
    for number in range(5):
        refused(ask(token_endpoint, ClientKey(kid=f"unknown-{number}").assertion(client_with_uri.client_id)))
    assert key_server.requests == 2


def test_a_failed_fetch_leaves_the_keys(client_with_uri, key_server, token_endpoint):
    assert ask(token_endpoint, KEY.assertion(client_with_uri.client_id)).status_code == 200
    key_server.status = 500
    refused(ask(token_endpoint, ClientKey(kid="key-2").assertion(client_with_uri.client_id)))
    assert ask(token_endpoint, KEY.assertion(client_with_uri.client_id)).status_code == 200


@pytest.mark.parametrize("body", [[], {}, {"keys": 1}, {"keys": [1]}, {"keys": []}, "x" * 70_000, None])
def test_an_invalid_jwk_set_is_invalid_client(client_with_uri, key_server, token_endpoint, body):
    key_server.body = body
    refused(ask(token_endpoint, KEY.assertion(client_with_uri.client_id)))


def test_a_key_is_read_once_and_only_that_key():
    """The cache of parsed keys uses the key itself as its index, so one key is never returned for another."""
    mine, other = ClientKey(), ClientKey()
    loaded = registered_keys.load(mine.public, "ES256")
    assert registered_keys.load({**mine.public, "kid": "renamed"}, "ES256") is loaded
    assert registered_keys.load(other.public, "ES256") is not loaded
    mixed = {**mine.public, "x": other.public["x"]}
    with pytest.raises(ValueError, match="cannot be read"):
        registered_keys.load(mixed, "ES256")
    for odd in (["x"], {"a": 1}, 5, None):
        with pytest.raises(ValueError, match="cannot be read"):
            registered_keys.load({**mine.public, "x": odd}, "ES256")
