"""DPoP (RFC 9449): every check of §4.3, replay, nonces, binding of tokens, codes and refresh tokens. ASVS 5.0 10.3.5."""

import base64
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import jwt
import pytest
import time_machine
from django.db import connection
from django.test import Client as Browser
from django.utils import timezone

from oauth import grants
from oauth.conf import conf
from oauth.models import Authorization, RefreshToken, UsedProof
from oauth.proof import nonce
from oauth.proof.dpop import InvalidProof, _key
from tests.lib.client_keys import ClientKey
from tests.lib.dpop import KEY, TOKEN, proof, public
from tests.lib.oauth_client import allow, authorization_url, callback, decide, decoded
from tests.lib.par import page_of, push

pytestmark = pytest.mark.django_db

ACCOUNTS = f"{conf.ISSUER}/api/v1/accounts"


def refused(answer, code="invalid_dpop_proof"):
    assert (answer.status_code, answer.json()["error"]) == (400, code), answer.content
    return True


@pytest.fixture
def bound(browser, mobile_app, token_endpoint):
    """A token response of the mobile app with tokens bound to a key."""
    code = allow(browser, mobile_app, scope="openid accounts:read")
    answer = token_endpoint.redeem(mobile_app, code, headers={"DPoP": proof()})
    assert answer.status_code == 200, answer.content
    return answer.json()


def read(token, sent_proof, scheme="DPoP", path="/api/v1/accounts"):
    headers = {"Authorization": f"{scheme} {token}"} | ({"DPoP": sent_proof} if sent_proof else {})
    return Browser(raise_request_exception=False).get(path, headers=headers)


def credentials(service, token_endpoint, sent_proof):
    return token_endpoint.post(service, grant_type="client_credentials", headers={"DPoP": sent_proof})


# --- at the token endpoint


@pytest.mark.parametrize("algorithm", ["ES256", "PS256", "EdDSA"])
def test_a_token_is_bound_to_the_key_of_the_proof(service, token_endpoint, algorithm):
    key = ClientKey(algorithm, kid=None)
    answer = credentials(service, token_endpoint, proof(key))
    assert answer.status_code == 200, answer.content
    assert answer.json()["token_type"] == "DPoP"
    assert decoded(answer.json()["access_token"])["cnf"] == {"jkt": key.jwk.thumbprint()}
    assert answer["DPoP-Nonce"]


def test_without_a_proof_it_is_a_bearer_token(service, token_endpoint):
    body = token_endpoint.post(service, grant_type="client_credentials").json()
    assert body["token_type"] == "Bearer"
    assert "cnf" not in decoded(body["access_token"])


def test_a_client_that_registered_for_dpop_gets_nothing_else(service, token_endpoint):
    """RFC 9449 §5.2, ASVS 5.0 10.4.14."""
    service.dpop_bound_access_tokens = True
    service.save()
    assert refused(token_endpoint.post(service, grant_type="client_credentials"))
    assert credentials(service, token_endpoint, proof()).status_code == 200


def test_the_first_proof_learns_the_nonce(service, token_endpoint):
    """RFC 9449 §8."""
    answer = credentials(service, token_endpoint, proof(without="nonce"))
    assert refused(answer, "use_dpop_nonce")
    assert credentials(service, token_endpoint, proof(nonce=answer["DPoP-Nonce"])).status_code == 200


@pytest.mark.parametrize("wrong", ["", "made-up", 1, None, "\ud800", "é"])
def test_a_nonce_is_ours(service, token_endpoint, wrong):
    assert refused(credentials(service, token_endpoint, proof(nonce=wrong)), "use_dpop_nonce")


def test_a_nonce_is_over_after_five_minutes_at_most(service, token_endpoint):
    old = nonce.current()
    with time_machine.travel(timezone.now() + timedelta(seconds=2 * nonce.LIFETIME_SECONDS)):
        assert refused(credentials(service, token_endpoint, proof(nonce=old)), "use_dpop_nonce")


def test_a_nonce_of_a_host_whose_clock_is_ahead_is_valid(service, token_endpoint):
    """A client that retries once gets its token, whichever host it reaches."""
    next_window = (time.time() // nonce.LIFETIME_SECONDS + 2) * nonce.LIFETIME_SECONDS
    with time_machine.travel(next_window, tick=False):
        of_other_host = nonce.current()
    with time_machine.travel(next_window - conf.CLOCK_SKEW.total_seconds(), tick=False):
        assert credentials(service, token_endpoint, proof(nonce=of_other_host)).status_code == 200
    with time_machine.travel(next_window - conf.CLOCK_SKEW.total_seconds() - 1, tick=False):
        assert refused(credentials(service, token_endpoint, proof(nonce=of_other_host)), "use_dpop_nonce")


def test_a_nonce_survives_a_new_secret_key(service, token_endpoint, settings):
    """The servers of a site do not get the new key at the same moment."""
    of_old_key, old_key = nonce.current(), settings.SECRET_KEY
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "a-new-secret-key", [old_key]
    assert nonce.current() != of_old_key
    assert credentials(service, token_endpoint, proof(nonce=of_old_key)).status_code == 200
    settings.SECRET_KEY_FALLBACKS = []
    assert refused(credentials(service, token_endpoint, proof(nonce=of_old_key)), "use_dpop_nonce")


@pytest.mark.parametrize("missing", ["jti", "htm", "htu", "iat"])
def test_every_claim_is_needed(service, token_endpoint, missing):
    assert refused(credentials(service, token_endpoint, proof(without=missing)))


@pytest.mark.parametrize(
    "claims",
    [{"htm": "GET"}, {"htm": "post"}, {"htu": "https://other.example/oauth/token"}, {"htu": f"{TOKEN}/"},
     {"htu": f"{conf.ISSUER}/oauth/par"}, {"htu": 1}, {"htu": "http://[::1"}, {"jti": ""}, {"jti": 1}, {"jti": "x" * 300},
     {"jti": "a\x00"}, {"jti": "\ud800"}, {"iat": "now"}, {"iat": True}, {"iat": None}, {"iat": 1e400},
     {"iat": timedelta(minutes=-10)}, {"iat": timedelta(minutes=10)}],
)  # fmt: skip
def test_claims_are_of_this_request(service, token_endpoint, claims):
    assert refused(credentials(service, token_endpoint, proof(**claims)))
    assert not UsedProof.objects.exists()


@pytest.mark.parametrize(
    "htu", [f"{TOKEN}?x=1#y", TOKEN.replace("http://", "HTTP://").replace("localhost", "LOCALHOST")]
)
def test_an_address_is_compared_normalized_without_query_and_fragment(service, token_endpoint, htu):
    """RFC 9449 §4.3 item 9."""
    assert credentials(service, token_endpoint, proof(htu=htu)).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [{"typ": "JWT"}, {"typ": "at+jwt"}, {"jwk": None}, {"jwk": {}}, {"jwk": "x"}, {"jwk": {"kty": "oct", "k": "AAAA"}},
     {"jwk": KEY.jwk.export(as_dict=True)}, {"jwk": public(ClientKey())}, {"jwk": {**public(KEY), "x": "!"}},
     {"jwk": {**public(KEY), "crv": "P-384"}}, {"crit": ["jwk"]}],
)  # fmt: skip
def test_headers_are_those_of_a_proof(service, token_endpoint, headers):
    """RFC 9449 §4.2: a proof that contains a private key is refused, too."""
    assert refused(credentials(service, token_endpoint, proof(headers=headers)))


@pytest.mark.filterwarnings("ignore:The RSA key is 1024")
def test_a_weak_key_proves_nothing(service, token_endpoint):
    key = ClientKey("PS256", kid=None, kty="RSA", size=1024)
    assert refused(credentials(service, token_endpoint, proof(key)))


def test_unsigned_and_symmetric_proofs_are_refused(service, token_endpoint):
    claims = jwt.decode(proof(), options={"verify_signature": False})
    head = {"typ": "dpop+jwt", "jwk": public(KEY)}
    assert refused(credentials(service, token_endpoint, jwt.encode(claims, None, algorithm="none", headers=head)))
    assert refused(credentials(service, token_endpoint, jwt.encode(claims, "x" * 64, headers=head)))


@pytest.mark.parametrize("header", ["nonsense", "a.b.c", "", ".." * 5000])
def test_a_proof_that_is_not_a_jwt_is_refused(service, token_endpoint, header):
    assert refused(credentials(service, token_endpoint, header))


def test_two_proofs_are_one_too_many(service, token_endpoint):
    """RFC 9449 §4.3 item 1, some servers join repeated headers."""
    assert refused(credentials(service, token_endpoint, f"{proof()}, {proof()}"))


def test_a_proof_counts_once(service, token_endpoint):
    sent = proof()
    assert credentials(service, token_endpoint, sent).status_code == 200
    assert refused(credentials(service, token_endpoint, sent))


@pytest.mark.django_db(transaction=True)
def test_of_parallel_uses_one_wins(service, token_endpoint):
    """RFC 9449 §11.1: shared by all workers, decided by the database."""
    sent, start = proof(), threading.Barrier(8)

    def use(_):
        start.wait()
        try:
            return credentials(service, token_endpoint, sent).status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(use, range(8))) == [200] + [400] * 7


# --- codes and refresh tokens


def test_a_code_may_be_for_one_key(browser, mobile_app, token_endpoint):
    """RFC 9449 §10."""
    code = allow(browser, mobile_app, dpop_jkt=KEY.jwk.thumbprint())
    assert refused(token_endpoint.redeem(mobile_app, code), "invalid_grant")
    thief = {"DPoP": proof(ClientKey(kid=None))}
    assert refused(token_endpoint.redeem(mobile_app, code, headers=thief), "invalid_grant")
    assert token_endpoint.redeem(mobile_app, code, headers={"DPoP": proof()}).status_code == 200


def test_a_pushed_request_with_a_proof_binds_the_code(browser, mobile_app, token_endpoint):
    """RFC 9449 §10.1."""
    par = f"{conf.ISSUER}/oauth/par"
    answer = push(mobile_app, headers={"DPoP": proof(url=par)})
    code = callback(decide(browser, page_of(browser, mobile_app, answer.json()["request_uri"])))["code"]
    assert refused(token_endpoint.redeem(mobile_app, code), "invalid_grant")
    assert token_endpoint.redeem(mobile_app, code, headers={"DPoP": proof()}).status_code == 200
    other = push(mobile_app, headers={"DPoP": proof(url=par)}, dpop_jkt=ClientKey().jwk.thumbprint())
    assert refused(other)


@pytest.mark.parametrize("jkt", ["short", "x" * 44, "+" * 43])
def test_dpop_jkt_must_have_the_form_of_a_thumbprint(browser, mobile_app, jkt):
    assert callback(browser.get(authorization_url(mobile_app, dpop_jkt=jkt)))["error"] == "invalid_request"


def test_a_public_clients_refresh_token_is_bound_and_then_stays(bound, mobile_app, token_endpoint):
    """RFC 9449 §5: bound tokens are not rotated (RFC 9700 §4.14.2)."""

    def refresh(**headers):
        return token_endpoint.refresh(mobile_app, bound["refresh_token"], headers=headers)

    assert refused(refresh(), "invalid_grant")
    assert refused(refresh(DPoP=proof(ClientKey(kid=None))), "invalid_grant")
    for _ in range(2):
        answer = refresh(DPoP=proof())
        assert answer.status_code == 200
        assert answer.json()["refresh_token"] == bound["refresh_token"]
        assert answer.json()["token_type"] == "DPoP"
    assert RefreshToken.objects.count() == 1


def test_a_confidential_client_may_change_its_key(browser, web_app, token_endpoint):
    tokens = token_endpoint.redeem(web_app, allow(browser, web_app), headers={"DPoP": proof()}).json()
    other = ClientKey(kid=None)
    answer = token_endpoint.refresh(web_app, tokens["refresh_token"], headers={"DPoP": proof(other)})
    assert decoded(answer.json()["access_token"])["cnf"]["jkt"] == other.jwk.thumbprint()


# --- at the API


def test_the_api_takes_the_token_with_a_proof(bound):
    token = bound["access_token"]
    answer = read(token, proof(url=ACCOUNTS, method="GET", token=token))
    assert answer.status_code == 200
    assert answer["DPoP-Nonce"]


def test_a_bound_token_is_no_bearer_token(bound):
    """RFC 9449 §7.2."""
    answer = read(bound["access_token"], None, scheme="Bearer")
    assert answer.status_code == 401
    assert 'DPoP error="invalid_token"' in answer["WWW-Authenticate"]


def test_a_bearer_token_is_no_bound_token(issued, mobile_app):
    token = issued(mobile_app)["access_token"]
    answer = read(token, proof(url=ACCOUNTS, method="GET", token=token))
    assert answer.status_code == 401


def test_without_a_token_both_ways_are_offered(client, signing_keys):
    challenge = client.get("/api/v1/accounts")["WWW-Authenticate"]
    assert challenge.startswith("Bearer ")
    assert "DPoP resource_metadata=" in challenge
    assert 'algs="PS256 ES256 EdDSA"' in challenge


@pytest.mark.parametrize(
    "wrong",
    [{"without": "ath"}, {"ath": "x"}, {"token": "another-token"}, {"method": "POST"}, {"url": TOKEN},
     {"key": ClientKey(kid=None)}, {"iat": timedelta(minutes=-10)}],
)  # fmt: skip
def test_a_proof_of_anything_else_is_refused(bound, wrong):
    token = bound["access_token"]
    answer = read(token, proof(**{"url": ACCOUNTS, "method": "GET", "token": token, **wrong}))
    assert answer.status_code == 401
    assert 'DPoP error="invalid_dpop_proof"' in answer["WWW-Authenticate"]


def test_the_api_asks_for_the_nonce_and_counts_proofs(bound):
    """RFC 9449 §9."""
    token = bound["access_token"]
    answer = read(token, proof(url=ACCOUNTS, method="GET", token=token, without="nonce"))
    assert answer.status_code == 401
    assert 'error="use_dpop_nonce"' in answer["WWW-Authenticate"]
    sent = proof(url=ACCOUNTS, method="GET", token=token, nonce=answer["DPoP-Nonce"])
    assert [read(token, sent).status_code for _ in range(2)] == [200, 401]


def test_a_missing_proof_is_named(bound):
    answer = read(bound["access_token"], None)
    assert answer.status_code == 401
    assert "The DPoP header is missing" in answer["WWW-Authenticate"]


def test_a_query_is_not_part_of_the_address(bound):
    token = bound["access_token"]
    assert (
        read(token, proof(url=ACCOUNTS, method="GET", token=token), path="/api/v1/accounts?limit=1").status_code == 200
    )


def test_userinfo_and_introspection_know_bound_tokens(bound, browser, web_app, token_endpoint, alice):
    token, url = bound["access_token"], f"{conf.ISSUER}/oauth/userinfo"
    answer = read(token, proof(url=url, method="GET", token=token), path="/oauth/userinfo")
    assert answer.json()["sub"] == str(alice.pk)
    refused_answer = read(token, None, scheme="Bearer", path="/oauth/userinfo")
    assert refused_answer.status_code == 401
    of_web = token_endpoint.redeem(web_app, allow(browser, web_app), headers={"DPoP": proof()}).json()
    basic = base64.b64encode(f"{web_app.client_id}:{web_app.secret}".encode()).decode()
    body = Browser().post(
        "/oauth/introspect", f"token={of_web['access_token']}", content_type="application/x-www-form-urlencoded",
        headers={"Authorization": f"Basic {basic}"},
    ).json()  # fmt: skip
    assert (body["token_type"], body["cnf"]) == ("DPoP", {"jkt": KEY.jwk.thumbprint()})


def test_the_thumbprint_of_the_rfcs_key():
    """RFC 9449 §6.1."""
    jwk = {
        "kty": "EC", "crv": "P-256", "x": "l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs",
        "y": "9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA",
    }  # fmt: skip
    assert _key(jwk, "ES256")[1] == "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"


def test_a_key_is_read_once_and_only_that_key():
    (mine, jkt), (other, _) = (_key(public(key), "ES256") for key in (KEY, ClientKey(kid=None)))
    assert _key({**public(KEY), "kid": "renamed"}, "ES256") == (mine, jkt)
    assert other is not mine
    for odd in (["x"], {"a": 1}, 5, None):
        with pytest.raises(InvalidProof):
            _key({**public(KEY), "x": odd}, "ES256")


# --- a public client that moves from bearer tokens to DPoP (RFC 9700 §4.14.2)


@pytest.fixture
def moved(issued, mobile_app, token_endpoint):
    """Returns (the last bearer refresh token, the bound refresh token that replaced it)."""
    first = issued(mobile_app)["refresh_token"]
    answer = token_endpoint.refresh(mobile_app, first, headers={"DPoP": proof()})
    return first, answer.json()["refresh_token"]


@pytest.mark.parametrize("path", ["fast", "under the lock"])
def test_a_bound_successor_that_was_used_closes_the_retry_window(moved, mobile_app, token_endpoint, monkeypatch, path):
    first, bound = moved
    if path == "under the lock":
        monkeypatch.setattr(grants, "_try_fast", lambda grant, request: None)
    assert token_endpoint.refresh(mobile_app, bound, headers={"DPoP": proof()}).status_code == 200
    replayed = token_endpoint.refresh(mobile_app, first, headers={"DPoP": proof()})
    assert refused(replayed, "invalid_grant")
    assert Authorization.objects.get().revocation_reason == "refresh_replay"


@pytest.mark.parametrize("thief", ["bearer", "another key"])
def test_a_retry_never_falls_back_from_the_key(moved, mobile_app, token_endpoint, thief):
    """The retry is within the retry window, before the first use of the bound successor."""
    first, bound = moved
    headers = {} if thief == "bearer" else {"DPoP": proof(ClientKey(kid=None))}
    assert refused(token_endpoint.refresh(mobile_app, first, headers=headers), "invalid_grant")
    assert token_endpoint.refresh(mobile_app, bound, headers={"DPoP": proof()}).status_code == 200


def test_a_lost_answer_is_asked_for_again_with_the_same_key(moved, mobile_app, token_endpoint):
    first, lost = moved
    again = token_endpoint.refresh(mobile_app, first, headers={"DPoP": proof()})
    assert again.status_code == 200
    bound = again.json()["refresh_token"]
    for row in RefreshToken.objects.filter(replaces__isnull=False, revoked_at=None):
        assert row.confirmation == {"jkt": KEY.jwk.thumbprint()}
    for one in (bound, lost):  # the client may continue with either answer
        assert token_endpoint.refresh(mobile_app, one, headers={"DPoP": proof()}).status_code == 200
    with time_machine.travel(timezone.now() + timedelta(seconds=61)):
        assert token_endpoint.refresh(mobile_app, bound, headers={"DPoP": proof()}).status_code == 200
    assert RefreshToken.objects.get(superseded_at=None, revoked_at=None).fork is None


def test_a_client_that_moves_to_a_key_leaves_other_branches_behind(issued, mobile_app, token_endpoint):
    """RFC 9449 §5: a thief who used the token first holds one without a key."""
    first = issued(mobile_app)["refresh_token"]
    bearer = token_endpoint.refresh(mobile_app, first).json()["refresh_token"]
    bound = token_endpoint.refresh(mobile_app, first, headers={"DPoP": proof()}).json()["refresh_token"]
    assert refused(token_endpoint.refresh(mobile_app, bearer), "invalid_grant")
    assert refused(token_endpoint.refresh(mobile_app, bound, headers={"DPoP": proof()}), "invalid_grant")


def test_a_client_that_moves_to_a_key_later_leaves_other_branches_behind(issued, mobile_app, token_endpoint):
    first = issued(mobile_app)["refresh_token"]
    bearer, other = [token_endpoint.refresh(mobile_app, first).json()["refresh_token"] for _ in range(2)]
    assert token_endpoint.refresh(mobile_app, other, headers={"DPoP": proof()}).status_code == 200
    for token in (first, bearer):
        assert refused(token_endpoint.refresh(mobile_app, token), "invalid_grant")
    assert Authorization.objects.get().revocation_reason == "refresh_replay"


# --- exp and nbf, which a proof need not have (RFC 7519 §4.1.4, §4.1.5)


@pytest.mark.parametrize(
    "times", [{"exp": -60}, {"nbf": 60}, {"exp": "soon"}, {"nbf": "now"}, {"exp": True}, {"exp": None}, {"nbf": [1]}]
)
def test_exp_and_nbf_of_a_proof_are_checked(clock_stands, browser, mobile_app, token_endpoint, times):
    claims = {name: int(time.time()) + by if type(by) is int else by for name, by in times.items()}
    code = allow(browser, mobile_app)
    assert refused(token_endpoint.redeem(mobile_app, code, headers={"DPoP": proof(**claims)}))


def test_the_limits_of_a_proof_allow_for_clocks_that_are_off(clock_stands, browser, mobile_app, token_endpoint):
    now, skew = int(time.time()), int(conf.CLOCK_SKEW.total_seconds())
    sent = proof(exp=now - skew + 5, nbf=now + skew - 5)
    answer = token_endpoint.redeem(mobile_app, allow(browser, mobile_app), headers={"DPoP": sent})
    assert answer.status_code == 200


@pytest.mark.parametrize("typ", ["DPoP+JWT", "application/dpop+jwt"])
def test_the_type_of_a_proof_counts_in_any_case(browser, mobile_app, token_endpoint, typ):
    """RFC 7515 §4.1.9."""
    sent = proof(headers={"typ": typ})
    answer = token_endpoint.redeem(mobile_app, allow(browser, mobile_app), headers={"DPoP": sent})
    assert answer.status_code == 200
